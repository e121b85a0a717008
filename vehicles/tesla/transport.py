"""HTTP to Tesla: one pooled connection set per process, JSON in and out, failures as `TeslaError`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError

from vehicles.tesla import errors

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 20.0
_BODY_LIMIT: Final = 2000
_SECRET_FIELDS: Final = ("client_secret", "refresh_token", "code", "code_verifier")
_TOKEN: Final = re.compile(r"eyJ[\w.-]{20,}|\b[A-Z]{2}_\w{24,}")
"""How Tesla's access tokens begin (JSON in base64), and its codes and refresh tokens (a region)."""
_HIDDEN: Final = "[hidden]"

_pool = urllib3.PoolManager(
    num_pools=16,
    maxsize=128,
    retries=False,
    timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
)


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
    address = f"{url}?{urlencode(query)}" if query else url
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
    try:
        response = _pool.request(method, address, body=data, headers=headers, timeout=timeout, redirect=False)
    except (NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as failure:
        raise errors.NotSent(type(failure).__name__) from None
    except HTTPError as failure:
        raise errors.NoAnswer(type(failure).__name__) from None
    return _read(response, [token or "", *((form or {}).get(name, "") for name in _SECRET_FIELDS)])


def _read(response: urllib3.BaseHTTPResponse, sent: Sequence[str]) -> dict[str, Any]:
    body: Any
    try:
        body = json.loads(response.data) if response.data else None
    except ValueError:
        body = None
    if response.status >= 400:
        words = without_secrets(_words(body, response), sent)
        raise errors.refusal(response.status, words, response.headers)
    if not isinstance(body, dict):
        raise errors.Unintelligible("the body is not a JSON object", status=response.status)
    return body


def _words(body: Any, response: urllib3.BaseHTTPResponse) -> str:
    """Tesla's own words of refusal, whatever shape the body has."""
    if isinstance(body, dict):
        parts = [str(body.get("error") or ""), str(body.get("error_description") or "")]
        return " ".join(part for part in parts if part)
    return response.data[:_BODY_LIMIT].decode("utf-8", "replace")


def without_secrets(text: str, sent: Sequence[str]) -> str:
    """The text without what was sent, and without anything that looks like a token: a refusal may repeat it."""
    for secret in filter(None, sent):
        text = text.replace(secret, _HIDDEN)
    return _TOKEN.sub(_HIDDEN, text)
