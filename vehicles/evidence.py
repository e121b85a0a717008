"""Evidence: how an observation becomes state. Each axis is changed here and nowhere else.

A change, its history event and the verdicts that follow from it are one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet

from vehicles import facts, history
from vehicles.diagnosis import Access, Consent, Key
from vehicles.history import Kind
from vehicles.models import Mode, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla import vin as vins
from vehicles.tesla.client import KeyStatus, ListedVehicle

TOKEN: Final = "token"  # noqa: S105  (the name of a source)
API_DENIAL: Final = "api_denial"
FLEET_STATUS: Final = "fleet_status"
COMMAND: Final = "command"
PROOF_OUTRANKS: Final = timedelta(hours=1)
"""For this long a signed command that worked is better evidence than `fleet_status`."""


def scopes_seen(account: TeslaAccount, scopes: Iterable[str], *, now: datetime, source: str = TOKEN) -> None:
    """A fresh access token names these scopes: the consent is alive, and this is what it covers."""
    granted = sorted(scopes)
    with transaction.atomic():
        if granted != sorted(account.granted_scopes):
            history.record(
                Kind.SCOPES_CHANGED,
                actor=history.SYSTEM,
                at=now,
                account=account,
                before=sorted(account.granted_scopes),
                after=granted,
                source=source,
            )
            account.granted_scopes = granted
            account.save(update_fields=["granted_scopes"])
        # Rewrites the verdicts too, for the scopes as for the consent.
        consent_seen(account, Consent.ACTIVE, now=now, source=source)


def consent_seen(account: TeslaAccount, consent: Consent, *, now: datetime, source: str) -> None:
    """What the consent axis of the account is now, and how we know."""
    with transaction.atomic():
        if account.consent != consent:
            history.record(
                Kind.CONSENT_CHANGED,
                actor=history.SYSTEM,
                at=now,
                account=account,
                before=str(account.consent),
                after=str(consent),
                source=source,
            )
            account.consent, account.consent_since = str(consent), now
        account.consent_source, account.consent_observed_at = source, now
        account.save(update_fields=["consent", "consent_since", "consent_source", "consent_observed_at"])
        facts.refresh_verdicts(_grants_of_account(account), now)


def key_seen(vehicle: Vehicle, status: KeyStatus, *, now: datetime, source: str = FLEET_STATUS) -> None:
    """Tesla told about the operator's key on this car.

    Unpaired alone is no fault: a Model S or X from before 2021 takes no key and needs none. Tesla now and then reports
    that signing is not required for cars that do require it, so the VIN has the last word on that. A car in neither
    list keeps its state. This list lags, so against a signed command that just worked it makes a conflict only.
    """
    if status.paired is None:
        return
    required = bool(status.protocol_required) or vins.takes_keys(vehicle.vin)
    key = Key.PRESENT if status.paired else Key.ABSENT if required else Key.NOT_REQUIRED
    if key is Key.ABSENT and _worked_lately(vehicle, now):
        key = Key.CONFLICT
    vehicle.protocol_required, vehicle.total_keys = required, status.total_keys
    vehicle.firmware = status.firmware or vehicle.firmware
    _set_key(vehicle, key, now=now, source=source)


def _worked_lately(vehicle: Vehicle, now: datetime) -> bool:
    """Whether a signed command proved the key so lately that Tesla's list may not know yet."""
    proof = vehicle.key_proved_at
    return vehicle.key in (Key.PRESENT, Key.CONFLICT) and proof is not None and now - proof < PROOF_OUTRANKS


def protocol_demanded(vehicle: Vehicle, *, now: datetime) -> None:
    """The car refused an unsigned command because it wants it signed: remembered for every later command."""
    vehicle.protocol_required = True
    if vehicle.key == Key.NOT_REQUIRED:
        _set_key(vehicle, Key.ABSENT, now=now, source=COMMAND)
    else:
        vehicle.save(update_fields=["protocol_required"])


def protocol_unsupported(vehicle: Vehicle, *, now: datetime) -> None:
    """Tesla says the car takes no signed messages, so it needs no key: remembered for every later command."""
    vehicle.protocol_required = False
    _set_key(vehicle, Key.NOT_REQUIRED, now=now, source=COMMAND)


def key_refused(vehicle: Vehicle, *, now: datetime) -> None:
    """The car itself said that our key is not on it: the best evidence there is."""
    vehicle.protocol_required = True
    _set_key(vehicle, Key.ABSENT, now=now, source=COMMAND)


def key_used(vehicle: Vehicle, *, now: datetime) -> None:
    """The car accepted a message signed with our key. Mostly nothing changes, and one statement says so."""
    known = Vehicle.objects.filter(pk=vehicle.pk, key=Key.PRESENT, key_reason="", protocol_required=True)
    if known.update(key_source=COMMAND, key_observed_at=now, key_proved_at=now):
        return
    vehicle.protocol_required, vehicle.key_proved_at = True, now
    _set_key(vehicle, Key.PRESENT, now=now, source=COMMAND)


def _set_key(vehicle: Vehicle, key: Key, *, now: datetime, source: str) -> None:
    with transaction.atomic():
        if vehicle.key != key:
            history.record(
                Kind.KEY_CHANGED,
                actor=history.SYSTEM,
                at=now,
                vehicle=vehicle,
                before=str(vehicle.key),
                after=str(key),
                source=source,
            )
            vehicle.key, vehicle.key_since = str(key), now
        vehicle.key_reason, vehicle.key_source, vehicle.key_observed_at = "", source, now
        vehicle.save(
            update_fields=[
                *("key", "key_since", "key_reason", "key_source", "key_observed_at"),
                *("protocol_required", "total_keys", "firmware", "key_proved_at"),
            ]
        )
        facts.refresh_verdicts(_grants_of_vehicle(vehicle), now)


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
        facts.refresh_verdicts(_grants_of_account(account), now)
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


def vehicle_gone(account: TeslaAccount, vehicle: Vehicle, *, now: datetime) -> None:
    """Tesla no longer finds the car in this account."""
    with transaction.atomic():
        marked = VehicleAccess.objects.filter(account=account, vehicle=vehicle, missing_since=None)
        if marked.update(missing_since=now):
            history.record(
                Kind.VEHICLE_DISAPPEARED, actor=history.SYSTEM, at=now, account=account, vehicle=vehicle
            )
            facts.refresh_verdicts(_grants_of_account(account), now)


def _grants_of_account(account: TeslaAccount) -> QuerySet[VehicleGrant]:
    return VehicleGrant.objects.filter(account=account, revoked_at=None)


def _grants_of_vehicle(vehicle: Vehicle) -> QuerySet[VehicleGrant]:
    return VehicleGrant.objects.filter(connection__vehicle=vehicle, revoked_at=None)
