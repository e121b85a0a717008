"""HTTP to Tesla: one pooled connection set per process, JSON in and out, failures as `TeslaError`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from vehicles.tesla import errors, texts

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 20.0
_BODY_LIMIT: Final = 2000
_SECRET_FIELDS: Final = ("client_secret", "refresh_token", "code", "code_verifier")
_TOKEN: Final = re.compile(r"eyJ[\w.-]{20,}|\b[A-Z]{2}_\w{24,}")
"""How Tesla's access tokens begin (JSON in base64), and its codes and refresh tokens (a region)."""
_HIDDEN: Final = "[hidden]"
_UNCLEAN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")

_CONNECTIONS: Final = 128
_NEVER_AGAIN: Final = urllib3.Retry(False)


def send(
    method: str,
    url: str,
    *,
    token: str | None = None,
    json_body: Mapping[str, Any] | None = None,
    form: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    read_seconds: float = READ_SECONDS,
) -> dict[str, Any]:
    """Make one call, never repeated here, and return the JSON object that answers it.

    Raises a `TeslaError` for every way in which it can fail.
    """
    headers = {"Accept": "application/json"}
    data: bytes | None
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if form is not None:
        data, headers["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
    else:
        # The Fleet API answers 406 to anything that does not say it is JSON, even without parameters.
        data = json.dumps(json_body or {}).encode() if method != "GET" else None
        headers["Content-Type"] = "application/json"
    origin, path = _parts(url)
    target = f"{path}?{urlencode(query)}" if query else path
    try:
        response = _pool(origin).urlopen(
            method,
            target,
            body=data,
            headers=headers,
            timeout=_timeout(read_seconds),
            retries=_NEVER_AGAIN,
            redirect=False,
        )
    except (NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as failure:
        raise errors.NotSent(type(failure).__name__) from None
    except HTTPError as failure:
        raise errors.NoAnswer(type(failure).__name__) from None
    return _read(response, [token or "", *((form or {}).get(name, "") for name in _SECRET_FIELDS)])


def _parts(url: str) -> tuple[str, str]:
    """Origin and path of an address."""
    end = url.index("/", url.index("://") + 3)
    return url[:end], url[end:]


@lru_cache(maxsize=16)
def _pool(origin: str) -> urllib3.HTTPConnectionPool:
    """The kept connections to one host, found without taking an address apart with every call."""
    pool = urllib3.connection_from_url(origin, maxsize=_CONNECTIONS)
    pool.ConnectionCls = _KINDS[str(pool.scheme)]
    return pool


class _Whole:
    """A connection that sends each request in one piece: head and body apart are two packets, and wake Tesla twice."""

    _pieces: list[bytes] | None = None

    def request(self, *given: Any, **named: Any) -> None:
        pieces: list[bytes] = []
        self._pieces = pieces
        try:
            super().request(*given, **named)  # type: ignore[misc]
        finally:
            self._pieces = None
        self.send(b"".join(pieces))

    def send(self, data: Any) -> None:
        if self._pieces is None:
            super().send(data)  # type: ignore[misc]
        else:
            self._pieces.append(data)


class _WholeHTTP(_Whole, HTTPConnection):
    """In the clear: to a simulated Tesla."""


class _WholeHTTPS(_Whole, HTTPSConnection):
    """To Tesla."""


_KINDS: Final[dict[str, Any]] = {"http": _WholeHTTP, "https": _WholeHTTPS}


@lru_cache
def _timeout(read_seconds: float) -> urllib3.Timeout:
    return urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)


def _read(response: urllib3.BaseHTTPResponse, sent: Sequence[str]) -> dict[str, Any]:
    body = read_json(response.data)
    if response.status >= 400:
        text = without_secrets(words(body, response.data), sent)
        raise errors.refusal(response.status, text, response.headers)
    if not isinstance(body, dict):
        raise errors.Unintelligible("the body is not a JSON object", status=response.status)
    return body


def read_json(data: bytes) -> Any:
    """What the body says, its texts clean: every text of Tesla's API comes in here. None where it is no JSON."""
    try:
        body = json.loads(data) if data else None
        # Only an escape or what is not ASCII can put something unfit into a text; most answers hold neither.
        return (
            body if data.isascii() and b"\\u" not in data and len(data) <= texts.MOST else texts.cleaned(body)
        )
    except (ValueError, RecursionError):
        return None


def words(body: Any, data: bytes) -> str:
    """Tesla's own words of refusal, whatever shape the body has."""
    if isinstance(body, dict):
        parts = [str(body.get("error") or ""), str(body.get("error_description") or "")]
        return " ".join(part for part in parts if part)
    return texts.clean(data[:_BODY_LIMIT].decode("utf-8", "replace"))


def without_secrets(text: str, sent: Sequence[str]) -> str:
    """The text without what was sent, and without anything that looks like a token: a refusal may repeat it."""
    for secret in filter(None, sent):
        text = text.replace(secret, _HIDDEN)
    return _TOKEN.sub(_HIDDEN, text)
