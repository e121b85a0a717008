"""Cells of the lists: coloured labels, two-line cells, times. Written as strings, for a template a cell is slow."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from portal.admin import wording
from portal.admin.wording import Wording
from vehicles.models import TeslaToken, Vehicle, VehicleGrant

NOTHING: Final = "\N{EN DASH}"


def label(words: Wording) -> SafeString:
    """A coloured label."""
    return format_html('<span class="cp-label cp-{}">{}</span>', words.colour, words.name)


def two_lines(first: str, second: str) -> SafeString:
    """A cell with a smaller second line."""
    if not second:
        return format_html("{}", first)
    return format_html('{}<span class="cp-second">{}</span>', first, second)


def ago(at: datetime | None) -> SafeString | str:
    """How long ago, the exact time in the tooltip."""
    if at is None:
        return ""
    exact = at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return format_html('<time title="{}" datetime="{}">{}</time>', exact, at.isoformat(), _rough(at))


def _rough(at: datetime) -> str:
    return timesince(at, depth=1) if timezone.now() - at >= timedelta(minutes=1) else "less than a minute"


def key_cell(vehicle: Vehicle) -> SafeString:
    """State of the key on the car, since when, and when it was last checked."""
    if vehicle.key_reason:
        second: str = wording.KEY_REASONS.get(vehicle.key_reason, vehicle.key_reason)
    else:
        second = times(vehicle.key_since, vehicle.key_observed_at)
    return two_lines(label(wording.word(wording.KEYS, vehicle.key)), second)


def times(since: datetime | None, observed: datetime | None) -> SafeString | str:
    """`since 3 days, seen 5 minutes ago`, as far as known."""
    parts = [
        format_html(text, ago(at))
        for text, at in (("for {}", since), ("seen {} ago", observed))
        if at is not None
    ]
    return format_html(", ".join(["{}"] * len(parts)), *parts) if parts else ""


def vehicle_name(vehicle: Vehicle) -> str:
    """Model and year."""
    return f"{vehicle.model or 'Tesla'} {vehicle.year or ''}".strip()


def verdict_cell(grant: VehicleGrant) -> SafeString:
    """The verdict of a grant; below it the main cause and since when."""
    cause = wording.word(wording.CAUSES, grant.main_cause).name if grant.main_cause else ""
    second = format_html("{} {}", cause, times(grant.verdict_since, None)) if cause else ""
    return two_lines(label(wording.word(wording.VERDICTS, grant.verdict)), second)


def permissions_cell(gaps: list[str]) -> SafeString:
    """How many permissions are missing, and which."""
    if not gaps:
        return label(Wording("Complete", wording.SUCCESS))
    names = ", ".join(gaps[:3]) + (f" and {len(gaps) - 3} more" if len(gaps) > 3 else "")
    return two_lines(label(Wording(f"{len(gaps)} missing", wording.DANGER)), names)


def login_cell(token: TeslaToken) -> SafeString:
    """A login at Tesla: for which interface, whether it works, and what staff should know of it."""
    works = wording.LOGIN_SHARED if token.superseded_at else wording.LOGIN_WORKS
    words = wording.word(wording.LOGIN_ENDS, token.ended) if token.ended else works
    renewed = format_html("renewed {} ago. ", ago(token.refreshed_at)) if token.refreshed_at else ""
    first = format_html("{} {}", label(words), token.get_integration_display())
    return two_lines(first, format_html("{}{}", renewed, words.sentence))


def row_link(row: Model) -> SafeString:
    """The row's name, linked to its staff page."""
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a class="cp-link" href="{}">{}</a>', address, row)
