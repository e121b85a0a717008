"""Rate budgets: Tesla's limits per car and per account, kept before Tesla has to remind us of them.

The limits belong to the operator's developer account, so all applications and processes share them (Fleet API: rate
limits). They count in the database, by minute.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache

from django.conf import settings
from django.utils import timezone

from vehicles import errors, prepared
from vehicles.errors import CatalogueError


class Kind(StrEnum):
    """What Tesla counts separately; each has its limit a minute in `TESLA_RATE_LIMITS`."""

    DATA = "data"
    WAKES = "wakes"
    COMMANDS = "commands"


def spend(kind: Kind, subjects: Sequence[uuid.UUID]) -> None:
    """Count one call for every subject, in the caller's transaction. Raises RATE_LIMIT:VEHICLE, with the seconds to
    wait, where one of them has none left; the transaction must then be undone, so that none has paid.
    """
    limit = int(settings.TESLA_RATE_LIMITS[kind])
    seconds = int(timezone.now().timestamp())
    named = {f"subject{number}": subject for number, subject in enumerate(subjects)}
    counted = prepared.run(_count(tuple(named)), kind=str(kind), minute=seconds // 60, limit=limit, **named)
    if counted < len(subjects):
        wait = 60 - seconds % 60
        raise CatalogueError(errors.RATE_LIMIT_VEHICLE, retry_after=wait, reason=f"{kind} budget is used up")


@lru_cache
def _count(subjects: tuple[str, ...]) -> str:
    """The statement that counts for the subjects of these names, and touches no row whose budget is used up.

    A clock of ours that runs behind counts in the minute that others have begun.
    """
    return f"""
        INSERT INTO vehicles_ratebudget AS budget (kind, subject, minute, used)
        VALUES {", ".join(f"(%(kind)s, %({subject})s, %(minute)s, 1)" for subject in subjects)}
        ON CONFLICT (subject, kind) DO UPDATE SET
            used = CASE WHEN budget.minute < excluded.minute THEN 1 ELSE budget.used + 1 END,
            minute = CASE WHEN budget.minute < excluded.minute THEN excluded.minute ELSE budget.minute END
        WHERE budget.minute < excluded.minute OR budget.used < %(limit)s
    """  # noqa: S608 - only placeholders are put in
