"""The key axis: whether the operator's virtual key is on a car, and whether the car needs one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from vehicles import facts, history
from vehicles.diagnosis import Key, KeyReason
from vehicles.history import Kind
from vehicles.models import Vehicle
from vehicles.tesla import vin as vins
from vehicles.tesla.client import KeyStatus

FLEET_STATUS: Final = "fleet_status"
COMMAND: Final = "command"
VIN: Final = "vin"
PROOF_OUTRANKS: Final = timedelta(hours=1)
"""For this long a signed command that worked is better evidence than `fleet_status`."""


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


def keys_not_told(vehicles: Iterable[Vehicle], *, now: datetime) -> None:
    """Only the legacy API was asked for these cars, and it tells nothing of keys; the VIN says which take none."""
    for vehicle in vehicles:
        if vehicle.key != Key.UNKNOWN:
            continue
        if vins.takes_keys(vehicle.vin):
            vehicle.key_reason = KeyReason.LEGACY_ONLY
            vehicle.save(update_fields=["key_reason"])
        else:
            vehicle.protocol_required = False
            _set_key(vehicle, Key.NOT_REQUIRED, now=now, source=VIN)


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
        facts.refresh_verdicts(facts.grants_of_vehicle(vehicle), now)
