"""HTTP to an application: one signed POST, one deadline for all of it, a limited answer, no redirect followed."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import socket
import ssl
import time
from collections.abc import Mapping
from functools import lru_cache
from http.client import HTTPException, HTTPResponse
from typing import Any, Final, NamedTuple, Self

from vehicles.webhooks import addresses
from vehicles.webhooks.addresses import AddressRefused

SECONDS: Final = 15.0
"""From the look-up of the host to the end of the answer."""
CONNECT_SECONDS: Final = 5.0
BODY_SECONDS: Final = 2.0
"""For the rest of an answer, once its status is known."""
LARGEST_ANSWER: Final = 64 * 1024
"""Bytes, head included. Only the status counts, and of a challenge a line."""


class NotTaken(Exception):
    """No answer came; `fault` is why, in a word."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class Answer(NamedTuple):
    """What the application answered."""

    status: int
    body: bytes

    @property
    def is_taken(self) -> bool:
        """Whether the message counts as delivered."""
        return 200 <= self.status < 300


def written(message: Mapping[str, Any]) -> bytes:
    """The body of a message. Compact and not escaped, since some receivers write it anew before they check it."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def hashed(key: str, message: bytes) -> str:
    """HMAC-SHA256 under the application's management token, in hexadecimal."""
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


class Line:
    """A connection to one address, made with the first message and kept for the next."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def post(self, body: bytes) -> Answer:
        """Send a body and return the answer. Raises `NotTaken`."""
        until = time.monotonic() + SECONDS
        was_kept = self._socket is not None
        try:
            try:
                return self._exchange(body, until)
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                # The other side may have hung up between two messages. Sent twice does no harm.
                self.close()
                if not was_kept:
                    raise
                return self._exchange(body, until)
        except (OSError, HTTPException, ValueError) as failure:
            self.close()
            raise NotTaken(_fault(failure)) from None

    def _exchange(self, body: bytes, until: float) -> Answer:
        place = addresses.parse(self._url)
        if self._socket is None:
            self._socket = _connected(place, until)
        _send(self._socket, _head(place, body, self._key) + body, until)
        readable = _Readable(self._socket, until)
        response = HTTPResponse(readable, method="POST")  # type: ignore[arg-type]
        response.begin()
        readable.end_within(BODY_SECONDS)
        try:
            text = response.read(LARGEST_ANSWER)
            can_be_kept = response.isclosed() and not response.will_close
        except (OSError, HTTPException):
            # The status says all; an answer that breaks off behind it is as good.
            text, can_be_kept = b"", False
        if not can_be_kept:
            self.close()
        return Answer(response.status, text)


def _fault(failure: Exception) -> str:
    return next((fault for kind, fault in _FAULTS if isinstance(failure, kind)), "answer_is_no_http")


def _head(place: addresses.Place, body: bytes, key: str) -> bytes:
    lines = (
        f"POST {place.target} HTTP/1.1",
        f"Host: {place.authority}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"SC-Signature: {hashed(key, body)}",
        "User-Agent: Carport",
        "Accept: */*",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("no time is left")
    return left


def _connected(place: addresses.Place, until: float) -> socket.socket:
    """A connection to one of the host's addresses. Raises `OSError` and `AddressRefused`."""
    failure = OSError("the host has no address")
    for family, address in addresses.resolve(place):
        made = socket.socket(family, socket.SOCK_STREAM)
        try:
            made.settimeout(min(_left(until), CONNECT_SECONDS))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.connect(address)
            if place.scheme == "https":
                made.settimeout(_left(until))
                return _trusted().wrap_socket(made, server_hostname=place.host)
        except OSError as refused:
            made.close()
            failure = refused
        else:
            return made
    raise failure


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _send(line: socket.socket, data: bytes, until: float) -> None:
    rest = memoryview(data)
    while rest:
        line.settimeout(_left(until))
        rest = rest[line.send(rest) :]


class _TooLarge(OSError):
    """More came than any answer has."""


_FAULTS: Final = (
    (AddressRefused, "address_refused"),
    (TimeoutError, "no_answer_in_time"),
    (ssl.SSLError, "no_secure_connection"),
    (socket.gaierror, "host_unknown"),
    (_TooLarge, "answer_too_large"),
    (OSError, "no_connection"),
)
"""The first that fits. What is none of them is no HTTP."""


class _Readable:
    """A socket as `HTTPResponse` wants it: reads until a moment, and only so much."""

    def __init__(self, line: socket.socket, until: float) -> None:
        self._bounded = _Bounded(line, until)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._bounded)

    def end_within(self, seconds: float) -> None:
        self._bounded.until = min(self._bounded.until, time.monotonic() + seconds)


class _Bounded(io.RawIOBase):
    def __init__(self, line: socket.socket, until: float) -> None:
        self._line, self.until, self._room = line, until, LARGEST_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._room <= 0:
            raise _TooLarge("the answer is too large")
        self._line.settimeout(_left(self.until))
        count = self._line.recv_into(buffer, min(len(buffer), self._room))
        self._room -= count
        return count
