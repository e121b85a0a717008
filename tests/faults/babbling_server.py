"""A server that answers badly: too slowly, too much, or something else than was promised."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from typing import Final, Self

Answer = Callable[["threading.Event"], Iterator[bytes]]
"""The pieces of an answer, head included, one after the other; ends early once the event is set."""
_PIECE: Final = b"x" * 65536


class BabblingServer(AbstractContextManager["BabblingServer"]):
    """Answers every request on loopback with the pieces of `answer`, which may be changed; counts who hangs on."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open = 0
        self._lock = threading.Lock()
        self.sent = 0
        """Bytes of answers that were taken off our hands."""

    @property
    def open(self) -> int:
        """Connections on which an answer is being sent."""
        return self._open

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while _request(connection):
                self._count(1)
                try:
                    for piece in self.answer(self._ended):
                        connection.sendall(piece)
                        self.sent += len(piece)
                finally:
                    self._count(-1)

    def _count(self, by: int) -> None:
        with self._lock:
            self._open += by


def _request(connection: socket.socket) -> bytes:
    """One request, to the end of its body; empty when the caller has gone."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return b""
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    lengths = [
        line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
    ]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head


def head(length: int | None, *lines: str) -> bytes:
    """The head of a JSON answer; without a length the body ends with the connection."""
    fields = ["HTTP/1.1 200 OK", "Content-Type: application/json", *lines]
    fields += ["Connection: close"] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([*fields, "", ""]).encode()


def whole(body: bytes, *lines: str) -> Answer:
    """This body at once."""
    return lambda ended: iter([head(len(body), *lines) + body])


def slow_head(ended: threading.Event) -> Iterator[bytes]:
    """A head of which a byte comes every second, and which never ends."""
    yield b"HTTP/1.1 200 OK\r\nX-Filling: "
    while not ended.wait(1):
        yield b"x"


def slow_body(ended: threading.Event) -> Iterator[bytes]:
    """A body of which a byte comes every second, and which never ends."""
    yield head(None) + b'{"response": "'
    while not ended.wait(1):
        yield b"x"


def continuing(ended: threading.Event) -> Iterator[bytes]:
    """Interim answers without an end, as fast as they are read."""
    while not ended.is_set():
        yield b"HTTP/1.1 100 Continue\r\n\r\n" * 1000


def large(size: int, *, announced: bool) -> Answer:
    """A body of so many bytes, with or without a word on its length."""

    def pieces(ended: threading.Event) -> Iterator[bytes]:
        yield head(size if announced else None)
        for _ in range(size // len(_PIECE)):
            yield _PIECE

    return pieces


def chunked(size: int) -> Answer:
    """A body of so many bytes in chunks."""

    def pieces(ended: threading.Event) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        for _ in range(size // len(_PIECE)):
            yield b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE)
        yield b"0\r\n\r\n"

    return pieces


def bomb(size: int, layers: int = 1) -> Answer:
    """A small answer that is so large once it is unpacked."""
    body = b'"' + b"x" * size + b'"'
    for _ in range(layers):
        body = gzip.compress(body)
    return whole(body, "Content-Encoding: " + ", ".join(["gzip"] * layers))


def packed(body: bytes) -> Answer:
    """This body, packed as it says."""
    return whole(gzip.compress(body), "Content-Encoding: gzip")
