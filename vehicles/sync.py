"""Sync: what to ask Tesla about an account's cars, in batches that Tesla takes, at no cost to the car."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Final

from vehicles import account_calls, evidence, upstream
from vehicles.diagnosis import Consent
from vehicles.errors import CatalogueError
from vehicles.models import Integration, TeslaAccount, VehicleAccess

BATCH: Final = 100


def look_at_consent(account: TeslaAccount, now: datetime, max_age_seconds: int) -> TeslaAccount:
    """The account with its consent seen at most this long ago, where it stands; one that has ended is not asked about.

    Found by renewing the login, which costs nothing. When Tesla cannot be asked, the stored state stands.
    """
    observed = account.consent_observed_at
    is_fresh = observed is not None and now - observed < timedelta(seconds=max_age_seconds)
    if account.consent != Consent.ACTIVE or is_fresh:
        return account
    with contextlib.suppress(CatalogueError):
        account_calls.renew_login(account, Integration.FLEET)
    account.refresh_from_db()
    return account


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
