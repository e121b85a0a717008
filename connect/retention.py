"""How long Connect keeps runs with their steps, visits, links, fault pages and counters."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from connect.links import fix_link, owner_link
from connect.models import (
    AddressBudget,
    Arrivals,
    ConnectSession,
    FixLink,
    OwnerVisit,
    PersonVisit,
    ShownFault,
)
from connect.oauth import token_families
from connect.person import person_visit
from connect.run import address_limits
from vehicles.history import retention


def too_old(now: datetime) -> list[QuerySet[Any]]:
    """The rows whose time is over. A visit stays while it opens anything."""
    runs = now - timedelta(days=settings.RUNS_KEPT_DAYS)
    visits, faults = (
        timedelta(days=days) for days in (settings.VISITS_KEPT_DAYS, settings.FAULT_PAGES_KEPT_DAYS)
    )
    return [
        ConnectSession.objects.filter(created_at__lt=runs),
        Arrivals.objects.filter(hour__lt=runs),
        FixLink.objects.filter(created_at__lt=runs - fix_link.LASTS),
        PersonVisit.objects.filter(began_at__lt=now - max(visits, person_visit.OVER_AFTER)),
        OwnerVisit.objects.filter(link_made_at__lt=now - max(visits, owner_link.GOOD_FOR)),
        ShownFault.objects.filter(shown_at__lt=now - faults),
        AddressBudget.objects.filter(minute__lt=address_limits.minute_of(now) - 1),
    ]


def forget_old(now: datetime) -> None:
    """Drop what is too old, here and in the rooms below."""
    retention.forget_old(now)
    for rows in too_old(now):
        retention.drop(rows)
    # Read through: the library's table has no index for this, and never holds more than the codes of a day.
    retention.drop(token_families.too_old_codes(now))
