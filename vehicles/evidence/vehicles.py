"""Which cars a Tesla account reaches, and how, and in what condition the cars are: as Tesla lists them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from django.db import transaction

from vehicles import facts, history
from vehicles.diagnosis import Access
from vehicles.evidence.key import keys_reconsidered
from vehicles.facts.sources import Source
from vehicles.history import Kind
from vehicles.models import Mode, TeslaAccount, Vehicle, VehicleAccess
from vehicles.tesla import vin as vins
from vehicles.tesla.results import ListedVehicle

_VIN_LENGTH: Final = 17
_STORED: Final = (
    *("display_name", "state", "state_observed_at", "listed_at"),
    *("in_service", "remote_access_disabled", "conditions_since"),
)


def vehicles_listed(
    account: TeslaAccount, listed: Sequence[ListedVehicle], *, now: datetime
) -> list[VehicleAccess]:
    """Tesla's list of the account's cars: new ones appear, known ones change, gone ones are marked."""
    with transaction.atomic():
        seen = [_listed(account, item, now) for item in listed if len(item.vin) == _VIN_LENGTH]
        gone = VehicleAccess.objects.filter(account=account, missing_since=None)
        for access in gone.exclude(pk__in=[access.pk for access in seen]).select_related("vehicle"):
            _mark_missing(access, now)
        account.vehicles_listed_at = now
        account.save(update_fields=["vehicles_listed_at"])
        facts.refresh_verdicts(facts.grants_of_account(account), now)
    return seen


def vehicle_seen(vehicle: Vehicle, item: ListedVehicle, *, now: datetime) -> None:
    """Tesla's list entry of one car: in what condition it is, whoever's account was asked. Writes what changed."""

    def take_over(row: Vehicle) -> None:
        row.display_name = item.display_name[:128] or row.display_name
        row.in_service, row.remote_access_disabled = item.in_service, item.remote_access_disabled
        row.state, row.state_observed_at = item.state, now

    _condition_seen(vehicle, take_over, now=now, source=Source.VEHICLE_LIST)


def remote_access_refused(vehicle: Vehicle, *, now: datetime, source: Source) -> None:
    """Tesla or the car itself answered that mobile access is switched off in the car."""

    def switch_off(row: Vehicle) -> None:
        row.remote_access_disabled = True

    _condition_seen(vehicle, switch_off, now=now, source=source)


def service_seen(vehicle: Vehicle, *, now: datetime, source: Source) -> None:
    """Tesla or the car itself answered that the car is in service."""

    def take_in(row: Vehicle) -> None:
        row.in_service = True

    _condition_seen(vehicle, take_in, now=now, source=source)


def _condition_seen(
    vehicle: Vehicle, take_over: Callable[[Vehicle], None], *, now: datetime, source: Source
) -> None:
    with transaction.atomic():
        row = Vehicle.objects.select_for_update().get(pk=vehicle.pk)
        before, counted = facts.conditions(row), facts.was_listed_lately(row, now)
        take_over(row)
        row.listed_at = now
        facts.date_conditions(row, before, now)
        row.save(update_fields=_STORED)
        change = history.difference(before, facts.conditions(row))
        if change:
            history.record(
                Kind.VEHICLE_CHANGED,
                actor=history.SYSTEM,
                at=now,
                vehicle=row,
                source=source,
                **change,
            )
        if change or not counted:
            facts.refresh_verdicts(facts.grants_of_vehicles([row.pk]), now)
    for name in _STORED:
        setattr(vehicle, name, getattr(row, name))


def state_seen(vehicle: Vehicle, state: str, *, now: datetime) -> None:
    """Whether Tesla knows the car as `online`, `asleep` or `offline` at this moment."""
    vehicle.state, vehicle.state_observed_at = state, now
    vehicle.save(update_fields=["state", "state_observed_at"])


def colour_seen(vehicle: Vehicle, colour: str) -> None:
    """What the car says of its paint, in Tesla's word; it helps people to tell their cars apart and decides nothing."""
    vehicle.colour = colour[:32]
    vehicle.save(update_fields=["colour"])


def vehicle_gone(account: TeslaAccount, vehicle: Vehicle, *, now: datetime) -> None:
    """Tesla no longer finds the car in this account, and its list of the account's cars lacks it too."""
    with transaction.atomic():
        rows = VehicleAccess.objects.select_for_update().filter(account=account, vehicle=vehicle)
        access = rows.filter(missing_since=None).first()
        if access is not None:
            _mark_missing(access, now)
            facts.refresh_verdicts(facts.grants_of_account(account), now)


def _mark_missing(access: VehicleAccess, now: datetime) -> None:
    access.missing_since = now
    access.save(update_fields=["missing_since"])
    _record(Kind.VEHICLE_DISAPPEARED, access, now)
    keys_reconsidered([access.vehicle_id], now=now)


def _listed(account: TeslaAccount, item: ListedVehicle, now: datetime) -> VehicleAccess:
    vehicle, _ = Vehicle.objects.get_or_create(
        vin=item.vin,
        mode=Mode(account.mode),
        defaults={"model": vins.model(item.vin), "year": vins.year(item.vin)},
    )
    vehicle_seen(vehicle, item, now=now)
    access = VehicleAccess.objects.filter(account=account, vehicle=vehicle).first()
    known = (access.access_type, access.missing_since) if access else None
    access = access or VehicleAccess(account=account, vehicle=vehicle)
    access.access_type = Access.OWNER if item.access_type == Access.OWNER else Access.DRIVER
    access.tesla_id, access.seen_at, access.missing_since = item.tesla_id, now, None
    access.save()
    if known != (access.access_type, None):
        _record(Kind.ACCESS_CHANGED if known else Kind.VEHICLE_APPEARED, access, now)
        # The account's own grants follow with the list; those of others may have an owner to turn to now.
        facts.refresh_verdicts(facts.grants_of_vehicles([vehicle.pk]), now)
        keys_reconsidered([vehicle.pk], now=now)
        vehicle.refresh_from_db()
    return access


def _record(kind: Kind, access: VehicleAccess, now: datetime) -> None:
    history.record(
        kind,
        actor=history.SYSTEM,
        at=now,
        account=access.account,
        vehicle=access.vehicle,
        access_type=str(access.access_type),
        source=Source.VEHICLE_LIST,
    )
