"""The audit list as lines of text: what the command line and exports hand out, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple

from django.utils import timezone

from vehicles import facts
from vehicles.audit.conditions import active_grants, matching
from vehicles.audit.pending import pending_reservations
from vehicles.diagnosis import RULES, Facts, MissingReason, not_connected
from vehicles.models import Reservation, VehicleGrant

_AT_ONCE: Final = 1000
_AXES: Final = {rule.code: rule.axis for rule in RULES}


class AuditRow(NamedTuple):
    """One grant as a line of text. Several values in a column are separated by spaces; unknown is empty.

    `missing_permissions` are written `name:reason`. `access_types` are those of all accounts here that list the car.
    `last_checked` is when the observation behind `cause` was last made, or the newest of all where nothing is wrong.
    """

    vin: str
    vehicle_id: str
    application: str
    verdict: str
    cause: str
    next_actor: str
    consent: str
    missing_permissions: str
    key: str
    provider: str
    access_types: str
    since: str
    last_checked: str


COLUMNS: Final = AuditRow._fields


def rows(conditions: Mapping[str, str]) -> Iterator[AuditRow]:
    """The audit list, narrowed as `CONDITIONS` allows, and behind it the cars that are not connected yet.

    Reads as it goes; memory does not grow with the list.
    """
    found = facts.with_rows(matching(active_grants(), conditions).order_by("pk"))
    now = timezone.now()
    reserved = pending_reservations(conditions).order_by("pk")
    return chain(
        (_row(grant, now) for grant in found.iterator(chunk_size=_AT_ONCE)),
        (_waiting_row(reservation) for reservation in reserved.iterator(chunk_size=_AT_ONCE)),
    )


def _row(grant: VehicleGrant, now: datetime) -> AuditRow:
    known = facts.facts_of(grant, now)
    vehicle = grant.connection.vehicle
    accesses = {row.access_type for row in vehicle.accesses.all() if row.missing_since is None}
    return AuditRow(
        vin=vehicle.vin,
        vehicle_id=str(grant.connection.public_id),
        application=str(grant.connection.application),
        verdict=grant.verdict,
        cause=grant.main_cause,
        next_actor=grant.next_actor,
        consent=str(known.consent),
        missing_permissions=" ".join(f"{name}:{why}" for name, why in sorted(known.missing.items())),
        key=str(known.key),
        provider=str(known.provider),
        access_types=" ".join(sorted(accesses, reverse=True)),
        since=moment(grant.verdict_since),
        last_checked=moment(_last_checked(known, grant.main_cause)),
    )


def _waiting_row(reservation: Reservation) -> AuditRow:
    wanted = reservation.scopes or reservation.application.permissions
    answer = not_connected(wanted, reservation.created_at)
    return AuditRow(
        vin=reservation.vin,
        vehicle_id=str(reservation.vehicle_public_id),
        application=str(reservation.application),
        verdict=str(answer.verdict),
        cause=answer.main_cause,
        next_actor=answer.next_actor,
        consent=answer.axes["consent"]["value"],
        missing_permissions=" ".join(f"{name}:{MissingReason.NOT_REQUESTED}" for name in sorted(wanted)),
        key=answer.axes["key"]["value"],
        provider="",
        access_types="",
        since=moment(reservation.created_at),
        last_checked="",
    )


def _last_checked(known: Facts, cause: str) -> datetime | None:
    if cause in _AXES:
        return known.observation(cause, _AXES[cause]).observed_at
    return max((each.observed_at for each in known.observed.values() if each.observed_at), default=None)


def moment(at: datetime | None) -> str:
    """A time as exports write it: ISO 8601 to the second, UTC."""
    return at.isoformat(timespec="seconds") if at else ""
