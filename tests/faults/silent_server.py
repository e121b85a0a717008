"""Servers that are there and are of no use: nobody listens, nothing is said, or nonsense."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

FAULTS: Final = {"refused": None, "silent": b"", "nonsense": b"220 mail.example ESMTP\r\n" * 20}


@contextmanager
def useless_server(fault: str) -> Iterator[int]:
    """Its port on loopback."""
    says = FAULTS[fault]
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = listener.getsockname()[1]
    taken: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                taken.append(client)
                client.sendall(says or b"")

    if says is None:
        listener.close()
    else:
        threading.Thread(target=accept, daemon=True).start()
    try:
        yield port
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for client in taken:
            client.close()
