"""`make serve`: web, worker and clock with production settings, once `check --deploy` finds nothing to refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from portal.processes import Process, StartFailed, Supervisor, answers, clock, python, says, web, worker

VAR: Final = Path(__file__).resolve().parent.parent / "var"
STEPS: Final = (
    ("check", "--deploy", "--fail-level", "ERROR"),
    ("migrate", "--no-input", "--verbosity", "0"),
    ("collectstatic", "--no-input", "--verbosity", "0"),
)


def main() -> int:
    """Run until Ctrl-C or SIGTERM; returns the exit status."""
    for step in STEPS:
        if subprocess.run(python("manage.py", *step), check=False).returncode:  # noqa: S603 - our own command
            return 1
    try:
        with Supervisor(_tell) as supervisor:
            for process in processes(int(os.environ.get("PORT", "8000"))):
                supervisor.start(process)
            supervisor.wait()
    except StartFailed as failure:
        print(failure, file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    return 0


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - a command's own output


def processes(port: int) -> list[Process]:
    """The web server on loopback, behind the operator's TLS proxy, the worker and its clock."""
    log, ticks = VAR / "worker.log", VAR / "clock.log"
    host = urlsplit(os.environ.get("PUBLIC_URL", "")).netloc
    return [
        Process("web", web(port), answers(f"http://127.0.0.1:{port}/healthz", host=host)),
        Process("worker", worker(), says(" ready."), log),
        Process("clock", clock(), says("beat: Starting"), ticks),
    ]


if __name__ == "__main__":
    sys.exit(main())
