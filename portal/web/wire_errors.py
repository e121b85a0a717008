"""Answers to what never became a request: in the form of the surface that was asked, as far as that can be told."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import translation

from vehicles import errors, request_id
from vehicles.api.error_responses import error_response
from vehicles.errors import CatalogueError

API: Final = re.compile(r"/v\d")
"""Below a version everything is JSON."""
TOKENS: Final = re.compile(r"/oauth/token(?:/|$)")

DESCRIPTIONS: Final = {
    400: "The request is malformed: a line, a header field or a chunk of it is not as HTTP wants it.",
    403: "This server is no proxy for others.",
    408: "The request did not arrive in time.",
    413: "The request is too large.",
    414: "The request line is too long.",
    417: "Only 100-continue can be expected.",
    431: "The header fields are too long, or too many.",
    501: "This transfer coding is not known here; chunked is.",
    503: "The server has too much to do at this moment. Try again in a few seconds.",
}
FOR_NOW: Final = (408, 503)
"""What may work a moment later."""
RETRY_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class WireAnswer:
    """A whole answer; afterwards the connection ends, since nobody knows where the next request would begin."""

    status: int
    content_type: str
    body: bytes
    request_id: str

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header fields, but for those of the connection."""
        return [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            ("SC-Request-Id", self.request_id),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", _POLICY),
            *([("Retry-After", str(RETRY_SECONDS))] if self.status in FOR_NOW else []),
        ]

    @property
    def status_line(self) -> str:
        """Number and phrase."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"

    def on_the_wire(self) -> bytes:
        """The bytes to send."""
        lines = [f"HTTP/1.1 {self.status_line}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


_POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
)


def answer(status: int, path: str) -> WireAnswer:
    """What to send for this status: JSON on the API and at the token endpoint, a page elsewhere."""
    number = request_id.begin()
    if API.match(path):
        # The language of whoever this thread answered before is not the caller's.
        with translation.override(settings.LANGUAGE_CODE):
            return WireAnswer(status, "application/json", _envelope(status), number)
    if TOKENS.match(path):
        return WireAnswer(status, "application/json", _oauth_error(status), number)
    return WireAnswer(status, "text/html; charset=utf-8", _page(status).encode(), number)


def _envelope(status: int) -> bytes:
    spec = errors.INTERNAL
    if status == errors.OVERLOADED.status:
        spec = errors.OVERLOADED
    elif status in DESCRIPTIONS:
        spec = replace(errors.VALIDATION, status=status, description=DESCRIPTIONS[status])
    return bytes(error_response(CatalogueError(spec)).content)


def _oauth_error(status: int) -> bytes:
    error = "invalid_request" if status in DESCRIPTIONS else "server_error"
    description = DESCRIPTIONS.get(status, "Something unexpected happened on our side.")
    return json.dumps({"error": error, "error_description": description}).encode()


def _page(status: int) -> str:
    """The page of a request that makes no sense, or of what broke. Asks no database."""
    request = HttpRequest()
    request.method = "POST"  # so that no link leads back to an address that cannot be read
    template = "portal/bad_request.html" if status in DESCRIPTIONS else "portal/server_error.html"
    with translation.override(settings.LANGUAGE_CODE):
        return render_to_string(template, {"request_id": request_id.current()}, request)
