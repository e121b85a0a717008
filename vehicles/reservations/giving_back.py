"""Giving ids back in Connect, so that no id of a person ever reaches somebody else.

A vehicle id names a car to an application and no person: everybody who connects the car there knows it by the same id,
so it follows the VIN. A user id names a person. It is given to somebody only if their Tesla account lists the car, if
nobody else has the id, if nothing that is known speaks against it, and if it can be nobody else's (`_trust`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from django.db.models import Q

from vehicles import history
from vehicles.client_credentials import checksum
from vehicles.diagnosis import Access
from vehicles.history import Kind
from vehicles.models import (
    Application,
    ApplicationUser,
    Connection,
    Reservation,
    TeslaAccount,
    User,
    Vehicle,
    VehicleAccess,
)


class Trust(IntEnum):
    """How sure it is that a reservation is this person's; `NONE` also where something speaks against it."""

    NONE = 0
    NOBODY_ELSE = 1
    PROVED = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """What is reserved for the cars of one Connect run, and as which user its person is recognised (None: as none)."""

    rows: Sequence[Reservation] = ()
    user_id: UUID | None = None

    @property
    def external_id(self) -> str:
        """The application's own id for the recognised person; empty where the file told none."""
        own = (row.external_id for row in self.rows if row.user_public_id == self.user_id)
        return next(filter(None, own), "")

    def vehicle_id(self, vehicle: Vehicle) -> UUID | None:
        """The id reserved for this car; None for none, and where only the right person would tell which of several."""
        of_car = [row for row in self.rows if row.vin == vehicle.vin]
        own = {row.vehicle_public_id for row in of_car if row.user_public_id == self.user_id}
        known = own or {row.vehicle_public_id for row in of_car}
        return next(iter(known)) if len(known) == 1 else None


def recognise(
    application: Application, account: TeslaAccount, vehicles: Sequence[Vehicle], *, told: Collection[str]
) -> Claim:
    """What is reserved for these cars, and for whom. `told` is what the application called the person in this run."""
    rows = list(
        Reservation.objects.filter(
            application=application, mode=account.mode, vin__in=[vehicle.vin for vehicle in vehicles]
        ).select_related("claimed_by")
    )
    if not rows:
        return Claim()
    owned = _owned(account, vehicles)
    trust = {
        row: _trust(row, account, row.vin in owned, _contradicted(row, rows, told), told) for row in rows
    }
    best = max(trust.values())
    users = {row.user_public_id for row in rows if trust[row] == best}
    # Two users at once cannot both be this person, so it is not known which of them they are.
    recognised = best is not Trust.NONE and len(users) == 1
    return Claim(rows, users.pop() if recognised else None)


def _owned(account: TeslaAccount, vehicles: Sequence[Vehicle]) -> set[str]:
    accesses = VehicleAccess.objects.filter(account=account, vehicle__in=vehicles, missing_since=None)
    return set(accesses.filter(access_type=Access.OWNER).values_list("vehicle__vin", flat=True))


def _contradicted(row: Reservation, rows: Iterable[Reservation], told: Collection[str]) -> bool:
    """Whether the application named somebody else in this run: another external id, or another user of the car."""
    others = set(told) - _names(row)
    return bool(others) and (bool(row.external_id) or any(others & _names(each) for each in rows))


def _names(row: Reservation) -> set[str]:
    return {str(row.user_public_id), row.external_id} - {""}


def _trust(
    row: Reservation, account: TeslaAccount, is_owner: bool, contradicted: bool, told: Collection[str]
) -> Trust:
    """How sure it is that the row is this person's.

    Proved: Tesla told the e-mail address that stands in the row; or the run began with the row's own link, whose user
    id only the application knows; or the person took the same user id over before. An external id proves nothing,
    since people can guess it. Without proof the row must be the car's only one, and the person the car's owner.
    """
    if row.claimed_by is not None:
        return Trust.PROVED if row.claimed_by.person_id == account.person_id else Trust.NONE
    told_email = checksum(account.email.lower()) if account.email and row.email_checksum else ""
    if contradicted or (told_email and told_email != row.email_checksum):
        return Trust.NONE
    if told_email or str(row.user_public_id) in told:
        return Trust.PROVED
    return Trust.NOBODY_ELSE if is_owner and not row.shared else Trust.NONE


def complete(
    claim: Claim,
    user: ApplicationUser,
    connections: Iterable[Connection],
    account: TeslaAccount,
    now: datetime,
) -> None:
    """After the ids were written: erase the rows that were used, and keep the user's other rows for this person.

    Call it in the transaction that wrote the ids.
    """
    if claim.user_id is None or user.public_id != claim.user_id:
        return
    same_user = Reservation.objects.filter(application=user.application_id, user_public_id=user.public_id)
    same_user.filter(claimed_by=None).update(claimed_by=user)
    for connection in connections:
        used = same_user.filter(vin=connection.vehicle.vin, vehicle_public_id=connection.public_id)
        if used.delete()[0]:
            history.record(
                Kind.IDS_GIVEN_BACK,
                actor=history.person(account.person),
                at=now,
                application=connection.application,
                account=account,
                vehicle=connection.vehicle,
                user_id=str(user.public_id),
                connection_id=str(connection.public_id),
            )


def forget(person: User) -> None:
    """Erase what is still reserved for this person anywhere, as far as they would be recognised. Before they go."""
    for account in person.tesla_accounts.all():
        vehicles = list(Vehicle.objects.filter(accesses__account=account))
        rows = Reservation.objects.filter(mode=account.mode, vin__in=[vehicle.vin for vehicle in vehicles])
        owned = _owned(account, vehicles)
        for row in rows.select_related("claimed_by"):
            if _trust(row, account, row.vin in owned, False, ()) is not Trust.NONE:
                row.delete()
        if account.email:
            forget_email(account.email)
    for user in person.application_users.all():
        called = Q(user_public_id=user.public_id)
        if user.external_id:
            called |= Q(external_id=user.external_id)
        Reservation.objects.filter(called, application=user.application_id).delete()


def forget_email(email: str) -> int:
    """Erase what is reserved for whoever has this e-mail address; returns how many rows."""
    rows = Reservation.objects.filter(email_checksum=checksum(email.strip().lower()))
    return rows.delete()[0]
