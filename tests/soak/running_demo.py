"""A demo as `make demo` runs it, in a copy of the checkout with ports and a var folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import urllib3

from tests.journeys.people import Consumer, Owner
from tests.runner import ROOT

HTTP: Final = urllib3.PoolManager(maxsize=32)
START_SECONDS: Final = 180
_COPIED: Final = ("manage.py", "portal", "connect", "vehicles", "docs", "static")
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
"""What of our environment the demo is started with; settings of the tests must not reach it."""


@dataclass(frozen=True, slots=True)
class Part:
    """A process of the demo: what the terminal calls it, and a word of its command line.

    A worker of the web server is a child of its master, which starts it again by itself.
    """

    name: str
    told_as: str
    word: str
    is_child: bool = False


PARTS: Final = (
    Part("web master", "portal", "gunicorn"),
    Part("web worker", "", "gunicorn", is_child=True),
    Part("worker", "worker", " worker "),
    Part("simulator", "simulated Tesla", "run_tesla_simulator"),
    Part("sample application", "sample application", "sample_application.py"),
    Part("clock", "clock", " beat "),
)
"""The clock is last: whatever it starts first thing tells that the worker works."""


@dataclass
class Demo:
    """A running demo."""

    folder: Path
    process: subprocess.Popen[bytes]
    told: dict[str, Any]

    @property
    def var(self) -> Path:
        return self.folder / "var"

    @property
    def terminal(self) -> str:
        """What it has said so far."""
        return (self.folder / "terminal.log").read_text()

    @property
    def is_up(self) -> bool:
        return self.process.poll() is None

    def pid(self, part: Part) -> int | None:
        """The process of this part that runs now."""
        children = [pid for pid in _children(self.process.pid) if part.word in _command(pid)]
        if part.is_child:
            children = [pid for parent in children for pid in _children(parent)]
        return children[0] if children else None


def connected(demo: Demo, email: str) -> Consumer:
    """The second application of the demo, which this person has connected."""
    told = demo.told["applications"][1]
    registered = {name: told[name] for name in ("client_id", "client_secret", "redirect_uri")}
    consumer = Consumer(demo.told["portal_url"], **registered)
    Owner(email, demo.told["simulator_url"]).connect(consumer)
    return consumer


def status(consumer: Consumer, path: str, vin: str = "", *, key: str = "", **body: Any) -> int:
    """The status of one request, made once, under this key of idempotency."""
    headers = {"Authorization": f"Bearer {consumer.tokens['access_token']}"} if vin else {}
    if key:
        headers["Idempotency-Key"] = key
    url = consumer.portal_url + path.format(id=consumer.ids.get(vin))
    given = {"json": body} if body else {}
    method = "POST" if body else "GET"
    answer = HTTP.request(method, url, headers=headers, timeout=40, retries=False, redirect=False, **given)
    return answer.status


def answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, timeout=10, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@contextmanager
def running(folder: Path, environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[Demo]:
    """Start a demo in this folder with these settings of its own, and end it as Ctrl-C does."""
    for name in _COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    ports = dict(zip(("PORT", "SIM_PORT", "SAMPLE_PORT"), map(str, _free_ports(3)), strict=True))
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    given = {**kept, **ports, **environment}
    with (folder / "terminal.log").open("wb") as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.demo"],
            cwd=folder,
            env=given,
            stdout=terminal,
            stderr=terminal,
        )
    try:
        where = folder / "var" / "demo.json"
        wait_until(lambda: process.poll() is not None or _is_written(where), START_SECONDS)
        assert process.poll() is None, (folder / "terminal.log").read_text()
        yield Demo(folder, process, json.loads(where.read_text()))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            process.kill()


def wait_until(condition: Callable[[], object], seconds: float, *, every: float = 0.05) -> float:
    """Wait for it; returns how many seconds that took. Fails where it does not come true in time."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it took too long"
        time.sleep(every)
    return time.monotonic() - began


def _is_written(file: Path) -> bool:
    return file.exists() and file.read_text().endswith("}\n")


def _free_ports(number: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
