"""Which cars a Tesla account reaches, and how: as Tesla's list of the account's cars tells it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from vehicles import facts, history
from vehicles.diagnosis import Access
from vehicles.history import Kind
from vehicles.models import Mode, TeslaAccount, Vehicle, VehicleAccess
from vehicles.tesla import vin as vins
from vehicles.tesla.client import ListedVehicle


def vehicles_listed(
    account: TeslaAccount, listed: Sequence[ListedVehicle], *, now: datetime
) -> list[VehicleAccess]:
    """Tesla's list of the account's cars: new ones appear, known ones change, gone ones are marked."""
    with transaction.atomic():
        seen = [_listed(account, item, now) for item in listed if len(item.vin) == 17]
        gone = VehicleAccess.objects.filter(account=account, missing_since=None)
        for access in gone.exclude(pk__in=[access.pk for access in seen]).select_related("vehicle"):
            access.missing_since = now
            access.save(update_fields=["missing_since"])
            history.record(
                Kind.VEHICLE_DISAPPEARED,
                actor=history.SYSTEM,
                at=now,
                account=account,
                vehicle=access.vehicle,
            )
        account.vehicles_listed_at = now
        account.save(update_fields=["vehicles_listed_at"])
        facts.refresh_verdicts(facts.grants_of_account(account), now)
    return seen


def _listed(account: TeslaAccount, item: ListedVehicle, now: datetime) -> VehicleAccess:
    vehicle = _vehicle(account.mode, item)
    access = VehicleAccess.objects.filter(account=account, vehicle=vehicle).first()
    known = (access.access_type, access.missing_since) if access else None
    access = access or VehicleAccess(account=account, vehicle=vehicle)
    access.access_type = Access.OWNER if item.access_type == Access.OWNER else Access.DRIVER
    access.tesla_id, access.seen_at, access.missing_since = item.tesla_id, now, None
    access.save()
    if known is None:
        kind = Kind.VEHICLE_APPEARED
    elif known != (access.access_type, None):
        kind = Kind.ACCESS_CHANGED
    else:
        return access
    history.record(
        kind,
        actor=history.SYSTEM,
        at=now,
        account=account,
        vehicle=vehicle,
        access_type=str(access.access_type),
    )
    return access


def _vehicle(mode: str, item: ListedVehicle) -> Vehicle:
    vehicle, _ = Vehicle.objects.get_or_create(
        vin=item.vin, mode=Mode(mode), defaults={"model": vins.model(item.vin), "year": vins.year(item.vin)}
    )
    vehicle.display_name = item.display_name[:128] or vehicle.display_name
    vehicle.in_service, vehicle.remote_access_disabled = item.in_service, item.remote_access_disabled
    vehicle.save(update_fields=["display_name", "in_service", "remote_access_disabled"])
    return vehicle


def colour_seen(vehicle: Vehicle, colour: str) -> None:
    """What the car says of its paint, in Tesla's word; it helps people to tell their cars apart and decides nothing."""
    vehicle.colour = colour[:32]
    vehicle.save(update_fields=["colour"])


def vehicle_gone(account: TeslaAccount, vehicle: Vehicle, *, now: datetime) -> None:
    """Tesla no longer finds the car in this account."""
    with transaction.atomic():
        marked = VehicleAccess.objects.filter(account=account, vehicle=vehicle, missing_since=None)
        if marked.update(missing_since=now):
            history.record(
                Kind.VEHICLE_DISAPPEARED, actor=history.SYSTEM, at=now, account=account, vehicle=vehicle
            )
            facts.refresh_verdicts(facts.grants_of_account(account), now)
