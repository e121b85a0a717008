"""Reconciliation: what became of commands that nobody answered. The car's own state decides where it can."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from vehicles.commands import effects, rows
from vehicles.errors import CatalogueError
from vehicles.models import Command, Outcome
from vehicles.tesla import scopes
from vehicles.upstream import calls

QUIET: Final = timedelta(seconds=60)
"""A signed command that came late has expired by then, so the state no longer changes because of it."""
LOOK_BACK: Final = timedelta(minutes=30)
"""After this, somebody may have changed the car by hand, and its state proves nothing."""
_AT_ONCE: Final = 200


def reconcile(now: datetime) -> int:
    """Close commands whose worker stopped, then see whether unknown ones took effect; returns how many were decided.

    That takes one ordinary read. It never wakes the car, and a car that cannot be read leaves the outcome unknown.
    """
    return rows.close_overdue(now) + sum(_concluded(command) for command in _unknown(now))


def _unknown(now: datetime) -> QuerySet[Command]:
    later = Command.objects.filter(
        grant__connection__vehicle=OuterRef("grant__connection__vehicle"),
        created_at__gt=OuterRef("created_at"),
    )
    unknown = Command.objects.filter(
        outcome=Outcome.UNKNOWN,
        name__in=effects.EFFECTS,
        sent_at__lt=now - QUIET,
        sent_at__gt=now - LOOK_BACK,
    )
    # What came after may have changed the same thing, so only the car's latest command can be judged by its state.
    return unknown.filter(~Exists(later)).select_related(
        "application", "grant__account", "grant__connection__vehicle", "grant__connection__application"
    )[:_AT_ONCE]


def _concluded(command: Command) -> bool:
    """Whether the car's state showed what became of the command, which is written then."""
    sections = effects.EFFECTS[command.name].sections
    try:
        data = calls.vehicle_data(command.grant, sections, scopes.VEHICLE_DEVICE_DATA)
    except CatalogueError:
        return False
    happened = effects.shows(command.name, command.arguments, data)
    if happened is None:
        return False
    rows.conclude(command, happened=happened)
    return True
