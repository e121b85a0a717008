"""Command rows: what is meant, that it is sent, and how it ended. Each is written once, and in this order.

What is meant takes its place by unique constraints: of two calls that mean the same, the database lets one through.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from vehicles import errors, history, prepared
from vehicles.controls import CONTROLS
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.history import Kind
from vehicles.models import Command, Outcome, Vehicle
from vehicles.prepared import Given, PreparedUpdate

GRACE: Final = timedelta(seconds=30)
"""How long after its deadline a command may still be waiting for its answer."""
_TOGGLES: Final = frozenset(name for name, control in CONTROLS.items() if control.toggles)


class PlaceTaken(Exception):
    """Another call that means the same was first; nothing of this one was written or sent."""


class Overtaken(Exception):
    """Another call moved the car since this one's caller looked at it; nothing of this one was written or sent."""


def intend(command: Command, looked_at: datetime | None = None) -> None:
    """Write what is meant, if that was not done yet. Raises `PlaceTaken`, and `Overtaken` for what toggles."""
    if not command._state.adding:
        return
    if looked_at is None or command.name not in _TOGGLES:
        _insert(command)
        return
    with transaction.atomic():
        # Whoever moves this car next waits here, so that the last look and what follows from it are one step.
        vehicle = Vehicle.objects.select_for_update().only("pk").get(connections__grants=command.grant_id)
        if moved_since(vehicle, looked_at):
            raise Overtaken
        _insert(command)


def _insert(command: Command) -> None:
    if not prepared.insert(command):
        raise PlaceTaken


def moved_since(vehicle: Vehicle, then: datetime) -> bool:
    """Whether anybody's command that toggles something on this car runs, or ended since."""
    movements = Command.objects.filter(grant__connection__vehicle=vehicle, name__in=_TOGGLES)
    running = Q(outcome=Outcome.PENDING, deadline_at__gt=timezone.now() - GRACE)
    return movements.filter(running | Q(ended_at__gte=then)).exists()


def mark_sent(command: Command, looked_at: datetime | None = None) -> None:
    """From here on the car may carry it out. Writes what is meant with it, where that was not done yet.

    Raises UPSTREAM:NO_RESPONSE past the deadline or after the sweep, and what `intend` raises.
    """
    now = timezone.now()
    is_new = command._state.adding
    if not (now < command.deadline_at if is_new else _SENT.run(command=command.pk, now=now)):
        raise CatalogueError(
            errors.UPSTREAM_NO_RESPONSE, reason="the deadline passed before it could be sent"
        )
    command.sent_at = now
    if is_new:
        intend(command, looked_at)


_SENT: Final = PreparedUpdate(
    lambda: Command.objects.filter(
        pk=Given("command"), outcome=Outcome.PENDING, deadline_at__gt=Given("now")
    ),
    {"sent_at": Given("now")},
)


def end_refused(command: Command, error: CatalogueError, *, uses_key: bool) -> None:
    """The command was not carried out. Unless `uses_key`, its key is free again: the caller may repeat under it when a
    limit is over, the car is back or its key was added.
    """
    changes: dict[str, Any] = {} if uses_key else {"idempotency_key": ""}
    if error.retry_after is not None:
        changes["result"] = {"retry_after": error.retry_after}
    end(command, Outcome.FAILED, error.spec, error.reason, **changes)


def end(command: Command, outcome: Outcome, error: ErrorSpec | None, reason: str, **changes: Any) -> None:
    """Write the outcome once; a worker that is late replaces what the sweep could only call unknown."""
    now = timezone.now()
    changes |= {
        "outcome": str(outcome),
        "error": error.name if error else "",
        "reason": reason[:255],
        "ended_at": now,
    }
    with transaction.atomic():
        intend(command)
        if not _ending(*changes).run(command=command.pk, **changes):
            return
        _record(command, outcome, changes["error"], now)
    for name, value in changes.items():
        setattr(command, name, value)


@lru_cache
def _ending(*columns: str) -> PreparedUpdate[Command]:
    return PreparedUpdate(_open, {column: Given(column) for column in columns})


def _open() -> QuerySet[Command]:
    return Command.objects.filter(pk=Given("command"), outcome__in=[Outcome.PENDING, Outcome.UNKNOWN])


def _record(command: Command, outcome: Outcome, error: str, now: datetime) -> None:
    grant = command.grant
    history.record(
        Kind.COMMAND_ENDED,
        actor=history.application_actor(command.application),
        at=now,
        application=command.application,
        account=grant.account,
        vehicle=grant.connection.vehicle,
        grant=grant,
        command=str(command.pk),
        name=command.name,
        outcome=str(outcome),
        error=error,
    )


def settle(command: Command) -> None:
    """Give a row whose worker is gone the outcome that is known: nothing was sent, or nobody can say."""
    if command.sent_at is None:
        never_sent = CatalogueError(
            errors.UPSTREAM_NO_RESPONSE, reason="never sent: the worker stopped before"
        )
        end_refused(command, never_sent, uses_key=False)
    else:
        end(command, Outcome.UNKNOWN, errors.UPSTREAM_NO_RESPONSE, "the worker stopped before the answer")


def settle_overdue(now: datetime) -> int:
    """Settle every row past its deadline whose worker left it pending; returns how many."""
    overdue = Command.objects.filter(outcome=Outcome.PENDING, deadline_at__lt=now - GRACE)
    rows = list(overdue.select_related("application", "grant__account", "grant__connection__vehicle")[:1000])
    for command in rows:
        settle(command)
    return len(rows)


def conclude(command: Command, *, happened: bool) -> None:
    """The car's state showed what became of a command that nobody answered; the stored answer changes with it."""
    if happened:
        end(command, Outcome.SUCCEEDED, None, "seen in the car's state afterwards")
    else:
        end(command, Outcome.FAILED, errors.UPSTREAM_NO_RESPONSE, "not seen in the car's state afterwards")
