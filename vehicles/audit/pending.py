"""The cars of the audit list that are not connected yet: an application that moves here knows them already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from vehicles.diagnosis import NOT_CONNECTED, Actor, Verdict
from vehicles.models import Connection, Reservation

_NONE: Final = Q(pk__in=())


def _only(expected: str) -> Callable[[str], Q]:
    """All of them, if they are asked for by what holds for all of them; none otherwise."""
    return lambda value: Q() if value == expected else _NONE


_CONDITIONS: Final[Mapping[str, Callable[[str], Q]]] = {
    "verdict": _only(Verdict.BLOCKED),
    "cause": _only(NOT_CONNECTED),
    "next_actor": _only(Actor.APPLICATION),
    "application": lambda value: Q(application=value),
    "mode": lambda value: Q(mode=value),
    "vehicle_id": lambda value: Q(vehicle_public_id=value),
    "user_id": lambda value: Q(user_public_id=value),
}
"""Every other condition of `audit.CONDITIONS` is about something that only connected cars have."""


def pending_reservations(conditions: Mapping[str, str]) -> QuerySet[Reservation, Any]:
    """The reservations for which all conditions hold, with their application."""
    found = Reservation.objects.filter(
        *(_CONDITIONS.get(name, _only(""))(value) for name, value in conditions.items())
    )
    return found.select_related("application")


def with_connections(reservations: QuerySet[Reservation, Any]) -> QuerySet[Reservation, Any]:
    """The same, each with `is_car_connected`: whether somebody else connected the car to the application meanwhile."""
    connected = Connection.objects.filter(
        application=OuterRef("application"), vehicle__vin=OuterRef("vin"), vehicle__mode=OuterRef("mode")
    )
    return reservations.annotate(is_car_connected=Exists(connected))
