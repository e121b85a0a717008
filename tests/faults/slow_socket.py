"""Clients that are slow on purpose: each has a connection, says a part of what it wants to say, and no more for now."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

HALF_A_HEAD: Final = b"GET /v2.0/vehicles HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY: Final = (
    b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\ngrant_type="
)
HALF_A_CHUNK: Final = (
    b"POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n3e8\r\ngrant_type="
)
NOTHING: Final = b""
NEVER_READS: Final = b"GET /api/schema/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50
"""Requests, one behind the other, of a client that takes no answer."""
STAYS: Final = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
"""Is answered and asked for the end of the connection, and does not close its own side."""


@contextmanager
def slow_clients(port: int, count: int, says: bytes) -> Iterator[list[socket.socket]]:
    """So many connections to this port of loopback, on each of which this much was said. Closed at the end."""
    clients: list[socket.socket] = []
    try:
        for _ in range(count):
            clients.append(client := socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(5)
            client.connect(("127.0.0.1", port))
            client.sendall(says)
        yield clients
    finally:
        for client in clients:
            client.close()


def trickle(client: socket.socket) -> bool:
    """Say one byte more; False where the server has hung up."""
    with suppress(OSError):
        client.sendall(b"x")
        client.setblocking(False)
        try:
            return client.recv(1, socket.MSG_PEEK) != b""
        except BlockingIOError:
            return True
        finally:
            client.settimeout(5)
    return False


def rest(client: socket.socket) -> bytes:
    """All that the server still says, until it closes."""
    said = b""
    with suppress(ConnectionResetError):
        while piece := client.recv(65536):
            said += piece
    return said
