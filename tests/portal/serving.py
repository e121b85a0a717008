"""The portal on its real web server, with the test's database, and raw requests to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from portal.running.processes import answers, web
from tests.databases import database_url
from tests.runner import ROOT


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(command: list[str], url: str, log: Path, cwd: Path = ROOT, **environment: str) -> Iterator[int]:
    """A process that answers at this address while the block runs; gives its id."""
    with log.open("wb") as output:
        child = subprocess.Popen(
            command, cwd=cwd, env=os.environ | environment, stdout=output, stderr=subprocess.STDOUT
        )
    is_up = partial(answers(url), "") if url.startswith("http") else partial(_listens, url)
    try:
        deadline = time.monotonic() + 60
        while not is_up():
            assert child.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield child.pid
    finally:
        child.terminate()
        try:
            child.wait(15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname or "", parts.port or 0)) == 0


@contextmanager
def portal_served(folder: Path, **environment: str) -> Iterator[int]:
    """The portal on gunicorn, as `make serve` starts it; gives its port."""
    port = free_port()
    settings = {"DJANGO_SETTINGS_MODULE": "tests.portal.served_settings", "DATABASE_URL": database_url()}
    url = f"http://127.0.0.1:{port}/healthz"
    with running(web(port, threads=8), url, folder / "web.log", **settings | environment):
        yield port


@dataclass(frozen=True)
class Answer:
    """An answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @classmethod
    def read_from(cls, connection: socket.socket) -> Answer:
        """The one answer on this connection."""
        response = HTTPResponse(connection)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return cls(response.status, headers, response.read())

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def send(port: int, data: bytes) -> Answer:
    """Send these bytes and read the one answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(data)
        return Answer.read_from(connection)


def request(port: int, target: str, *fields: str, method: str = "GET", body: bytes = b"") -> Answer:
    """Send a request with these header fields, written as they are."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *fields]
    return send(port, "\r\n".join([*lines, "", ""]).encode("latin-1") + body)


def chunked(*parts: bytes) -> bytes:
    """The parts as a chunked body."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (*parts, b""))
