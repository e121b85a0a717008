"""Reserving ids from an application's own list, car by car. A list's word on a car replaces that of earlier lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from vehicles.models import Application, ApplicationUser, Connection, Mode, Reservation, VehicleGrant

_COMPARED: Final = (
    "mode", "vehicle_public_id", "user_public_id", "vin", "external_id", "email_checksum", "scopes", "shared",
    "claimed_by_id",
)  # fmt: skip
BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """A row of the list. `line` is its place there, for telling what is wrong with it."""

    line: int
    vehicle_id: UUID
    user_id: UUID
    vin: str
    external_id: str = ""
    email_checksum: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReservationFault:
    """What has to be told about a row: the column, and what is the matter with it."""

    line: int
    column: str
    message: str


@dataclass(slots=True)
class Result:
    """What became of the rows: `reserved`, `unchanged`, `connected` before; and earlier rows that were `replaced`.

    `refused` rows were not reserved. `ambiguous` ones were, but the car alone does not tell whose they are.
    """

    counts: Counter[str] = field(default_factory=Counter)
    refused: list[ReservationFault] = field(default_factory=list)
    ambiguous: list[ReservationFault] = field(default_factory=list)


@dataclass(slots=True)
class _Known:
    """What is stored about the cars and ids of a batch."""

    reservations: list[Reservation]
    by_id: dict[UUID, Connection]
    by_vin: dict[str, Connection]
    users: dict[UUID, ApplicationUser]
    holders: dict[int, set[UUID]]
    """The persons who hold or held each connection."""

    def others(self, row: Wanted) -> bool:
        """Whether somebody who is not the row's user connected the car."""
        connection, user = self.by_vin.get(row.vin), self.users.get(row.user_id)
        return bool(connection and self.holders[connection.pk] - ({user.person_id} if user else set()))

    def is_connected(self, row: Wanted) -> bool:
        """Whether the row's user already has the row's car under its id."""
        connection, user = self.by_vin.get(row.vin), self.users.get(row.user_id)
        return bool(connection and user and user.person_id in self.holders[connection.pk])


def reserve(
    application: Application, mode: str, rows: Sequence[Wanted], now: datetime, *, dry_run: bool = False
) -> Result:
    """Reserve the ids of some cars. `rows` are all that the list says about each of these cars.

    Twice changes nothing. With `dry_run` nothing is written and the result is the same.
    """
    with transaction.atomic():
        known = _known(application, mode, rows)
        result, kept = Result(), []
        for row in rows:
            if problem := _conflict(row, known):
                result.refused.append(problem)
            elif known.is_connected(row):
                result.counts["connected"] += 1
            else:
                kept.append(_reservation(application, mode, row, _is_shared(row, rows, known), known, now))
                result.ambiguous += _doubts(row, kept[-1], known)
        _merge(kept, rows, known, result, dry_run=dry_run)
    return result


def _known(application: Application, mode: str, rows: Sequence[Wanted]) -> _Known:
    vins, ids = {row.vin for row in rows}, {row.vehicle_id for row in rows}
    mine = Connection.objects.filter(application=application).select_related("vehicle")
    connections = list(mine.filter(Q(vehicle__vin__in=vins, vehicle__mode=mode) | Q(public_id__in=ids)))
    holders: dict[int, set[UUID]] = defaultdict(set)
    for pk, person in VehicleGrant.objects.filter(connection__in=connections).values_list(
        "connection_id", "account__person_id"
    ):
        holders[pk].add(person)
    users = ApplicationUser.objects.filter(
        application=application, public_id__in={row.user_id for row in rows}
    )
    earlier = Reservation.objects.filter(application=application)
    return _Known(
        reservations=list(earlier.filter(Q(vin__in=vins) | Q(vehicle_public_id__in=ids))),
        by_id={row.public_id: row for row in connections},
        by_vin={row.vehicle.vin: row for row in connections if row.vehicle.mode == mode},
        users={user.public_id: user for user in users},
        holders=holders,
    )


def _conflict(row: Wanted, known: _Known) -> ReservationFault | None:
    """Ids in use never change hands and never change."""
    of_id, of_car = known.by_id.get(row.vehicle_id), known.by_vin.get(row.vin)
    if of_id is not None and of_id != of_car:
        return ReservationFault(
            row.line,
            "vehicle_id",
            f"{row.vehicle_id} is in use here for another car (VIN ending {of_id.vehicle.vin_ending})",
        )
    if of_car is not None and of_car.public_id != row.vehicle_id:
        return ReservationFault(
            row.line,
            "vehicle_id",
            f"the car was connected already and is known as {of_car.public_id}; an id in use is never changed",
        )
    return None


def _is_shared(row: Wanted, rows: Sequence[Wanted], known: _Known) -> bool:
    return known.others(row) or any(each.vin == row.vin and each.user_id != row.user_id for each in rows)


def _reservation(
    application: Application, mode: str, row: Wanted, shared: bool, known: _Known, now: datetime
) -> Reservation:
    return Reservation(
        application=application,
        mode=Mode(mode),
        vehicle_public_id=row.vehicle_id,
        user_public_id=row.user_id,
        vin=row.vin,
        external_id=row.external_id,
        email_checksum=row.email_checksum,
        scopes=list(row.scopes),
        shared=shared,
        claimed_by=known.users.get(row.user_id),
        created_at=now,
    )


def _doubts(row: Wanted, made: Reservation, known: _Known) -> list[ReservationFault]:
    """What makes it unclear whose the row is."""
    if made.claimed_by is not None and known.others(row):
        text = "the person who has this user id now did not connect this car, and somebody else did"
        return [ReservationFault(row.line, "user_id", text)]
    if made.shared:
        return [
            ReservationFault(
                row.line, "vin", "several users have this car; only proof gives this user id back"
            )
        ]
    return []


def _merge(
    kept: list[Reservation], rows: Sequence[Wanted], known: _Known, result: Result, *, dry_run: bool
) -> None:
    """Write the difference. Of rows that the list has refused or connected nothing is deleted."""
    stored = {_compared(row): row for row in known.reservations}
    new = [row for row in kept if _compared(row) not in stored]
    wanted = {_compared(row) for row in kept}
    named = {(row.vehicle_id, row.user_id, row.vin) for row in rows} - {_identity(row) for row in kept}
    old = [row for key, row in stored.items() if key not in wanted and _identity(row) not in named]
    result.counts.update(reserved=len(new), unchanged=len(kept) - len(new), replaced=len(old))
    if not dry_run:
        Reservation.objects.filter(pk__in=[row.pk for row in old]).delete()
        Reservation.objects.bulk_create(new, batch_size=BATCH)


def _compared(row: Reservation) -> tuple[object, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in _values(row))


def _values(row: Reservation) -> list[object]:
    return [getattr(row, name) for name in _COMPARED]


def _identity(row: Reservation) -> tuple[UUID, UUID, str]:
    return row.vehicle_public_id, row.user_public_id, row.vin
