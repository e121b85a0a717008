"""Rate budgets: Tesla's limits per car and per account, kept before Tesla has to remind us of them.

The limits belong to the operator's developer account, so all applications and processes share them (Fleet API: rate
limits). They count in the database, by minute.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from enum import StrEnum

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from vehicles import errors
from vehicles.errors import CatalogueError
from vehicles.models import RateBudget


class Kind(StrEnum):
    """What Tesla counts separately; each has its limit a minute in `TESLA_RATE_LIMITS`."""

    DATA = "data"
    WAKES = "wakes"
    COMMANDS = "commands"


def spend(kind: Kind, subjects: Iterable[uuid.UUID]) -> None:
    """Count one call for every subject. Raises RATE_LIMIT:VEHICLE, with the seconds to wait, where none is left."""
    limit = int(settings.TESLA_RATE_LIMITS[kind])
    seconds = int(timezone.now().timestamp())
    minute = seconds // 60
    for subject in subjects:
        if not _spend_one(kind, subject, minute, limit):
            wait = 60 - seconds % 60
            raise CatalogueError(
                errors.RATE_LIMIT_VEHICLE, retry_after=wait, reason=f"{kind} budget is used up"
            )


def _spend_one(kind: Kind, subject: uuid.UUID, minute: int, limit: int) -> bool:
    row = RateBudget.objects.filter(subject=subject, kind=kind)
    for _ in range(2):
        # A clock of ours that runs behind counts in the minute that others have begun.
        if row.filter(minute__gte=minute, used__lt=limit).update(used=F("used") + 1):
            return True
        if row.filter(minute__lt=minute).update(minute=minute, used=1):
            return True
        try:
            with transaction.atomic():
                _, created = RateBudget.objects.get_or_create(
                    subject=subject, kind=kind, defaults={"minute": minute, "used": 1}
                )
        except IntegrityError:
            continue
        if created:
            return True
    return False
