"""Re-diagnosis: what time has changed by itself is written down, and every verdict is what the diagnosis says now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from vehicles import evidence, facts
from vehicles.models import Application, Vehicle, VehicleGrant

_CARS_AT_ONCE: Final = 500


def rediagnose(now: datetime, *, application: int | None = None) -> Iterator[int]:
    """Diagnose every standing grant anew, or those of one application; tells how many are done after each part.

    A transaction for each part: may be stopped at any time and begun again, and holds nobody up for long.
    """
    grants = active_grants(application)
    if application is None:
        let_keys_expire(now)
    yield from (part.seen for part in facts.refresh_in_parts(grants, now))


def let_verdicts_follow(now: datetime) -> int:
    """Rewrite the verdicts of applications that were paused or let go again; returns of how many."""
    waiting = list(Application.objects.filter(verdicts_follow=True))
    for application in waiting:
        for _ in rediagnose(now, application=application.pk):
            pass
        # One that was switched meanwhile has to be followed once more.
        seen = Application.objects.filter(pk=application.pk, paused=application.paused)
        seen.filter(paused_since=application.paused_since).update(verdicts_follow=False)
    return len(waiting)


def active_grants(application: int | None = None) -> QuerySet[VehicleGrant]:
    """The grants that have a verdict: those that were not ended, of all applications or of one."""
    grants = VehicleGrant.objects.active()
    return grants if application is None else grants.filter(connection__application=application)


def let_keys_expire(now: datetime) -> int:
    """Write down that what was last said of a key is too old to count; returns of how many cars."""
    number = 0
    while ids := _expired(now):
        evidence.keys_expired(ids, now=now)
        number += len(ids)
    return number


def _expired(now: datetime) -> list[UUID]:
    stale = Vehicle.objects.filter(facts.is_stale_q(now))
    return list(stale.values_list("pk", flat=True)[:_CARS_AT_ONCE])
