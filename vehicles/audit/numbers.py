"""The numbers of the whole fleet."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count

from vehicles.audit.conditions import active_grants
from vehicles.models import Reservation, Vehicle


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cars have each key state; how many standing grants each verdict, cause, next actor and interface, and
    how many lack permissions.

    `waiting` cars are known to an application that moved here and not connected yet.
    """

    keys: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    actors: Counter[str] = field(default_factory=Counter)
    integrations: Counter[str] = field(default_factory=Counter)
    lacking: Counter[bool] = field(default_factory=Counter)
    waiting: int = 0

    @property
    def lacking_permissions(self) -> int:
        return self.lacking[True]


def counts() -> Counts:
    """The numbers of the whole fleet, in three queries however large it is."""
    found = Counts(waiting=Reservation.objects.count())
    for row in Vehicle.objects.order_by().values("key").annotate(number=Count("pk")):
        found.keys[row["key"]] = row["number"]
    kept: dict[str, Counter[Any]] = {
        "verdict": found.verdicts,
        "main_cause": found.causes,
        "next_actor": found.actors,
        "integration": found.integrations,
        "lacks_permissions": found.lacking,
    }
    for row in active_grants().order_by().values(*kept).annotate(number=Count("pk")):
        for name, into in kept.items():
            into[row[name]] += row["number"]
    return found
