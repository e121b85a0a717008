"""`make serve`: web, worker and clock with production settings, once `check --deploy` finds nothing to refuse."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from django.core.exceptions import ImproperlyConfigured

from portal import log_format
from portal.configuration import private_files, settings_table, settings_values
from portal.running.processes import (
    Process,
    StartFailed,
    Supervisor,
    answers,
    clock,
    python,
    says,
    web,
    worker,
)

VAR: Final = Path(__file__).resolve().parent.parent / "var"
log = logging.getLogger("portal.serve")
STEPS: Final = (
    ("check", "--deploy", "--fail-level", "ERROR"),
    ("migrate", "--no-input", "--verbosity", "0"),
    ("collectstatic", "--no-input", "--verbosity", "0"),
)


def main(arguments: Sequence[str]) -> int:
    """Run until Ctrl-C or SIGTERM; `--check` only says whether it would. Returns the exit status."""
    only_check = list(arguments) == ["--check"]
    try:
        port = _port()
        private_files.begin(VAR)
        for step in STEPS[:1] if only_check else STEPS:
            if subprocess.run(python("manage.py", *step), check=False).returncode:  # noqa: S603 - our own command
                return 1
        if not only_check:
            _serve(port)
    except (StartFailed, ImproperlyConfigured) as failure:
        print(failure, file=sys.stderr)  # noqa: T201 - a command's own output
        return 1
    return 0


def _port() -> int:
    """Where to listen. Raises `ImproperlyConfigured` with a sentence for each setting that cannot be read."""
    faults = []
    port = 0
    try:
        port = settings_values.port(os.environ.get("PORT", "").strip() or "8000")
    except ValueError as fault:
        faults.append(f"PORT {fault}")
    try:
        settings_table.read_all(os.environ)
    except ImproperlyConfigured as fault:
        faults.append(str(fault))
    if faults:
        raise ImproperlyConfigured("\n".join(faults))
    return port


def _serve(port: int) -> None:
    with Supervisor(_tell) as supervisor:
        for process in processes(port):
            supervisor.start(process)
        supervisor.wait()


def _tell(sentence: str) -> None:
    """Among the lines of the processes, in their form."""
    log.handlers, log.propagate = [logging.StreamHandler(sys.stderr)], False
    log_format.format_handlers(log)
    log.warning("%s", sentence)


def processes(port: int) -> list[Process]:
    """The web server on loopback, behind the operator's TLS proxy, the worker and its clock."""
    log, ticks = VAR / "worker.log", VAR / "clock.log"
    return [
        Process("web", web(port), answers(f"http://127.0.0.1:{port}/healthz")),
        Process("worker", worker(), says(" ready."), log),
        Process("clock", clock(), says("beat: Starting"), ticks),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
