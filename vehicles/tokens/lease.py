"""The lease that lets one process at a time refresh an account's tokens.

Conditional updates of the token's row, so it holds across processes and on every database. A lease that its holder
never gave back ends by itself.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from vehicles.models import LoginEnd, TeslaToken

LEASE: Final = timedelta(seconds=30)
"""Longer than one question to Tesla takes (`tesla.transport`): 5 s to connect and 20 s to read."""
LONGEST: Final = timedelta(minutes=10)
"""Longer than any lease, and than any pause that Tesla is granted."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to refresh one pair. `after_unknown`: nobody knows what became of the refresh before this one."""

    row_id: uuid.UUID
    holder: uuid.UUID
    after_unknown: bool

    def held(self) -> QuerySet[TeslaToken]:
        """The row, as long as the lease is still ours."""
        return TeslaToken.objects.filter(pk=self.row_id, lease_holder=self.holder)


def take(row_id: uuid.UUID, generation: int, now: datetime) -> Lease | None:
    """Become the one that refreshes this pair; None when another process is at it, or has just done it."""
    unchanged = TeslaToken.objects.filter(pk=row_id, generation=generation)
    holder = uuid.uuid4()
    # What ends later than any lease or pause does was written by a clock that was wrong.
    over = Q(lease_until__lt=now) | Q(lease_until__gt=now + LONGEST)
    for free, after_unknown in ((Q(lease_until=None), False), (over, True)):
        if unchanged.filter(free).update(lease_holder=holder, lease_until=now + LEASE):
            return Lease(row_id, holder, after_unknown)
    return None


def prolong(lease: Lease, now: datetime) -> bool:
    """Begin the lease anew, for another question to Tesla; False when it was lost meanwhile."""
    return bool(lease.held().update(lease_until=now + LEASE))


def put_off(lease: Lease, until: datetime) -> None:
    """Give the lease back without knowing what Tesla did: nobody refreshes before `until`, and somebody must then."""
    lease.held().update(lease_holder=None, lease_until=until)


def end(lease: Lease, why: LoginEnd) -> bool:
    """Give the lease back because Tesla took neither token; False when the lease was lost meanwhile."""
    return bool(lease.held().update(lease_holder=None, lease_until=None, ended=why))
