"""Pausing: staff hold back every request to one car, or of one application, and let them go again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from vehicles import facts, history
from vehicles.facts.sources import Source
from vehicles.history import Kind
from vehicles.models import Vehicle


def pause_vehicle(vehicle: Vehicle, *, paused: bool, actor: str, now: datetime) -> None:
    """Answer every request for this car with a known-issue error, or serve it again. Twice does no harm."""
    with transaction.atomic():
        row = Vehicle.objects.select_for_update().get(pk=vehicle.pk)
        before = facts.conditions(row)
        row.paused = paused
        facts.date_conditions(row, before, now)
        change = history.difference(before, facts.conditions(row))
        if change:
            row.save(update_fields=["paused", "conditions_since"])
            history.record(
                Kind.VEHICLE_CHANGED, actor=actor, at=now, vehicle=row, source=Source.STAFF, **change
            )
            facts.refresh_verdicts(facts.grants_of_vehicles([row.pk]), now)
    vehicle.paused, vehicle.conditions_since = row.paused, row.conditions_since
