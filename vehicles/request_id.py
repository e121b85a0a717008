"""The id of the request being served, carried into log lines, events and command rows."""

from __future__ import annotations

import uuid
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin() -> str:
    """Give the work that starts now an id of its own (36 characters, as clients expect) and return it."""
    value = str(uuid.uuid4())
    _current.set(value)
    return value


def current() -> str:
    """The id of the request being served; empty outside of one."""
    return _current.get()
