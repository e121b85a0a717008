"""A process that forks others which are killed in the middle: `python -m tests.vehicles.webhooks.dying_worker`.

Each line on stdin is one job, done in a process of its own, and answered with a line when that is gone:
`{"do": "change", "vehicle": id, "paired": true}` changes something, and dies before it could tell anybody;
`{"do": "run", "die_within": seconds}` delivers, and dies anywhere.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import django


def change(job: dict[str, Any]) -> None:
    from django.utils import timezone

    from vehicles import evidence
    from vehicles.models import Vehicle

    car = Vehicle.objects.get(pk=job["vehicle"])
    evidence.key_told(car, paired=job["paired"], actor="staff:1", now=timezone.now())
    os.kill(os.getpid(), signal.SIGKILL)


def run(job: dict[str, Any]) -> None:
    from vehicles.webhooks import delivery

    delivery.LEASE = timedelta(seconds=0.1)  # type: ignore[misc]
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, job["die_within"])
    delivery.run()


JOBS: Final[dict[str, Callable[[dict[str, Any]], None]]] = {"change": change, "run": run}


def main() -> None:
    django.setup()
    for line in sys.stdin:
        job = json.loads(line)
        if (process := os.fork()) == 0:
            JOBS[job["do"]](job)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        sys.stdout.write(f"{'killed' if os.WIFSIGNALED(status) else 'ended'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
