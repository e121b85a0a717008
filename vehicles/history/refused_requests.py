"""Refused requests: one row each, so that staff find what an application's `requestId` stands for.

An answer from the store costs nobody a row; only an error does. However fast an application repeats itself, and however
long nobody looks, there are only so many rows: within a process a rate for each application, and in the table an age
and a number for each. What is beyond the rate is counted on the application's next row, and stands in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, models

from vehicles import errors, request_id
from vehicles.errors import CatalogueError
from vehicles.models import Application, RefusedRequest, VehicleGrant

log = logging.getLogger(__name__)

MOST_A_MINUTE: Final = 600
"""Rows of one application that a process writes in a minute."""
MOST_OF_AN_APPLICATION: Final = 200_000
"""Rows of one application that are kept."""
_NOT_KEPT: Final = frozenset({errors.OVERLOADED.name})
"""Turned away because too much is going on: that is no moment for another row."""


class Rate:
    """How many rows each application wrote in the minute that runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._minutes: dict[int, tuple[datetime, int]] = {}
        self._left_out: dict[int, int] = {}

    def admit(self, application: int, now: datetime) -> int | None:
        """How many were left out since the last one that was admitted; None for one that is too many."""
        with self._lock:
            began, number = self._minutes.get(application, (now, 0))
            if not timedelta() <= now - began < timedelta(minutes=1):
                began, number = now, 0
            if number >= MOST_A_MINUTE:
                self._left_out[application] = self._left_out.get(application, 0) + 1
                return None
            self._minutes[application] = (began, number + 1)
            return self._left_out.pop(application, 0)


RATE: Final = Rate()


def note(
    error: CatalogueError,
    *,
    application: Application,
    grant: VehicleGrant | None,
    method: str,
    route: str,
    control: str,
    now: datetime,
) -> None:
    """Keep what this request was refused for. Never fails: an answer does not hang on its own record."""
    if error.is_recorded or error.spec.name in _NOT_KEPT:
        return
    left_out = RATE.admit(application.pk, now)
    if left_out is None:
        return
    try:
        RefusedRequest.objects.create(
            request_id=request_id.current(),
            at=now,
            application_id=application.pk,
            vehicle_id=grant.connection.vehicle_id if grant else None,
            grant_id=grant.pk if grant else None,
            method=method[:8],
            route=route[:120],
            control=control,
            error=error.spec.name,
            cause=error.cause,
            fields=_fields(error.detail or ()),
            left_out=left_out,
        )
    except DatabaseError:
        log.warning("a refused request could not be kept", exc_info=True)


def _fields(detail: Sequence[dict[str, Any]]) -> str:
    return " ".join(each["field"] for each in detail if "field" in each)[:200]


def too_old(now: datetime) -> list[models.QuerySet[RefusedRequest]]:
    """Rows past their age, and of each application those beyond the newest."""
    found = [RefusedRequest.objects.filter(at__lt=now - timedelta(days=settings.REFUSALS_KEPT_DAYS))]
    for application in Application.objects.values_list("pk", flat=True):
        rows = RefusedRequest.objects.filter(application=application)
        ids = rows.order_by("-pk").values_list("pk", flat=True)
        last = ids[MOST_OF_AN_APPLICATION : MOST_OF_AN_APPLICATION + 1].first()
        if last is not None:
            found.append(rows.filter(pk__lte=last))
    return found
