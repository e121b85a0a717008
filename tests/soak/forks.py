"""A process that forks others for jobs with Tesla's tokens, and lets them be killed: `python -m tests.soak.forks`.

First line on stdin: settings. Each further line is a list of jobs that begin together, each in a process:
`{"do": "use", "account": id, "die": place, "lease": seconds}`. Answered with a line, what became of each: `ok`, an
error, or `killed`.
"""

from __future__ import annotations

import io
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pkgutil import resolve_name
from typing import Any

import django
from django.conf import settings

Job = dict[str, Any]


def main() -> None:
    django.setup()
    plan = json.loads(sys.stdin.readline())
    for name, value in plan["settings"].items():
        setattr(settings, name, value)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(together(json.loads(line))) + "\n")
        sys.stdout.flush()


def together(jobs: list[Job]) -> list[str]:
    """Do the jobs in processes of their own that start together; none of them outlives this call."""
    gate, opener = os.pipe()
    answers = []
    for job in jobs:
        answer, told = os.pipe()
        if (process := os.fork()) == 0:
            os.close(opener)
            os.read(gate, 1)
            os.write(told, done(job).encode())
            os._exit(0)
        os.close(told)
        answers.append((process, answer))
    os.close(gate)
    os.close(opener)
    return [outcome(process, answer) for process, answer in answers]


def outcome(process: int, answer: int) -> str:
    """What a process answered; `killed` when it never did."""
    with os.fdopen(answer) as told:
        text = told.read()
    _, status = os.waitpid(process, 0)
    return "killed" if os.WIFSIGNALED(status) else text


def done(job: Job) -> str:
    """Do one job and tell how it ended; does not return when the process dies before."""
    from vehicles.errors import CatalogueError

    random.seed(os.getpid())
    if place := job.get("die"):
        hold_leases_for(job["lease"])
        PLACES[place]()
    try:
        return JOBS[job["do"]](job)
    except CatalogueError as error:
        return error.spec.name
    except Exception as error:  # noqa: BLE001 - the test is told whatever it is, and fails
        return repr(error)


def hold_leases_for(seconds: float) -> None:
    """Let others wait fewer seconds for this process, which will be gone."""
    from vehicles.tokens import lease

    lease.LEASE = timedelta(seconds=seconds)


def use(job: Job) -> str:
    """Make a call with the account's tokens; they are refreshed first where that is due."""
    from vehicles.models import TeslaAccount
    from vehicles.tesla import client
    from vehicles.upstream import account_call

    account_call.call(TeslaAccount.objects.get(pk=job["account"]), "fleet", client.vehicles)
    return "ok"


def rotate(job: Job) -> str:
    """Encrypt everything with the newest key."""
    from django.core.management import call_command

    call_command("rotate_vault_keys", verbosity=0, stdout=io.StringIO(), stderr=io.StringIO())
    return "ok"


JOBS: dict[str, Callable[[Job], str]] = {"use": use, "rotate": rotate}


def die_after(place: str) -> Callable[[], None]:
    """Let the process be killed as soon as the function of this name (`module:function`) has done its work."""

    def arm() -> None:
        module, _, name = place.partition(":")
        does = resolve_name(place)

        def last(*given: Any, **named: Any) -> Any:
            does(*given, **named)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(resolve_name(module), name, last)

    return arm


def die_anywhere() -> None:
    """Let the process end in the middle of whatever it does, without a chance to clean up."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, random.uniform(0.001, 0.3))


PLACES: dict[str, Callable[[], None]] = {
    "with the lease": die_after("vehicles.tokens.lease:take"),
    "after Tesla's answer": die_after("vehicles.tesla.auth:refresh"),
    "between the two writes": die_after("vehicles.tokens.store:store_refreshed"),
    "before the commit": die_after("vehicles.tokens.logins:seen"),
    "after the commit": die_after("vehicles.tokens.restore_detection:remember"),
    "anywhere": die_anywhere,
}


if __name__ == "__main__":
    main()
