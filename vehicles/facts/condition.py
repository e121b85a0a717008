"""What the stored row of a car says now: only what is young enough to count."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from vehicles.diagnosis import Key, KeyReason
from vehicles.facts.sources import SOURCES, Source, age_limit
from vehicles.models import Vehicle

MOST_KEYS: Final = 20
"""A car takes no more virtual keys than this (Fleet API: virtual keys)."""
_ASLEEP: Final = "asleep"


def key_of(vehicle: Vehicle, now: datetime) -> tuple[Key, KeyReason | None]:
    """The key axis of the car now: what was last observed, unless that is too old to count."""
    if is_stale(vehicle, now):
        return Key.UNKNOWN, KeyReason.STALE
    return Key(vehicle.key), KeyReason(vehicle.key_reason) if vehicle.key_reason else None


def is_stale(vehicle: Vehicle, now: datetime) -> bool:
    """Whether what was last observed of the key is too old to count. That a car needs none does not age."""
    if vehicle.key in (Key.UNKNOWN, Key.NOT_REQUIRED):
        return False
    return _is_too_old(vehicle.key_source, vehicle.key_observed_at, now)


def is_stale_q(now: datetime, vehicle: str = "") -> Q:
    """`is_stale` as a condition on cars, or on rows that lead to one by `vehicle`."""
    too_old = Q()
    for source, reliability in SOURCES.items():
        if reliability.age_limit:
            observed = {f"{vehicle}key_observed_at__lte": now - reliability.age_limit}
            too_old |= Q(**{f"{vehicle}key_source": source}, **observed)
    return too_old & ~Q(**{f"{vehicle}key__in": [Key.UNKNOWN, Key.NOT_REQUIRED]})


def _is_too_old(source: str, observed_at: datetime | None, now: datetime) -> bool:
    limit = age_limit(source)
    return limit is not None and observed_at is not None and now - observed_at >= limit


def key_slots_full(vehicle: Vehicle) -> bool:
    """Whether the car holds as many keys as it takes."""
    return vehicle.total_keys is not None and vehicle.total_keys >= MOST_KEYS


def was_listed_lately(vehicle: Vehicle, now: datetime) -> bool:
    """Whether what Tesla's list said of service and mobile access still counts."""
    return not _is_too_old(Source.VEHICLE_LIST, vehicle.listed_at, now)


def was_listed_lately_q(now: datetime, vehicle: str = "") -> Q:
    """`was_listed_lately` as a condition on cars, or on rows that lead to one by `vehicle`."""
    limit, listed = age_limit(Source.VEHICLE_LIST) or timedelta.max, f"{vehicle}listed_at"
    return Q(**{f"{listed}__isnull": True}) | Q(**{f"{listed}__gt": now - limit})


def is_asleep(vehicle: Vehicle, now: datetime) -> bool:
    """Whether the car was seen asleep a moment ago. Nobody tells when it wakes, so that is soon no longer known."""
    if vehicle.state != _ASLEEP or vehicle.state_observed_at is None:
        return False
    return not _is_too_old(Source.VEHICLE_STATE, vehicle.state_observed_at, now)


def conditions(vehicle: Vehicle) -> dict[str, bool | None]:
    """What beside the key decides what the car takes, as history tells it."""
    return {
        "protocol_required": vehicle.protocol_required,
        "key_slots_full": key_slots_full(vehicle),
        "in_service": vehicle.in_service,
        "remote_access_disabled": vehicle.remote_access_disabled,
        "paused": vehicle.paused,
    }


def date_conditions(vehicle: Vehicle, before: Mapping[str, bool | None], now: datetime) -> None:
    """Note on the row since when each condition holds, given what held before. The caller saves it."""
    since = dict(vehicle.conditions_since)
    for name, holds in conditions(vehicle).items():
        if not holds:
            since.pop(name, None)
        elif not before[name]:
            since[name] = now.isoformat()
    vehicle.conditions_since = since


def held_since(vehicle: Vehicle, condition: str) -> datetime | None:
    """Since when a condition of the car holds, where that is known."""
    since = vehicle.conditions_since.get(condition)
    return datetime.fromisoformat(since) if since else None
