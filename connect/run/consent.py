"""What a person can allow: asked by the application, granted at Tesla, and of that what they approve here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction

from connect.models import ConnectSession, Step
from connect.problems.catalogue import (
    ACCESS_ENDED,
    NO_VEHICLES,
    OF_SIMULATED_CAR,
    OTHER_VEHICLE,
    ConnectProblem,
)
from connect.run import flow, key_queue
from vehicles import errors, grants, simulated_errors, sync
from vehicles.diagnosis import Consent
from vehicles.errors import CatalogueError
from vehicles.models import Integration, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.permissions import PERMISSIONS, Permission, covered_by

ENDED: Final = (Consent.REVOKED, Consent.SIGN_IN_NEEDED)
"""Nothing can be approved on such an account: only signing in at Tesla again helps."""
SHOWS_CARS: Final = "read_vehicle_info"
"""Tesla lists an account's cars only under the scope behind this permission (Fleet API: vehicles), so that scope is
asked for and needed whatever the application wants."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The permission page's content. `missing` was asked for but not granted at Tesla.

    With `cars_hidden` Tesla was not told to show the cars at all. `others` names the applications that share the
    consent at Tesla, `paused` those that it no longer covers. `kept` was allowed in an earlier run.
    """

    accesses: list[VehicleAccess]
    offered: list[Permission]
    missing: list[Permission]
    required: frozenset[str]
    cars_hidden: bool
    others: list[str]
    paused: list[str]
    kept: list[Permission] = field(default_factory=list)

    @property
    def required_missing(self) -> bool:
        """Whether the application cannot do without something that Tesla was not told to allow."""
        return any(permission.name in self.required for permission in self.missing)

    @property
    def can_be_approved(self) -> bool:
        return bool(self.accesses and (self.offered or self.kept)) and not self.required_missing


def offer(session: ConnectSession, now: datetime) -> Offer:
    """What can be approved now; asks Tesla for the account's cars once after each sign-in.

    Raises `ConnectProblem` when there is no car to choose or Tesla's consent has ended, `CatalogueError` when Tesla
    cannot be asked.
    """
    account = signed_in_account(session)
    if account.consent in ENDED:
        raise ConnectProblem(ACCESS_ENDED)
    accesses = _cars(session, account, now)
    covered = _covered(session, account)
    others = other_applications(session)
    return Offer(
        accesses=accesses,
        offered=[PERMISSIONS[name] for name in covered],
        missing=[PERMISSIONS[name] for name in session.requested if name not in covered],
        required=frozenset(session.required),
        cars_hidden=not _shows_cars(session, account),
        others=list(others),
        paused=[] if _is_legacy(session) else _paused(others, account),
    )


def signed_in_account(session: ConnectSession) -> TeslaAccount:
    """The account of a run that came back from Tesla.

    Raises `ConnectProblem` (no vehicles) where it is gone.
    """
    if session.account is None:
        raise ConnectProblem(NO_VEHICLES)
    return session.account


def _is_legacy(session: ConnectSession) -> bool:
    """Whether the run goes through the legacy API, whose logins carry no scopes: what is asked for is the person's."""
    return session.integration == Integration.LEGACY


def _covered(session: ConnectSession, account: TeslaAccount) -> list[str]:
    return session.requested if _is_legacy(session) else covered_by(session.requested, account.granted_scopes)


def _shows_cars(session: ConnectSession, account: TeslaAccount) -> bool:
    return _is_legacy(session) or bool(covered_by([SHOWS_CARS], account.granted_scopes))


def _cars(session: ConnectSession, account: TeslaAccount, now: datetime) -> list[VehicleAccess]:
    if not _shows_cars(session, account):
        return []
    listed, signed_in = account.vehicles_listed_at, session.signed_in_at
    if listed is None or signed_in is None or listed < signed_in:
        try:
            _list_cars(session, account, now)
        except CatalogueError as failure:
            if failure.spec is errors.ACCOUNT_PERMISSION:
                return []
            raise
    accesses = VehicleAccess.objects.filter(account=account, missing_since=None).select_related("vehicle")
    found = list(accesses.order_by("pk"))
    _refuse_without_usable_car([access.vehicle for access in found])
    wanted = [access for access in found if session.single_select_vin in ("", access.vehicle.vin)]
    if not wanted:
        raise ConnectProblem(OTHER_VEHICLE)
    return wanted


def _refuse_without_usable_car(vehicles: list[Vehicle]) -> None:
    if not vehicles:
        raise ConnectProblem(NO_VEHICLES)
    for vehicle in vehicles:
        if error := simulated_errors.of_connect(vehicle):
            raise ConnectProblem(OF_SIMULATED_CAR[error])


def cars_to_tell(session: ConnectSession) -> list[Vehicle]:
    """The person's cars, one of which they may name to an application that cannot use any of them."""
    accesses = VehicleAccess.objects.filter(account=session.account_id, missing_since=None)
    return [access.vehicle for access in accesses.select_related("vehicle").order_by("pk")]


def car_to_tell(session: ConnectSession, chosen: str) -> Vehicle | None:
    """The car that the person agreed to name; None for no car, and for one that is not theirs."""
    return next((vehicle for vehicle in cars_to_tell(session) if str(vehicle.pk) == chosen), None)


def _list_cars(session: ConnectSession, account: TeslaAccount, now: datetime) -> None:
    list_them = sync.legacy_vehicles_of if _is_legacy(session) else sync.vehicles_of
    list_them(account, now)


def other_applications(session: ConnectSession) -> dict[str, set[str]]:
    """The other applications that use the same consent at Tesla, by name, with what it has granted to each."""
    held = (
        VehicleGrant.objects.active()
        .filter(account=session.account, integration=session.integration)
        .exclude(connection__application=session.application)
    )
    approved: dict[str, set[str]] = {}
    for grant in held.select_related("connection__application"):
        approved.setdefault(grant.connection.application.name, set()).update(grant.granted)
    return dict(sorted(approved.items()))


def _paused(others: dict[str, set[str]], account: TeslaAccount) -> list[str]:
    return [name for name, names in others.items() if names - set(covered_by(names, account.granted_scopes))]


def approved_before(session: ConnectSession, offer: Offer) -> list[str] | None:
    """The permissions of an earlier run, when it asked the same and left nothing to decide now; None otherwise.

    That holds where the person decided over every car of the account and Tesla offers the same as then.
    """
    if session.force_approval or not offer.can_be_approved:
        return None
    earlier = VehicleGrant.objects.active().filter(
        account=session.account, connection__application=session.application
    )
    by_vehicle = {grant.connection.vehicle_id: grant for grant in earlier.select_related("connection")}
    offered = {permission.name for permission in offer.offered}
    decided: set[tuple[str, ...]] = set()
    for access in offer.accesses:
        grant = by_vehicle.get(access.vehicle_id)
        if grant is None or set(grant.requested) != set(session.requested):
            return None
        if set(grant.approved) | set(grant.declined) != offered:
            return None
        decided.add(tuple(grant.approved))
    if len(decided) != 1 or (session.single_select and len(offer.accesses) > 1):
        return None
    return list(decided.pop())


def approve(
    session: ConnectSession, offer: Offer, vehicle_ids: Sequence[str], names: Collection[str], now: datetime
) -> bool:
    """Give the application what the person approved, and go on to the keys; False when that was done already.

    Required permissions are part of it whatever `names` says. Nothing beyond the offer can be given.
    """
    vehicles = [access.vehicle for access in offer.accesses if str(access.vehicle_id) in set(vehicle_ids)]
    approved = [item.name for item in offer.offered if item.name in names or item.name in offer.required]
    chosen = [str(vehicle.pk) for vehicle in vehicles]
    asks_no_key = session.any_login or _is_legacy(session)
    queue = [] if asks_no_key else key_queue.queue_for(session.application, vehicles, approved)
    with transaction.atomic():
        if not flow.move(session, Step.KEYS, now, chosen_vehicles=chosen, key_queue=queue):
            return False
        grants.give(
            application=session.application,
            account=signed_in_account(session),
            vehicles=vehicles,
            requested=session.requested,
            approved=approved,
            integration=session.integration,
            external_id=session.external_id,
            user=session.external_user,
            now=now,
        )
    return True
