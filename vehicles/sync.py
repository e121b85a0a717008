"""Sync: what to ask Tesla about an account's cars, in batches that Tesla takes, at no cost to the car."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from vehicles import evidence, upstream
from vehicles.errors import CatalogueError
from vehicles.models import TeslaAccount, VehicleAccess

BATCH: Final = 100


def vehicles_of(account: TeslaAccount, now: datetime) -> list[VehicleAccess]:
    """Ask for the account's cars and the key on each, store it, and return the account's relation to each.

    Raises `CatalogueError` when the list cannot be had; a missing key state does not stop it.
    """
    accesses = evidence.vehicles_listed(account, upstream.listed_vehicles(account), now=now)
    vehicles = {access.vehicle.vin: access.vehicle for access in accesses}
    vins = sorted(vehicles)
    for start in range(0, len(vins), BATCH):
        try:
            statuses = upstream.fleet_status(account, vins[start : start + BATCH])
        except CatalogueError:
            continue
        for status in statuses:
            evidence.key_seen(vehicles[status.vin], status, now=now)
    return accesses
