"""What history lets go: the few kinds of events that tell of no change, and of which any number can be made.

Views of staff, and runs of Connect that began and ended, matter for a time; what a run led to has events of its own,
which stay. The database lets no other event go, and none of these that is younger than thirty days, whoever asks.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import models

from vehicles.history.kinds import Kind
from vehicles.models import Event

STAFF_VIEWS: Final = (Kind.STAFF_VIEWED,)
RUNS: Final = (Kind.CONNECT_STARTED, Kind.CONNECT_ENDED)
AT_ONCE: Final = 1_000


def forget(kind: Kind, before: datetime, most: int) -> int:
    """Delete at most so many events of this kind from before then, the oldest first and in parts; returns how many.

    Raises `ValueError` for a kind that stays.
    """
    if kind not in (*STAFF_VIEWS, *RUNS):
        raise ValueError(f"{kind} stays")
    number = 0
    while number < most:
        # By number, as they were written: what is too old stands at the beginning, so that nothing is read in vain.
        oldest = Event.objects.filter(kind=kind).order_by("pk").values_list("pk", "at")[:AT_ONCE]
        old = [pk for pk, at in oldest if at < before]
        models.QuerySet(Event).filter(pk__in=old).delete()
        number += len(old)
        if len(old) < AT_ONCE:
            break
    return number
