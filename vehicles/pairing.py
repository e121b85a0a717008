"""Pairing: whether the virtual key is on a car, asked anew where that can have changed, and the link that adds it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from vehicles import access, errors, evidence, facts, origins
from vehicles.diagnosis import Access, Key
from vehicles.errors import CatalogueError
from vehicles.models import TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.upstream import calls

MAX_AGE_SECONDS: Final = 10
MOST_AT_ONCE: Final = 100
_ASK_FOR_CAR_AFTER: Final = timedelta(minutes=1)
"""A car that was sold does not come back, however often it is asked for; so its account is not listed at every call."""
_NO_KEY_TO_ADD: Final = (Key.PRESENT, Key.NOT_REQUIRED)


def link(vehicle: Vehicle) -> str:
    """Tesla's page for adding the key to this car. Contains the VIN: only for the car's own people."""
    return origins.pairing_page(vehicle.mode, vehicle.vin)


def bare_link(mode: str) -> str:
    """Tesla's page for adding the key, without naming a car."""
    return origins.pairing_page(mode)


def needs_key(vehicle: Vehicle) -> bool:
    """Whether a person still has to add the key for commands to work."""
    return vehicle.key not in _NO_KEY_TO_ADD


def is_paired(vehicle: Vehicle) -> bool:
    """Whether the key is on the car, as far as is known; where sources disagree, the better one is believed."""
    if vehicle.key == Key.CONFLICT:
        return bool(vehicle.key_evidence[vehicle.key_source]["paired"])
    return vehicle.key == Key.PRESENT


def refresh_key(
    vehicle: Vehicle, account: TeslaAccount, now: datetime, max_age_seconds: int = MAX_AGE_SECONDS
) -> Vehicle:
    """The car with its key state at most this old, where a key may still come; a present key answers from the store.

    Asks Tesla with this account's token. When Tesla cannot be asked, the stored state stands.
    """
    return refresh_keys([vehicle], account, now, max_age_seconds)[0]


def refresh_keys(
    vehicles: Sequence[Vehicle],
    account: TeslaAccount,
    now: datetime,
    max_age_seconds: int = MAX_AGE_SECONDS,
) -> Sequence[Vehicle]:
    """The same for several cars of the account, in one call to Tesla."""
    oldest = now - timedelta(seconds=max_age_seconds)
    if due := [vehicle for vehicle in vehicles if _is_due(vehicle, oldest, now)]:
        ask(account, due[:MOST_AT_ONCE], now)
    return vehicles


def ask(account: TeslaAccount, vehicles: Sequence[Vehicle], now: datetime) -> None:
    """Ask Tesla for the keys of these cars, `MOST_AT_ONCE` at most, with this account's token, and store the answer."""
    by_vin = {vehicle.vin: vehicle for vehicle in vehicles}
    try:
        statuses = calls.fleet_status(account, list(by_vin))
    except CatalogueError:
        evidence.keys_unanswered(vehicles, now=now)
        return
    told = [(by_vin[status.vin], status) for status in statuses]
    relations = VehicleAccess.objects.filter(account=account, vehicle__in=vehicles)
    by = dict(relations.values_list("vehicle", "access_type"))
    evidence.keys_seen(
        [(vehicle, status, Access(by.get(vehicle.pk, Access.DRIVER))) for vehicle, status in told], now=now
    )


def _is_due(vehicle: Vehicle, oldest: datetime, now: datetime) -> bool:
    key, _ = facts.key_of(vehicle, now)
    is_old = vehicle.key_observed_at is None or vehicle.key_observed_at <= oldest
    return key not in _NO_KEY_TO_ADD and is_old


def is_offline(vehicle: Vehicle, account: TeslaAccount) -> bool | None:
    """Whether Tesla cannot reach the car, so that no key can be added now; None when Tesla does not tell.

    A sleeping car is no hindrance: the Tesla app wakes it. Asking is free of charge and never wakes the car.
    """
    try:
        return calls.state_of(account, vehicle) == "offline"
    except CatalogueError:
        return None


def require_key(grant: VehicleGrant, permission: str, now: datetime) -> None:
    """Raise what stands in the way of a call that needs this permission.

    What may have been mended a moment ago is asked for once more before refusing for it: the key may be on the car, the
    car back in the account or from service, mobile access switched on.
    """
    try:
        access.require(grant, permission)
    except CatalogueError as refusal:
        ask_again = _SECOND_QUESTIONS.get(refusal.spec.name)
        if ask_again is None:
            raise
        ask_again(grant, now)
        access.require(grant, permission)


def _ask_for_key(grant: VehicleGrant, now: datetime) -> None:
    refresh_key(grant.connection.vehicle, grant.account, now)


def _ask_for_entry(grant: VehicleGrant, now: datetime) -> None:
    """Tesla's list entry of the car, which is free of charge and wakes nobody. Without an answer the state stands."""
    listed = grant.connection.vehicle.listed_at
    if listed is None or now - listed >= timedelta(seconds=MAX_AGE_SECONDS):
        with suppress(CatalogueError):
            calls.listed_vehicle(grant)


def _ask_for_car(grant: VehicleGrant, now: datetime) -> None:
    """Tesla's list of the account's cars: one that was gone from it may be back. Without an answer the state stands."""
    listed = grant.account.vehicles_listed_at
    if listed is not None and now - listed < _ASK_FOR_CAR_AFTER:
        return
    with suppress(CatalogueError):
        evidence.vehicles_listed(grant.account, calls.listed(grant.account, grant.integration), now=now)
        if grant.own_access is not None:
            grant.own_access.refresh_from_db(fields=["access_type", "missing_since"])


_SECOND_QUESTIONS: Final[dict[str, Callable[[VehicleGrant, datetime], None]]] = {
    errors.VIRTUAL_KEY_REQUIRED.name: _ask_for_key,
    errors.VEHICLE_MISSING.name: _ask_for_car,
    errors.REMOTE_ACCESS_DISABLED.name: _ask_for_entry,
    errors.VEHICLE_OFFLINE_FOR_SERVICE.name: _ask_for_entry,
}
