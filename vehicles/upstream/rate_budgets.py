"""Rate budgets: Tesla's limits per car and per account, kept before Tesla has to remind us of them.

The limits belong to the operator's developer account, so all applications and processes share them (Fleet API: rate
limits). They count in the database, by minute.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
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
    def subjects(self) -> dict[str, uuid.UUID]:
        """What is counted, by its name in the statement: car and account, and the application's own part of each."""
        share = f"application {self.application_id}"
        return {
            "vehicle": self.vehicle_id,
            "account": self.account_id,
            "share_of_vehicle": uuid.uuid5(self.vehicle_id, share),
            "share_of_account": uuid.uuid5(self.account_id, share),
        }


def spend(kind: Kind, spender: Spender) -> None:
    """Count one call for the car and the account, in the caller's transaction. Where several applications have either,
    each has an equal part of it, taken whether or not it is used: what one does leaves every other its own.

    Raises RATE_LIMIT:VEHICLE, with the seconds to wait, where nothing is left; the transaction must then be undone, so
    that none has paid.
    """
    seconds = int(timezone.now().timestamp())
    minute, subjects = seconds // 60, spender.subjects
    given = {"kind": str(kind), "minute": minute, "limit": int(settings.TESLA_RATE_LIMITS[kind]), **subjects}
    if compiled_queries.run(_COUNT, **given) < len(subjects):
        latest = RateBudget.objects.filter(subject__in=subjects.values(), kind=kind, minute=minute + 1)
        wait = 60 - seconds % 60 + (60 if latest.exists() else 0)
        raise CatalogueError(errors.RATE_LIMIT_VEHICLE, retry_after=wait, reason=f"{kind} budget is used up")


# A clock of ours that runs behind counts in the minute that others have begun. A minute further ahead than the next is
# that of a clock that was wrong, and stands for nothing.
_BEGUN: Final = "budget.minute BETWEEN excluded.minute AND excluded.minute + 1"
_SHARING: Final = """
    SELECT CASE WHEN COUNT(DISTINCT c.application_id) > 1 THEN COUNT(DISTINCT c.application_id) ELSE 1 END
    FROM vehicles_vehiclegrant g JOIN vehicles_connection c ON c.id = g.connection_id
    WHERE g.revoked_at IS NULL AND
"""
_COUNT: Final = f"""
    INSERT INTO vehicles_ratebudget AS budget (kind, subject, minute, used)
    VALUES
        (%(kind)s, %(vehicle)s, %(minute)s, 1), (%(kind)s, %(share_of_vehicle)s, %(minute)s, 1),
        (%(kind)s, %(account)s, %(minute)s, 1), (%(kind)s, %(share_of_account)s, %(minute)s, 1)
    ON CONFLICT (subject, kind) DO UPDATE SET
        used = CASE WHEN {_BEGUN} THEN budget.used + 1 ELSE 1 END,
        minute = CASE WHEN {_BEGUN} THEN budget.minute ELSE excluded.minute END
    WHERE NOT ({_BEGUN}) OR budget.used < CASE
        WHEN budget.subject = %(share_of_vehicle)s THEN %(limit)s / ({_SHARING} c.vehicle_id = %(vehicle)s)
        WHEN budget.subject = %(share_of_account)s THEN %(limit)s / ({_SHARING} g.account_id = %(account)s)
        ELSE %(limit)s END
"""  # noqa: S608 - only placeholders and texts of this module are put in
"""Counts for all subjects, and touches no row whose budget is used up."""
