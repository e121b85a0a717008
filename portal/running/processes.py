"""Several processes run as one: started in order, each waited for, all ended together and none left behind.

One that ends is started again, after pauses that grow while it keeps ending. Only one that never came up ends
the whole.
"""

from __future__ import annotations

import os
import re
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
GROUP_SECONDS: Final = 1.0
FIRST_STARTS: Final = 3
"""How often a process may end before it first came up, until it counts as one that cannot start."""
PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before a process is started again, by how often it ended in a row."""
STEADY_SECONDS: Final = 60
"""Who ran for this long did not end in a row with what came before."""
LOG_BYTES: Final = 5_000_000
"""A log larger than this when its process starts is set aside as `.1`, in place of the one before."""
_POLL_SECONDS: Final = 0.2
_ERROR: Final = re.compile(r"\b(ERROR|CRITICAL|Unrecoverable error)\b|^[\w.]*(Error|Exception)\b[^\n]*$")


class StartFailed(Exception):
    """A process ended, or did not answer in time; the message says which, and where its log is."""


class PortTaken(Exception):
    """Another program listens on a port that is needed."""


@dataclass(frozen=True, slots=True)
class Process:
    """What to run, and how to tell that it is up. Output goes to `log`, or to ours where there is none.

    `is_up` is given what the process wrote to its log since it was started. `restored` is called each time the process
    is up again after it ended; what it raises is told, and the process stays.
    """

    name: str
    command: Sequence[str]
    is_up: Callable[[str], bool]
    log: Path | None = None
    environment: Mapping[str, str] | None = None
    restored: Callable[[], object] | None = None


@dataclass(slots=True)
class _Child:
    """A process as it runs now; `ends` counts how often it ended in a row, `restarts` how often in all."""

    process: Process
    popen: subprocess.Popen[bytes]
    log_begins: int
    started_at: float
    was_up: bool = False
    is_up: bool = False
    ends: int = 0
    restarts: int = 0
    start_again_at: float | None = None

    def written(self) -> str:
        """What it wrote to its log since it was started."""
        if self.process.log is None:
            return ""
        try:
            with self.process.log.open("rb") as log:
                log.seek(self.log_begins)
                return log.read().decode(errors="replace")
        except OSError:
            return ""


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
                raise PortTaken(
                    f"Port {port} is taken, perhaps by what an earlier run left behind: end that, "
                    f"or choose another port with {setting}=…"
                ) from None


def answers(url: str, *, host: str = "") -> Callable[[str], bool]:
    """A check that an address answers without an error; `host` is the name to ask for where the address has none."""
    headers = {"Host": host} if host else {}

    def check(written: str) -> bool:
        try:
            return urllib3.request("GET", url, headers=headers, timeout=2, retries=False).status < 400
        except urllib3.exceptions.HTTPError:
            return False

    return check


def says(text: str) -> Callable[[str], bool]:
    """A check that a process has written this text to its log since it was started."""
    return lambda written: text in written


class Supervisor:
    """Starts processes, starts those again that end, and ends them all when asked. Use it as a context manager.

    `tell` is given a sentence whenever a process ended, and when it is up again.
    """

    def __init__(self, tell: Callable[[str], object] = print) -> None:
        self._children: list[_Child] = []
        self._asked_to_stop = False
        self._tell = tell

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
        """Run it in a process group of its own, without waiting. Raises `StartFailed` where it cannot be run."""
        try:
            popen, log_begins = _run(process)
        except OSError as failure:
            raise StartFailed(f"{process.name} cannot be started: {failure}") from failure
        self._children.append(_Child(process, popen, log_begins, time.monotonic()))

    def wait_until_up(self, process: Process) -> None:
        """Return when a launched process is up. Raises `StartFailed`; KeyboardInterrupt when asked to stop."""
        child = next(child for child in self._children if child.process is process)
        deadline = time.monotonic() + START_SECONDS
        while not child.was_up:
            if self._asked_to_stop:
                raise KeyboardInterrupt
            self._watch(child)
            if not child.was_up and child.ends >= FIRST_STARTS:
                raise StartFailed(f"{process.name} cannot start: {_end_of(child)}")
            if time.monotonic() > deadline:
                raise StartFailed(f"{process.name} did not answer within {START_SECONDS} s{_log_of(process)}")
            time.sleep(0.1)

    def wait(self) -> None:
        """Keep everything running; returns when a stop was asked for."""
        while not self._asked_to_stop:
            for child in self._children:
                self._watch(child)
            time.sleep(_POLL_SECONDS)

    def _watch(self, child: _Child) -> None:
        """Move one process on: note that it ended, start it again when its pause is over, note that it is up."""
        now = time.monotonic()
        if child.start_again_at is not None:
            if now >= child.start_again_at:
                self._start_again(child, now)
        elif child.popen.poll() is not None:
            self._ended(child, now)
        elif not child.is_up and child.process.is_up(child.written()):
            self._came_up(child)

    def _ended(self, child: _Child, now: float) -> None:
        # Whoever lives on in its group holds its port, or works on without anybody to end it.
        _signal_group(child.popen, signal.SIGKILL)
        child.ends = 1 if now - child.started_at >= STEADY_SECONDS else child.ends + 1
        child.is_up = False
        pause = PAUSES[min(child.ends, len(PAUSES)) - 1]
        child.start_again_at = now + pause
        if child.was_up or child.ends < FIRST_STARTS:
            child.restarts += 1
            often = "for the first time" if child.restarts == 1 else f"{child.restarts} times so far"
            self._tell(f"{child.process.name} {_end_of(child)}; it starts again in {pause:g} s ({often})")

    def _start_again(self, child: _Child, now: float) -> None:
        try:
            child.popen, child.log_begins = _run(child.process)
        except OSError as failure:
            child.ends += 1
            pause = PAUSES[min(child.ends, len(PAUSES)) - 1]
            child.start_again_at = now + pause
            self._tell(f"{child.process.name} cannot be started: {failure}; next try in {pause:g} s")
        else:
            child.started_at, child.start_again_at = now, None

    def _came_up(self, child: _Child) -> None:
        was_up, child.is_up, child.was_up = child.was_up, True, True
        if not was_up:
            return
        if child.process.restored is not None:
            try:
                child.process.restored()
            except Exception as failure:  # noqa: BLE001 - whatever it is, the others go on
                self._tell(f"{child.process.name} is up again, but not as it was: {failure}")
                return
        self._tell(f"{child.process.name} is up again")

    def stop(self) -> None:
        """End everything, newest first: a request to stop, and after ten seconds the end."""
        running = [child.popen for child in reversed(self._children)]
        for popen in running:
            _signal_group(popen, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for popen in running:
            with suppress(subprocess.TimeoutExpired):
                popen.wait(max(0.1, deadline - time.monotonic()))
            _signal_group(popen, signal.SIGKILL)
            popen.wait()
            _wait_for_group(popen)
        self._children.clear()

    def _stop_when_asked(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True


def _run(process: Process) -> tuple[subprocess.Popen[bytes], int]:
    """Start it; returns it and where in its log its own lines begin. Raises OSError."""
    output, begins = None, 0
    if process.log is not None:
        if process.log.exists() and process.log.stat().st_size > LOG_BYTES:
            process.log.replace(process.log.with_name(process.log.name + ".1"))
        output = process.log.open("ab")
        begins = output.seek(0, os.SEEK_END)
    try:
        # In its own group, Ctrl-C reaches only us, and ending the group ends its children too.
        popen = subprocess.Popen(  # noqa: S603 - the commands are ours
            process.command,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env={**os.environ, **(process.environment or {})},
            start_new_session=True,
        )
    finally:
        if output:
            output.close()
    return popen, begins


def _wait_for_group(child: subprocess.Popen[bytes]) -> None:
    """Until the process' own children are gone too: one that is being killed holds its files for a moment longer."""
    deadline = time.monotonic() + GROUP_SECONDS
    while time.monotonic() < deadline:
        try:
            os.killpg(child.pid, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.02)


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _end_of(child: _Child) -> str:
    """How it ended, the last error of its own that stands in its log, and where that is."""
    status = child.popen.returncode
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    errors = [line.strip() for line in child.written().splitlines() if _ERROR.search(line)]
    last = f"; its last error: {errors[-1][:300]}" if errors and status != -signal.SIGKILL else ""
    return f"{how}{last}{_log_of(child.process)}"


def _log_of(process: Process) -> str:
    return f" (log: {process.log})" if process.log else ""


def python(*arguments: str) -> list[str]:
    """A command line for this same Python."""
    return [sys.executable, *arguments]


def web(port: int, *, host: str = "127.0.0.1", threads: int = 128) -> list[str]:
    """The command line of the web server."""
    options = ["--bind", f"{host}:{port}", "--threads", str(threads)]
    return python(
        "-m", "gunicorn", "--config", "python:portal.web.gunicorn_settings", *options, "portal.wsgi"
    )


def worker() -> list[str]:
    """The command line of the background worker. Workers share the database and need nothing else of each other."""
    options = ["--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle"]
    return python(
        "-m", "celery", "--quiet", "--app", "portal.celery", "worker", "--loglevel", "INFO", *options
    )


def clock() -> list[str]:
    """The command line of what starts the regular tasks; a process of its own, so that its end is noticed."""
    return python("-m", "celery", "--quiet", "--app", "portal.celery", "beat", "--loglevel", "INFO")
