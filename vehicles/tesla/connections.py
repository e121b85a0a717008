"""Connections on which a call has one deadline and an answer a size: who talks slowly, or without end, is cut off.

A socket's own timeout begins anew with each byte, so a peer that sends one now and then is never too late for it.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any, Final

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

LARGEST_ANSWER: Final = 8 * 1024 * 1024
"""Bytes of one answer as they come over the wire, head included. Tesla's longest lists take some hundred thousand."""
_KEPT: Final = 128


def pool(origin: str) -> urllib3.HTTPConnectionPool:
    """A new set of kept connections to an origin. The read timeout of a call bounds its whole answer.

    Both `TimeoutError` for one that is late and `AnswerTooLarge` come out as urllib3's own exceptions.
    """
    if origin.startswith("https:"):
        secure = urllib3.connection_from_url(origin, maxsize=_KEPT, ssl_context=_context())
        secure.ConnectionCls = _HTTPS
        return secure
    made = urllib3.connection_from_url(origin, maxsize=_KEPT)
    made.ConnectionCls = _HTTP
    return made


class AnswerTooLarge(OSError):
    """More bytes came than any answer has."""


class _Bounded:
    """A socket that reads only until a moment, and only so much."""

    until: float | None = None
    left = 0

    def expect(self, seconds: float, size: int) -> None:
        """From now on, one answer of at most `size` bytes within so many seconds."""
        self.until, self.left = time.monotonic() + seconds, size

    def recv_into(self, *given: Any) -> int:
        if self.until is not None:
            remaining = self.until - time.monotonic()
            if remaining <= 0:
                raise TimeoutError("the answer took too long")
            self.settimeout(remaining)  # type: ignore[attr-defined]
        count: int = super().recv_into(*given)  # type: ignore[misc]
        self.left -= count
        if self.until is not None and self.left < 0:
            raise AnswerTooLarge("the answer is too large")
        return count


class _Plain(_Bounded, socket.socket):
    """In the clear."""


class _Encrypted(_Bounded, ssl.SSLSocket):
    """Over TLS."""


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = _Encrypted
    return context


class _Whole:
    """A connection that sends each request in one piece: head and body apart are two packets, and wake Tesla twice."""

    _pieces: list[bytes] | None = None

    def _new_conn(self: Any) -> socket.socket:
        """Connect to one of the host's addresses; all of them together have the time of one."""
        until, failure = time.monotonic() + self.timeout, OSError("the host has no address")
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as unknown:
            raise NameResolutionError(self.host, self, unknown) from unknown  # type: ignore[arg-type]
        for family, kind, protocol, _, address in found:
            attempt = _Plain(family, kind, protocol)
            try:
                attempt.settimeout(max(until - time.monotonic(), 0.001))
                attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                attempt.connect(address)
            except OSError as refused:
                attempt.close()
                failure = refused
            else:
                return attempt
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time") from failure
        raise NewConnectionError(self, f"no connection: {failure}") from failure

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

    def getresponse(self: Any) -> Any:
        self.sock.expect(self.timeout, LARGEST_ANSWER)
        return super().getresponse()  # type: ignore[misc]


class _HTTP(_Whole, HTTPConnection):
    """To a simulated Tesla."""


class _HTTPS(_Whole, HTTPSConnection):
    """To Tesla."""
