"""What a task message must look like (Celery: message protocol 2). Queues hold what anybody put into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

_BODY_TYPES: Final = (list, dict, dict)
"""Arguments, named arguments and what follows on the task."""
_HEADER_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "task": str,
    "id": str,
    "eta": (str, type(None)),
    "expires": (str, type(None)),
    "retries": (int, type(None)),
    "timelimit": (list, type(None)),
}


class UnreadableMessage(Exception):
    """This is no task message; the text says what is wrong."""


def require_task(headers: Any, content: tuple[Any, Any], decode: Callable[[], Any]) -> None:
    """Make sure that headers, content (type and encoding) and decoded body are those of a task.

    Raises `UnreadableMessage`.
    """
    if not isinstance(headers, dict):
        raise UnreadableMessage("it has no headers")
    require_types(headers, _HEADER_TYPES)
    if content != ("application/json", "utf-8"):
        raise UnreadableMessage("it is not JSON in UTF-8")
    try:
        body = decode()
    except Exception as failure:
        raise UnreadableMessage(f"{type(failure).__name__}: {failure}") from failure
    if not isinstance(body, list) or [type(part) for part in body] != list(_BODY_TYPES):
        raise UnreadableMessage("its body is not that of a task")


def require_types(fields: dict[str, Any], types: Mapping[str, type | tuple[type, ...]]) -> None:
    """Make sure that each of these fields is there and of its type. Raises `UnreadableMessage`."""
    for name, kind in types.items():
        if not isinstance(fields.get(name), kind):
            raise UnreadableMessage(f"its {name} is missing or of the wrong type")
