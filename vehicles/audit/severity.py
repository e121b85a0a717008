"""Which of several grants needs attention most."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from vehicles.diagnosis import Verdict
from vehicles.models import VehicleGrant

_WORST_FIRST: Final = {Verdict.BLOCKED: 0, Verdict.DEGRADED: 1, Verdict.UNPROVEN: 2, Verdict.OK: 3}


def worst(grants: Iterable[VehicleGrant]) -> VehicleGrant | None:
    """The grant that needs attention most: the worst verdict, and of equal ones the oldest; None without grants."""
    return min(grants, key=_severity, default=None)


def worst_first(grants: Iterable[VehicleGrant]) -> list[VehicleGrant]:
    """The grants in the order in which they need attention."""
    return sorted(grants, key=_severity)


def _severity(grant: VehicleGrant) -> tuple[int, float]:
    since = grant.verdict_since or grant.approved_at
    return _WORST_FIRST[Verdict(grant.verdict)], since.timestamp()
