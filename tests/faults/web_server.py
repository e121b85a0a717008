"""The portal's own web server in a process of its own, as it is run in production, on the database of the test."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from portal.running import processes


@contextmanager
def web_server(log: Path, environment: Mapping[str, str], *, threads: int = 128) -> Iterator[int]:
    """Its port on loopback. What it writes goes to the log; the environment is added to that of the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    alive = processes.answers(f"http://127.0.0.1:{port}/healthz")
    process = processes.Process("web", processes.web(port, threads=threads), alive, log, environment)
    supervisor = processes.Supervisor()
    try:
        supervisor.start(process)
        yield port
    finally:
        supervisor.stop()
