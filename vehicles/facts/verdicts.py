"""The verdict columns: the diagnosis repeated on each grant, so that a million of them are listed by index."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from vehicles.diagnosis import Diagnosis, diagnose
from vehicles.facts.gathering import access_of, facts_of, with_rows
from vehicles.models import VehicleGrant


def refresh_verdicts(grants: QuerySet[VehicleGrant], now: datetime) -> int:
    """Rewrite the verdict columns of these grants where they changed; returns how many rows changed.

    One UPDATE per distinct verdict, not per row. Call it in the transaction that changed a fact.
    """
    groups: dict[tuple[str, str, str], list[UUID]] = defaultdict(list)
    for grant in with_rows(grants):
        groups[verdict_columns(diagnose(facts_of(grant, access_of(grant), now)))].append(grant.pk)
    return sum(_write(columns, ids, now) for columns, ids in groups.items())


def verdict_columns(diagnosis: Diagnosis) -> tuple[str, str, str]:
    """Verdict, main cause and next actor, as they are kept on the grant."""
    return str(diagnosis.verdict), diagnosis.main_cause, diagnosis.next_actor


def _write(columns: tuple[str, str, str], ids: Iterable[UUID], now: datetime) -> int:
    verdict, cause, actor = columns
    same = Q(verdict=verdict, main_cause=cause, next_actor=actor, verdict_since__isnull=False)
    changed = VehicleGrant.objects.filter(pk__in=list(ids)).exclude(same)
    return changed.update(verdict=verdict, main_cause=cause, next_actor=actor, verdict_since=now)
