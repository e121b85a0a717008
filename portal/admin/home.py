"""The first staff page: how many cars and grants are out of order, by fault and by whose move it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from portal.admin import wording
from vehicles import audit
from vehicles.audit import Counts
from vehicles.diagnosis import Key
from vehicles.models import Incident, Integration, Vehicle, VehicleGrant


@dataclass(frozen=True, slots=True)
class Tile:
    """A number that leads to the rows it counts."""

    number: int
    name: str
    sentence: str
    url: str
    colour: str = wording.NEUTRAL

    @property
    def in_words(self) -> str:
        return f"{self.number:,}"


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the first page shows; called by unfold. Empty for staff who may not see the lists."""
    if not (
        request.user.has_perm("vehicles.view_vehicle") and request.user.has_perm("vehicles.view_vehiclegrant")
    ):
        return context
    found = audit.counts()
    return {
        **context,
        "title": "What needs attention",
        "incidents": [_incident(row) for row in Incident.objects.active().order_by("-began_at")],
        "faults": _faults(found),
        "moves": _moves(found),
        "verdicts": _verdicts(found),
        "cars": f"{sum(found.keys.values()):,}",
        "grants": f"{sum(found.verdicts.values()):,}",
    }


def _rows(model: type[Vehicle] | type[VehicleGrant], **filters: str) -> str:
    return f"{reverse(f'admin:vehicles_{model._meta.model_name}_changelist')}?{urlencode(filters)}"


def _faults(found: Counts) -> list[Tile]:
    return [
        Tile(
            found.keys[Key.ABSENT],
            "cars lack the virtual key",
            "They can be read, but refuse commands.",
            _rows(Vehicle, key=Key.ABSENT),
            _alarming(found.keys[Key.ABSENT]),
        ),
        Tile(
            found.lacking_permissions,
            "grants lack permissions",
            "The application asked for more than Tesla gives.",
            _rows(VehicleGrant, permissions="missing"),
            _alarming(found.lacking_permissions),
        ),
        Tile(
            found.integrations[Integration.LEGACY],
            "grants must migrate",
            "They still use Tesla's legacy interface.",
            _rows(VehicleGrant, migration="must_move"),
            wording.WARNING if found.integrations[Integration.LEGACY] else wording.SUCCESS,
        ),
        Tile(
            found.waiting,
            "cars are not connected yet",
            "An application that moved here knows them.",
            reverse("admin:vehicles_reservation_changelist"),
            wording.WARNING if found.waiting else wording.SUCCESS,
        ),
        Tile(
            found.causes["sign_in_needed"],
            "grants wait for a sign-in",
            "The person has to sign in at Tesla again.",
            _rows(VehicleGrant, cause="sign_in_needed"),
            _alarming(found.causes["sign_in_needed"]),
        ),
    ]


def _incident(incident: Incident) -> dict[str, str]:
    return {
        "name": incident.get_kind_display(),
        "mode": incident.get_mode_display(),
        "url": reverse("admin:vehicles_incident_change", args=[incident.pk]),
    }


def _alarming(number: int) -> str:
    return wording.DANGER if number else wording.SUCCESS


def _moves(found: Counts) -> list[Tile]:
    return [
        Tile(found.actors[actor], words.name, "", _rows(VehicleGrant, next_actor=actor))
        for actor, words in wording.ACTORS.items()
    ]


def _verdicts(found: Counts) -> list[Tile]:
    return [
        Tile(found.verdicts[verdict], words.name, "", _rows(VehicleGrant, verdict=verdict), words.colour)
        for verdict, words in wording.VERDICTS.items()
    ]
