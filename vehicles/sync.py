"""Sync: what to ask Tesla about an account's cars, in batches that Tesla takes, at no cost to the car."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import Final

from vehicles import evidence, pairing
from vehicles.diagnosis import Consent
from vehicles.errors import CatalogueError
from vehicles.models import Integration, TeslaAccount, VehicleAccess, VehicleGrant
from vehicles.reads.values import mapping, text_or_none
from vehicles.tesla import scopes
from vehicles.upstream import account_call, calls

_SEVERAL: Final = 2
_MOST_COLOURS: Final = 10


def refresh_consent(account: TeslaAccount, now: datetime, max_age_seconds: int) -> TeslaAccount:
    """The account with its consent seen at most this long ago, where it stands; one that has ended is not asked about.

    Found by renewing the login, which costs nothing. When Tesla cannot be asked, the stored state stands.
    """
    observed = account.consent_observed_at
    is_fresh = observed is not None and now - observed < timedelta(seconds=max_age_seconds)
    if account.consent != Consent.ACTIVE or is_fresh:
        return account
    with contextlib.suppress(CatalogueError):
        account_call.renew_login(account, Integration.FLEET)
    account.refresh_from_db()
    return account


def vehicles_of(account: TeslaAccount, now: datetime) -> list[VehicleAccess]:
    """Ask for the account's cars and the key on each, store it, and return the account's relation to each.

    Raises `CatalogueError` when the list cannot be had; a missing key state does not stop it.
    """
    accesses = evidence.vehicles_listed(account, calls.listed(account, Integration.FLEET), now=now)
    vehicles = sorted((access.vehicle for access in accesses), key=lambda vehicle: vehicle.vin)
    for start in range(0, len(vehicles), pairing.MOST_AT_ONCE):
        pairing.ask(account, vehicles[start : start + pairing.MOST_AT_ONCE], now)
    return accesses


def legacy_vehicles_of(account: TeslaAccount, now: datetime) -> list[VehicleAccess]:
    """As `vehicles_of`, over the legacy API, which tells nothing of keys: a VIN may say that its car takes none."""
    accesses = evidence.vehicles_listed(account, calls.listed(account, Integration.LEGACY), now=now)
    evidence.keys_not_told([access.vehicle for access in accesses], now=now)
    return accesses


def learn_email(account: TeslaAccount, integration: str) -> None:
    """Ask for the e-mail address of somebody who just signed in, which helps support find people; a login is complete
    without it.
    """
    if integration == Integration.FLEET and scopes.USER_DATA not in account.granted_scopes:
        return
    with contextlib.suppress(CatalogueError):
        told = str(calls.profile_of(account, integration).get("email") or "")
        account.email = told.lower()[:254]
        account.save(update_fields=["email"])


def learn_colours(account: TeslaAccount) -> None:
    """Ask the connected cars that still need the key for their colour, so that their owner can tell them apart.

    One read of a car, once, and only where the account has several. A sleeping car is not woken and stays without.
    """
    if VehicleAccess.objects.filter(account=account, missing_since=None).count() < _SEVERAL:
        return
    grants = (
        VehicleGrant.objects.active()
        .filter(account=account, integration=Integration.FLEET, connection__vehicle__colour="")
        .select_related("account", "connection__vehicle", "connection__application")
    )
    for grant in {grant.connection.vehicle_id: grant for grant in grants[:_MOST_COLOURS]}.values():
        if not pairing.needs_key(grant.connection.vehicle):
            continue
        try:
            data = calls.vehicle_data(grant, ["vehicle_config"], scopes.VEHICLE_DEVICE_DATA)
        except CatalogueError:
            continue
        colour = text_or_none(mapping(data.get("vehicle_config")), "exterior_color")
        if colour:
            evidence.colour_seen(grant.connection.vehicle, colour)
