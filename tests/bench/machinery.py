"""What benchmarks run on: a database of their own, a Tesla that answers at once, the web server, and callers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from portal.running import processes
from tests.databases import database_url
from tests.runner import ROOT

_APPS: Final = (
    "vehicles", "connect", "portal", "admin", "auth", "contenttypes", "sessions", "oauth2_provider",
)  # fmt: skip


@contextmanager
def database() -> Iterator[None]:
    """A database of its own with the tables of the models, dropped afterwards."""
    from django.conf import settings
    from django.db import connection

    settings.MIGRATION_MODULES = dict.fromkeys(_APPS)
    with tempfile.TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = str(Path(folder, "bench.sqlite3"))
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            yield
        finally:
            connection.creation.destroy_test_db("", verbosity=0)


@contextmanager
def instant_tesla() -> Iterator[None]:
    """A Tesla that answers at once, and a virtual key made for this run, in settings and environment."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from django.conf import settings

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server = [sys.executable, "-m", "tests.bench.instant_tesla"]
    with (
        tempfile.NamedTemporaryFile() as key,
        subprocess.Popen(server, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,
    ):
        key.write(pem)
        key.flush()
        assert process.stdout
        settings.TESLA_KEY_FILE = os.environ["BENCH_KEY_FILE"] = key.name
        settings.TESLA_API_URL = os.environ["BENCH_TESLA_URL"] = (
            f"http://127.0.0.1:{int(process.stdout.readline())}"
        )
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def web_server(threads: int = 128) -> Iterator[int]:
    """The portal's own web server, one process on the run's database; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = processes.Process(
        "web",
        processes.web(port, threads=threads),
        processes.answers(f"http://127.0.0.1:{port}/healthz"),
        ROOT / "var" / "bench-web.log",
        {"DATABASE_URL": database_url()},
    )
    supervisor = processes.Supervisor()
    try:
        supervisor.start(process)
        yield port
    finally:
        supervisor.stop()


@dataclass(frozen=True, slots=True)
class Request:
    """A POST as a caller sends it, and again and again."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Load:
    """What callers met: requests a second, and how many milliseconds each took."""

    rate: float
    milliseconds: list[float]


def load(port: int, requests: Sequence[Request], seconds: float) -> Load:
    """One caller for each request, each sending its own as soon as it was answered. Every answer must be 200."""
    plan = {
        "port": port,
        "seconds": seconds,
        "messages": [[request.path, request.headers, json.dumps(request.body)] for request in requests],
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.callers"],
        cwd=ROOT, input=json.dumps(plan), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return Load(len(answer["milliseconds"]) / answer["seconds"], answer["milliseconds"])
