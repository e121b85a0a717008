"""Support codes for pages that tell of a fault and belong to no run: what was shown, where and when, and to nobody.

Robots find such pages too, so only so many rows are written: beyond that, people share the code of a row that says the
same. Whoever reads one out is still told what it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest
from django.utils import translation
from django.utils.functional import Promise

from connect.models import ShownFault
from connect.problems import support_codes
from vehicles import request_id
from vehicles.models import Application

MOST_AN_HOUR: Final = 60
"""Rows of one reason."""


def note(
    request: HttpRequest,
    reason: str | Promise,
    now: datetime,
    application: Application | None = None,
    *,
    sent: str = "",
) -> str:
    """The code for a page that shows this reason, as it is stored, with what the application sent amiss."""
    with translation.override("en"):
        said, sent = str(reason)[:100], sent[:200]
    recent = ShownFault.objects.filter(reason=said, shown_at__gt=now - timedelta(hours=1))
    rows = list(recent.order_by("-shown_at").values_list("support_code", "sent")[:MOST_AN_HOUR])
    if len(rows) == MOST_AN_HOUR:
        return next((code for code, amiss in rows if amiss == sent), rows[0][0])
    place = request.resolver_match
    fault = ShownFault.objects.create(
        support_code=support_codes.new(),
        reason=said,
        sent=sent,
        page=place.view_name if place else "",
        run=place.kwargs.get("session_id") if place else None,
        application=application,
        request_id=request_id.current(),
        shown_at=now,
    )
    return fault.support_code
