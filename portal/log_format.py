"""How log lines are written: as text for people, or each as one JSON object for a log collector (`LOG_FORMAT`).

Web server, worker and clock set their own logs up; they are given the same form here.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from typing import Any, Final

from structlog.processors import JSONRenderer, StackInfoRenderer, format_exc_info
from structlog.stdlib import ProcessorFormatter

from vehicles import request_id

TEXT: Final = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"


def formatter(log_format: str) -> dict[str, Any]:
    """The formatter of Django's `LOGGING`."""
    return {"()": "portal.log_format.json_lines"} if log_format == "json" else {"format": TEXT}


def json_lines() -> logging.Formatter:
    """Writes `{at, level, logger, request_id, event}`, with `exception` where there is one; always a single line."""
    return ProcessorFormatter(
        foreign_pre_chain=[_described, StackInfoRenderer(), format_exc_info],
        processors=[ProcessorFormatter.remove_processors_meta, JSONRenderer(ensure_ascii=False)],
    )


def _described(logger: Any, method: str, event: Any) -> Any:
    record: logging.LogRecord = event["_record"]
    return event | {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
        "level": record.levelname,
        "logger": record.name,
        "request_id": request_id.current() or None,
    }


def format_handlers(logger: logging.Logger) -> None:
    """Give the handlers of a logger that another program set up our form, where it is not text.

    Reads the environment: the web server's first process knows no Django settings.
    """
    if os.environ.get("LOG_FORMAT", "").strip().lower() == "json":
        for handler in logger.handlers:
            handler.setFormatter(json_lines())
