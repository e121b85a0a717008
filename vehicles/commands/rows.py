"""Command rows: what is meant, that it is sent, and how it ended. Each is written once, and in this order.

What is meant takes its place by unique constraints: of two calls that mean the same, the database lets one through.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from vehicles import errors, history, request_id
from vehicles.commands.controls import CONTROLS, Arguments, Control
from vehicles.db import compiled_queries
from vehicles.db.compiled_queries import Given, PreparedUpdate
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.history import Kind
from vehicles.models import Command, Outcome, Vehicle, VehicleGrant
from vehicles.permissions import PERMISSIONS, Permission

DEADLINE: Final = timedelta(seconds=75)
"""Waking a car takes up to a minute; after this nothing is sent any more."""
GRACE: Final = timedelta(seconds=30)
"""How long after its deadline a command may still be waiting for its answer."""
_TOGGLES: Final = frozenset(name for name, control in CONTROLS.items() if control.toggles)


class PlaceTaken(Exception):
    """Another call that means the same was first; nothing of this one was written or sent."""


class Overtaken(Exception):
    """Another call moved the car since its state was read for this one; nothing of this one was written or sent."""


@dataclass(slots=True)
class PendingCommand:
    """A control that somebody wants carried out on the grant's car, on its way from the caller down to the car.

    `name` is a control of `CONTROLS`; `at` is when it was asked for, and `key` the Idempotency-Key, empty for none.
    `state_read_at` tells when the state was read that `arguments` were made from. `row` is a new one, which nobody sees
    before `intend` or `mark_sent` has written it. `was_answered`: the car itself has done or refused a step, so that
    the command is no longer untouched.
    """

    grant: VehicleGrant
    name: str
    arguments: Arguments = field(repr=False)
    at: datetime
    key: str = ""
    state_read_at: datetime | None = None
    was_answered: bool = False
    fingerprint: str = field(init=False)
    row: Command = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # For application, car, command and what was asked; keyed, because that may be a four-digit PIN.
        asked = {name: value for name, value in self.arguments.items() if name != "timestamp_ms"}
        of_whom = [self.grant.connection_id, str(self.grant.account_id)]
        text = json.dumps([*of_whom, self.name, asked], sort_keys=True)
        self.fingerprint = hmac.digest(settings.SECRET_KEY.encode(), text.encode(), "sha256").hex()

    @property
    def control(self) -> Control:
        return CONTROLS[self.name]

    @property
    def permission(self) -> Permission:
        return PERMISSIONS[self.control.permission]

    @property
    def vehicle(self) -> Vehicle:
        return self.grant.connection.vehicle

    @property
    def is_sent(self) -> bool:
        """Whether the row in the database says that the car may carry it out."""
        return self.row.sent_at is not None and not self.row._state.adding

    def begin(self) -> None:
        """Take a new row, which is written with the first thing that has to be known of it."""
        private = self.control.private
        self.was_answered = False
        self.row = Command(
            application=self.grant.connection.application,
            grant=self.grant,
            name=self.name,
            arguments={name: value for name, value in self.arguments.items() if name not in private},
            fingerprint=self.fingerprint,
            idempotency_key=self.key,
            request_id=request_id.current(),
            created_at=self.at,
            deadline_at=self.at + DEADLINE,
        )

    def intend(self) -> None:
        """Write what is meant, if that was not done yet; called before anything that takes time.

        Raises `PlaceTaken`, and `Overtaken` for what toggles: then nothing may be sent.
        """
        if self.state_read_at is None or not self.control.toggles or not self.row._state.adding:
            _insert(self.row)
            return
        with transaction.atomic():
            # Whoever moves this car next waits here, so that the last reading and what follows from it are one step.
            vehicle = Vehicle.objects.select_for_update().only("pk").get(connections__grants=self.grant.pk)
            if moved_since(vehicle, self.state_read_at):
                raise Overtaken
            _insert(self.row)

    def mark_sent(self) -> None:
        """Write that from here on the car may carry it out, and what is meant with it, where that was not done yet.

        Called before anything leaves that the car may carry out, in the transaction that takes its counter; not for
        handshakes, which change nothing. Raises UPSTREAM:NO_RESPONSE past the deadline or after the sweep, and what
        `intend` raises.
        """
        now, is_new = timezone.now(), self.row._state.adding
        if not (now < self.row.deadline_at if is_new else _SENT.run(command=self.row.pk, now=now)):
            raise CatalogueError(
                errors.UPSTREAM_NO_RESPONSE, reason="the deadline passed before it could be sent"
            )
        self.row.sent_at = now
        if is_new:
            self.intend()


def _insert(command: Command) -> None:
    if command._state.adding and not compiled_queries.insert(command):
        raise PlaceTaken


def moved_since(vehicle: Vehicle, then: datetime) -> bool:
    """Whether anybody's command that toggles something on this car runs, or ended since."""
    movements = Command.objects.filter(grant__connection__vehicle=vehicle, name__in=_TOGGLES)
    running = Q(outcome=Outcome.PENDING, deadline_at__gt=timezone.now() - GRACE)
    return movements.filter(running | Q(ended_at__gte=then)).exists()


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
        _insert(command)
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


def close_abandoned(command: Command) -> None:
    """Give a row whose worker is gone the outcome that is known: nothing was sent, or nobody can say."""
    if command.sent_at is None:
        never_sent = CatalogueError(
            errors.UPSTREAM_NO_RESPONSE, reason="never sent: the worker stopped before"
        )
        end_refused(command, never_sent, uses_key=False)
    else:
        end(command, Outcome.UNKNOWN, errors.UPSTREAM_NO_RESPONSE, "the worker stopped before the answer")


def close_overdue(now: datetime) -> int:
    """Close every row past its deadline whose worker left it pending; returns how many."""
    overdue = Command.objects.filter(outcome=Outcome.PENDING, deadline_at__lt=now - GRACE)
    rows = list(overdue.select_related("application", "grant__account", "grant__connection__vehicle")[:1000])
    for command in rows:
        close_abandoned(command)
    return len(rows)


def conclude(command: Command, *, happened: bool) -> None:
    """The car's state showed what became of a command that nobody answered; the stored answer changes with it."""
    if happened:
        end(command, Outcome.SUCCEEDED, None, "seen in the car's state afterwards")
    else:
        end(command, Outcome.FAILED, errors.UPSTREAM_NO_RESPONSE, "not seen in the car's state afterwards")
