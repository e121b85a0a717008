"""Pairing: whether the virtual key is on a car, asked anew where that can have changed, and the link that adds it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from vehicles import access, errors, evidence, origins, upstream
from vehicles.diagnosis import Key
from vehicles.errors import CatalogueError
from vehicles.models import TeslaAccount, Vehicle, VehicleGrant

MAX_AGE_SECONDS: Final = 10
_SETTLED: Final = (Key.PRESENT, Key.NOT_REQUIRED)


def link(vehicle: Vehicle) -> str:
    """Tesla's page for adding the key to this car. Contains the VIN: only for the car's own people."""
    return origins.pairing_page(vehicle.mode, vehicle.vin)


def bare_link(mode: str) -> str:
    """Tesla's page for adding the key, without naming a car."""
    return origins.pairing_page(mode)


def needs_key(vehicle: Vehicle) -> bool:
    """Whether a person still has to add the key for commands to work."""
    return vehicle.key not in _SETTLED


def look(
    vehicle: Vehicle, account: TeslaAccount, now: datetime, max_age_seconds: int = MAX_AGE_SECONDS
) -> Vehicle:
    """The car with its key state at most this old, where it is not settled; a present key answers from the store.

    Asks Tesla with this account's token. When Tesla cannot be asked, the stored state stands.
    """
    observed = vehicle.key_observed_at
    if not needs_key(vehicle) or (observed and now - observed < timedelta(seconds=max_age_seconds)):
        return vehicle
    try:
        statuses = upstream.fleet_status(account, [vehicle.vin])
    except CatalogueError:
        return vehicle
    for status in statuses:
        evidence.key_seen(vehicle, status, now=now)
    return vehicle


def require(grant: VehicleGrant, permission: str, now: datetime) -> None:
    """Raise what stands in the way of a command. A missing key may have been added a moment ago, so it is looked for
    once more before refusing for it.
    """
    error = access.diagnosis_of(grant, permission).error
    if error is errors.VIRTUAL_KEY_REQUIRED:
        look(grant.connection.vehicle, grant.account, now)
        access.require(grant, permission)
    elif error is not None:
        raise access.refuse(grant, error)
