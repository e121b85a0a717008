"""HTTP to Tesla: one pooled connection set per process, JSON in and out, failures as `TeslaError`."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import DecodeError, HTTPError, NewConnectionError

from vehicles.tesla import connections, errors, texts

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 20.0
_BODY_LIMIT: Final = 2000
_SECRET_FIELDS: Final = ("client_secret", "refresh_token", "code", "code_verifier")
_TOKEN: Final = re.compile(r"eyJ[\w.-]{20,}|\b[A-Z]{2}_\w{24,}")
"""How Tesla's access tokens begin (JSON in base64), and its codes and refresh tokens (a region)."""
_HIDDEN: Final = "[hidden]"

LARGEST_BODY: Final = 4 * 1024 * 1024
"""Bytes, unpacked. The list of a hundred cars has some hundred thousand."""
_LEAST_SECONDS: Final = 0.5
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

    After `read_seconds` it is over, however much of the answer has come. Raises a `TeslaError` for every way in which
    it can fail.
    """
    seconds = seconds_left(read_seconds)
    if seconds < min(read_seconds, _LEAST_SECONDS):
        raise errors.NotSent("no time was left to ask")
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
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, total=seconds),
            retries=_NEVER_AGAIN,
            redirect=False,
            preload_content=False,
        )
        body = _body(response)
    except (NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as failure:
        raise errors.NotSent(type(failure).__name__) from None
    except HTTPError as failure:
        raise errors.NoAnswer(type(failure).__name__) from None
    return _read(response, body, [token or "", *((form or {}).get(name, "") for name in _SECRET_FIELDS)])


def _parts(url: str) -> tuple[str, str]:
    """Origin and path of an address."""
    end = url.index("/", url.index("://") + 3)
    return url[:end], url[end:]


@lru_cache(maxsize=16)
def _pool(origin: str) -> urllib3.HTTPConnectionPool:
    """The kept connections to one host, found without taking an address apart with every call."""
    return connections.pool(origin)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """All calls of this thread inside, together, have so much time; a call for which none is left raises `NotSent`.

    Inside another of its kind the earlier end counts.
    """
    outer: float | None = getattr(_OF_THREAD, "until", None)
    own = time.monotonic() + seconds
    _OF_THREAD.until = own if outer is None else min(own, outer)
    try:
        yield
    finally:
        _OF_THREAD.until = outer


_OF_THREAD: Final = threading.local()


def seconds_left(wanted: float) -> float:
    """The seconds wanted, or those that `within` leaves of them; may be none."""
    until: float | None = getattr(_OF_THREAD, "until", None)
    return wanted if until is None else max(0.0, min(wanted, until - time.monotonic()))


def _body(response: urllib3.BaseHTTPResponse) -> bytes:
    """The whole body, unpacked where Tesla packed it. Raises `Unintelligible` when it is too large or no such thing."""
    too_large = f"the body has more than {LARGEST_BODY} bytes"
    try:
        if int(response.headers.get("Content-Length") or 0) > LARGEST_BODY:
            raise errors.Unintelligible(too_large, status=response.status)
        data = response.read(LARGEST_BODY + 1)
        if len(data) > LARGEST_BODY:
            raise errors.Unintelligible(too_large, status=response.status)
    except (ValueError, DecodeError):
        response.close()
        raise errors.Unintelligible("the body cannot be read", status=response.status) from None
    except BaseException:
        # What is still to come would be taken for the next answer.
        response.close()
        raise
    response.release_conn()
    return data


def _read(response: urllib3.BaseHTTPResponse, data: bytes, sent: Sequence[str]) -> dict[str, Any]:
    body = read_json(data)
    if response.status >= 400:
        text = without_secrets(words(body, data), sent)
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
