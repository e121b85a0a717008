"""Sessions with the cars' computers, shared by all processes: counters that nobody else gets, and who may send now.

The vehicle security computer takes one message at a time, in order: its turn is a lease in the session's row.
Infotainment takes messages out of order within a window of 32, so that many commands may be out at once. Both are held
by the command's row: its outcome gives them back, and a worker that stopped loses them when `TURN` is over.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan
from django.utils import timezone

from vehicles.db.compiled_queries import Given, Prepared, PreparedUpdate
from vehicles.models import Command, Outcome, SigningSession, Vehicle
from vehicles.tesla.signing import Domain, SessionInfo
from vehicles.tesla.signing.requests import HIGHEST_COUNTER

TURN: Final = timedelta(seconds=60)
"""Longer than a handshake and a command can take together; each further attempt renews it."""
MOST_OUTSTANDING: Final = 32
"""Infotainment refuses a counter further than this below the highest it has seen."""
_IN_TURN: Final = frozenset({Domain.VEHICLE_SECURITY})


class Readiness(Enum):
    """How things stand at a computer for a command that would like to be sent."""

    GO = "there is a session, and it is our turn or there is room"
    MEET = "there is no session, and nobody is shaking hands"
    WAIT = "others are at it"


class Crowded(Exception):
    """As many commands are out to the car as its infotainment keeps apart; the transaction must be undone."""


def next_counter(vehicle: Vehicle, domain: Domain, holder: uuid.UUID) -> SessionInfo | None:
    """The session with a counter that nobody else gets, for the command `holder`; it has the turn then.

    Call it in the transaction that writes that the command is sent. None when it is not its turn, or when there is no
    session to go on with; raises `Crowded`.
    """
    now = timezone.now()
    statement = _TAKE_TURN if domain in _IN_TURN else _TAKE
    row = statement.row(vehicle=vehicle.pk, domain=domain.value, holder=holder, now=now, until=now + TURN)
    if row is None:
        return None
    # Only now, with the row ours, is what others have sent before us certain.
    if domain not in _IN_TURN and _others_out(vehicle, holder, now) >= MOST_OUTSTANDING:
        raise Crowded
    key, epoch, counter, clock_time, observed_at, authenticated = row
    return SessionInfo(
        vehicle.vin, domain, bytes(key), bytes(epoch), counter, clock_time, observed_at, authenticated
    )


def readiness(vehicle: Vehicle, domain: Domain, holder: uuid.UUID) -> Readiness:
    """What to do next. Looking is cheap; an update that finds nothing still stops every other writer on SQLite."""
    now = timezone.now()
    rows = _SEEN.rows(vehicle=vehicle.pk, domain=domain.value, holder=holder, now=now)
    seen: Any = rows[0] if rows else None
    if seen is None or not seen.is_known:
        return Readiness.MEET if seen is None or seen.is_free else Readiness.WAIT
    if domain in _IN_TURN:
        return Readiness.GO if seen.is_free else Readiness.WAIT
    return Readiness.GO if _others_out(vehicle, holder, now) < MOST_OUTSTANDING else Readiness.WAIT


def take_handshake(vehicle: Vehicle, domain: Domain, holder: uuid.UUID) -> bool:
    """Become the one that shakes hands with a computer that there is no session with; the others wait for it."""
    SigningSession.objects.get_or_create(vehicle=vehicle, domain=domain.value)
    now = timezone.now()
    given = {"vehicle": vehicle.pk, "domain": domain.value, "holder": holder, "now": now}
    return bool(_TAKE_HANDSHAKE.run(**given, until=now + TURN))


def remember(vehicle: Vehicle, session: SessionInfo) -> None:
    """Store what the car proved; within an epoch the counter is never lowered, since others may have taken more."""
    with transaction.atomic():
        row, _ = SigningSession.objects.select_for_update().get_or_create(
            vehicle=vehicle, domain=session.domain.value
        )
        same_epoch = bytes(row.epoch) == session.epoch
        if same_epoch and session.last_authenticated_clock < row.last_authenticated_clock:
            return
        row.counter = max(row.counter, session.counter) if same_epoch else session.counter
        row.vehicle_public_key, row.epoch = session.vehicle_public_key, session.epoch
        row.clock_time, row.observed_at = session.clock_time, session.observed_at
        row.last_authenticated_clock = session.last_authenticated_clock
        if session.domain not in _IN_TURN:
            row.lease_holder = row.lease_until = None
        row.save()


def forget(vehicle: Vehicle, session: SessionInfo) -> None:
    """Drop the session that the car no longer knows, unless another process has made a new one already."""
    known = SigningSession.objects.filter(vehicle=vehicle, domain=session.domain.value, epoch=session.epoch)
    known.update(epoch=b"")


def _sessions() -> QuerySet[SigningSession]:
    return SigningSession.objects.filter(vehicle=Given("vehicle"), domain=Given("domain"))


def _known() -> Q:
    """There is a session with counters left."""
    return Q(GreaterThan(Length("epoch"), 0), counter__lt=HIGHEST_COUNTER - 1)


def _free() -> Q:
    """Nobody else has the turn: never taken, run out, or given back by its command's outcome.

    A command that cannot be seen yet has not ended, so who sees an older state errs on the side of waiting.
    """
    ended = Command.objects.filter(pk=OuterRef("lease_holder")).exclude(outcome=Outcome.PENDING)
    return (
        Q(lease_holder=None)
        | Q(lease_holder=Given("holder"))
        | Q(lease_until__lt=Given("now"))
        | Q(Exists(ended))
    )


_NEXT: Final = {"counter": F("counter") + 1}
_LEASE: Final = {"lease_holder": Given("holder"), "lease_until": Given("until")}
_PROVED: Final = (
    "vehicle_public_key", "epoch", "counter", "clock_time", "observed_at", "last_authenticated_clock",
)  # fmt: skip

_TAKE: Final = PreparedUpdate(lambda: _sessions().filter(_known()), _NEXT, returning=_PROVED)
_TAKE_TURN: Final = PreparedUpdate(
    lambda: _sessions().filter(_known(), _free()), _NEXT | _LEASE, returning=_PROVED
)
# Without its epoch, a session whose counters are used up is replaced rather than merged with.
_TAKE_HANDSHAKE: Final = PreparedUpdate(
    lambda: _sessions().filter(~_known(), _free()), _LEASE | {"epoch": b""}
)
_SEEN: Final = Prepared(lambda: _sessions().annotate(is_known=_known(), is_free=_free()))


def _others_out(vehicle: Vehicle, holder: uuid.UUID, now: datetime) -> int:
    """How many other commands are on their way to the car. One whose worker stopped counts until its turn is over."""
    return len(_OUT.rows(vehicle=vehicle.pk, holder=holder, now=now, since=now - TURN))


_OUT: Final = Prepared(
    lambda: (
        Command.objects.filter(
            outcome=Outcome.PENDING,
            deadline_at__gt=Given("since"),
            sent_at__gt=Given("since"),
            grant__connection__vehicle=Given("vehicle"),
        )
        .exclude(pk=Given("holder"))
        .only("pk")
    )
)
