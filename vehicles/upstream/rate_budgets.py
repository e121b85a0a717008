"""Rate budgets: Tesla's limits per car and per account, kept before Tesla has to remind us of them.

The limits belong to the operator's developer account, so all applications and processes share them (Fleet API: rate
limits). They count in the database, by minute.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from vehicles import errors
from vehicles.db import compiled_queries
from vehicles.errors import CatalogueError
from vehicles.models import RateBudget


class Kind(StrEnum):
    """What Tesla counts separately; each has its limit a minute in `TESLA_RATE_LIMITS`."""

    DATA = "data"
    WAKES = "wakes"
    COMMANDS = "commands"


@dataclass(frozen=True, slots=True)
class Spender:
    """Who calls: an application over an account, on a car. Each of the two has a limit that all applications share."""

    vehicle_id: uuid.UUID
    account_id: uuid.UUID
    application_id: Any

    @property
    def shares(self) -> tuple[uuid.UUID, uuid.UUID]:
        """What the application's own part of the car's and of the account's budget is counted under."""
        name = f"application {self.application_id}"
        return uuid.uuid5(self.vehicle_id, name), uuid.uuid5(self.account_id, name)


def spend_fairly(kind: Kind, spender: Spender) -> None:
    """As `spend`, for the car and the account; where several applications have either, each has an equal part of it.

    A part counts as taken whether or not it is used, so that what one application does leaves every other its own.
    """
    _spend(kind, (spender.vehicle_id, spender.account_id), spender.shares)


def spend(kind: Kind, subjects: Sequence[uuid.UUID]) -> None:
    """Count one call for every subject, in the caller's transaction. Raises RATE_LIMIT:VEHICLE, with the seconds to
    wait, where one of them has none left; the transaction must then be undone, so that none has paid.
    """
    _spend(kind, subjects, ())


def _spend(kind: Kind, subjects: Sequence[uuid.UUID], shares: Sequence[uuid.UUID]) -> None:
    limit = int(settings.TESLA_RATE_LIMITS[kind])
    seconds = int(timezone.now().timestamp())
    named = {f"subject{number}": subject for number, subject in enumerate([*subjects, *shares])}
    given = {"kind": str(kind), "minute": seconds // 60, "limit": limit, **named}
    if compiled_queries.run(_count(len(subjects), len(shares)), **given) < len(named):
        latest = RateBudget.objects.filter(subject__in=named.values(), kind=kind, minute=seconds // 60 + 1)
        wait = 60 - seconds % 60 + (60 if latest.exists() else 0)
        raise CatalogueError(errors.RATE_LIMIT_VEHICLE, retry_after=wait, reason=f"{kind} budget is used up")


@lru_cache
def _count(subjects: int, shares: int) -> str:
    """The statement that counts for so many subjects and shares, and touches no row whose budget is used up.

    A clock of ours that runs behind counts in the minute that others have begun. A minute further ahead than the next
    is that of a clock that was wrong, and stands for nothing.
    """
    places = [f"%(subject{number})s" for number in range(subjects + shares)]
    begun = "budget.minute BETWEEN excluded.minute AND excluded.minute + 1"
    limits = "".join(
        f" WHEN budget.subject = {share} THEN %(limit)s / ({applications})"
        for share, applications in zip(places[subjects:], _APPLICATIONS, strict=False)
    )
    limit = f"CASE{limits} ELSE %(limit)s END" if shares else "%(limit)s"
    return f"""
        INSERT INTO vehicles_ratebudget AS budget (kind, subject, minute, used)
        VALUES {", ".join(f"(%(kind)s, {place}, %(minute)s, 1)" for place in places)}
        ON CONFLICT (subject, kind) DO UPDATE SET
            used = CASE WHEN {begun} THEN budget.used + 1 ELSE 1 END,
            minute = CASE WHEN {begun} THEN budget.minute ELSE excluded.minute END
        WHERE NOT ({begun}) OR budget.used < {limit}
    """  # noqa: S608 - only placeholders and texts of this module are put in


_SHARING: Final = """
    SELECT CASE WHEN COUNT(DISTINCT c.application_id) > 1 THEN COUNT(DISTINCT c.application_id) ELSE 1 END
    FROM vehicles_vehiclegrant g JOIN vehicles_connection c ON c.id = g.connection_id
    WHERE g.revoked_at IS NULL AND
"""
_APPLICATIONS: Final = (
    f"{_SHARING} c.vehicle_id = %(subject0)s",
    f"{_SHARING} g.account_id = %(subject1)s",
)
"""How many applications share the car, and the account."""
