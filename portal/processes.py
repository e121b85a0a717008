"""Several processes run as one: started in order, each waited for, all ended together and none left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

import urllib3

START_SECONDS: Final = 60
STOP_SECONDS: Final = 10


class StartFailed(Exception):
    """A process ended, or did not answer in time; the message says which, and where its log is."""


class PortTaken(Exception):
    """Another program listens on a port that is needed."""


@dataclass(frozen=True, slots=True)
class Process:
    """What to run, and how to tell that it is up. Output goes to `log`, or to ours where there is none."""

    name: str
    command: Sequence[str]
    is_up: Callable[[], bool]
    log: Path | None = None
    environment: Mapping[str, str] | None = None


def require_free(ports: Mapping[str, int]) -> None:
    """Make sure that nothing listens on these loopback ports, given by the setting that moves each.

    Raises `PortTaken`.
    """
    for setting, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise PortTaken(f"Port {port} is taken; choose another with {setting}=…") from None


def answers(url: str, *, host: str = "") -> Callable[[], bool]:
    """A check that an address answers without an error; `host` is the name to ask for where the address has none."""
    headers = {"Host": host} if host else {}

    def check() -> bool:
        try:
            return urllib3.request("GET", url, headers=headers, timeout=2, retries=False).status < 400
        except urllib3.exceptions.HTTPError:
            return False

    return check


def log_says(log: Path, text: str) -> Callable[[], bool]:
    """A check that a process has written this text to its log."""
    return lambda: log.exists() and text in log.read_text(errors="replace")


class Supervisor:
    """Starts processes and ends them all, when asked or when one of them ends. Use it as a context manager."""

    def __init__(self) -> None:
        self._running: list[tuple[Process, subprocess.Popen[bytes]]] = []
        self._asked_to_stop = False

    def __enter__(self) -> Supervisor:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop_when_asked)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, process: Process) -> None:
        """Launch one and wait until it is up. Raises `StartFailed`."""
        self.launch(process)
        self.wait_until_up(process)

    def launch(self, process: Process) -> None:
        """Run it, without waiting, in a process group of its own."""
        output = process.log.open("wb") if process.log else None
        # In its own group, Ctrl-C reaches only us, and ending the group ends its children too.
        child = subprocess.Popen(  # noqa: S603 - the commands are ours
            process.command,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env={**os.environ, **(process.environment or {})},
            start_new_session=True,
        )
        if output:
            output.close()
        self._running.append((process, child))

    def wait_until_up(self, process: Process) -> None:
        """Return when a launched process is up. Raises `StartFailed`; KeyboardInterrupt when asked to stop."""
        child = next(child for launched, child in self._running if launched is process)
        deadline = time.monotonic() + START_SECONDS
        while not process.is_up():
            if self._asked_to_stop:
                raise KeyboardInterrupt
            if child.poll() is not None:
                raise StartFailed(_ended(process, child.returncode))
            if time.monotonic() > deadline:
                raise StartFailed(f"{process.name} did not answer within {START_SECONDS} s{_see(process)}")
            time.sleep(0.1)

    def wait(self) -> None:
        """Return when a stop was asked for. Raises `StartFailed` when a process ends by itself before that."""
        while not self._asked_to_stop:
            for process, child in self._running:
                if child.poll() is not None:
                    raise StartFailed(_ended(process, child.returncode))
            time.sleep(0.3)

    def stop(self) -> None:
        """End everything, newest first: a request to stop, and after ten seconds the end."""
        for _, child in reversed(self._running):
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for _, child in reversed(self._running):
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, deadline - time.monotonic()))
            _signal_group(child, signal.SIGKILL)
            child.wait()
        self._running.clear()

    def _stop_when_asked(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _ended(process: Process, status: int) -> str:
    return f"{process.name} ended with status {status}{_see(process)}"


def _see(process: Process) -> str:
    """Where to look, and the last line that stands there."""
    if process.log is None:
        return ""
    lines = process.log.read_text(errors="replace").strip().splitlines()
    return f"; its log is {process.log}" + (f", which ends: {lines[-1]}" if lines else "")


def python(*arguments: str) -> list[str]:
    """A command line for this same Python."""
    return [sys.executable, *arguments]


def web(port: int, *, host: str = "127.0.0.1", threads: int = 128) -> list[str]:
    """The command line of the web server."""
    options = ["--bind", f"{host}:{port}", "--threads", str(threads)]
    return python("-m", "gunicorn", "--config", "python:portal.web_server", *options, "portal.wsgi")


def worker() -> list[str]:
    """The command line of the background worker."""
    options = ["--pool", "threads", "--concurrency", "4"]
    return python("-m", "celery", "--app", "portal.celery", "worker", "--loglevel", "INFO", *options)


def clock(schedule: Path) -> list[str]:
    """The command line of what starts the regular tasks; a process of its own, so that its end is noticed."""
    return python(
        "-m", "celery", "--app", "portal.celery", "beat", "--loglevel", "INFO", "--schedule", str(schedule)
    )
