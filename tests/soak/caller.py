"""A process of its own that gives commands one after the other: `python -m tests.soak.caller`, the plan on stdin.

Prints a JSON line for each command that was answered: its number in the plan and what its caller heard.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import Any

import django
from django.conf import settings


def main() -> None:
    """Carry out the plan: `{"settings", "patience", "calls": [{"number", "grant", "name", "arguments", "key"}]}`."""
    django.setup()
    plan = json.load(sys.stdin)
    for name, value in plan["settings"].items():
        setattr(settings, name, value)
    shorten(**plan["patience"])
    for call in plan["calls"]:
        sys.stdout.write(json.dumps([call["number"], heard(call)]) + "\n")
        sys.stdout.flush()


def shorten(*, deadline: float = 0, grace: float = 0, turn: float = 0) -> None:
    """Wait fewer seconds for workers that are gone; 0 leaves a time as it is."""
    from vehicles.commands import rows, signing_sessions

    for module, name, seconds in (
        (rows, "DEADLINE", deadline),
        (rows, "GRACE", grace),
        (signing_sessions, "TURN", turn),
    ):
        if seconds:
            setattr(module, name, timedelta(seconds=seconds))


def heard(call: dict[str, Any]) -> str:
    """What the caller of one command hears: `succeeded`, or the name of an error."""
    from django.utils import timezone

    from vehicles.commands import issuing
    from vehicles.commands.rows import PendingCommand
    from vehicles.errors import CatalogueError
    from vehicles.facts import with_rows
    from vehicles.models import VehicleGrant

    grant = with_rows(VehicleGrant.objects.all()).get(pk=call["grant"])
    try:
        row = issuing.issue(
            PendingCommand(grant, call["name"], call["arguments"], timezone.now(), call["key"])
        )
    except CatalogueError as error:
        return error.spec.name
    return str(row.outcome)


if __name__ == "__main__":
    main()
