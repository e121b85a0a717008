"""What the control API's handlers share: JSON bodies in, mistakes out."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web


class ControlError(Exception):
    """The control API cannot do that; the text says why."""

    status = 400


class BadRequest(ControlError):
    """The request makes no sense."""


class NotFound(ControlError):
    """There is no such thing."""

    status = 404


async def read_object(request: web.Request) -> dict[str, Any]:
    """The body's JSON object; an empty body is an empty one. Raises `BadRequest`."""
    try:
        body = json.loads(await request.read() or b"{}")
    except ValueError:
        raise BadRequest("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    return body


def number(body: dict[str, Any], name: str, default: float) -> float:
    """A number from the body. Raises `BadRequest`."""
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadRequest(f"{name} must be a number")
    return value
