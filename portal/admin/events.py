"""History: everything that happened, as it was written. Nothing here can be changed or erased."""

from __future__ import annotations

import json
from typing import Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.admin.base import StaffAdmin
from portal.admin.columns import NOTHING, ago, label, two_lines
from portal.admin.filters import ChoiceFilter
from portal.admin.wording import Wording
from vehicles import audit
from vehicles.history import Kind
from vehicles.models import Event

_SUBJECTS: Final = {
    "grant_id": "vehiclegrant",
    "vehicle_id": "vehicle",
    "account_id": "teslaaccount",
    "application_id": "application",
}


def _in_words(kind: str) -> str:
    return kind.replace("_", " ").replace(":", " ")


class KindFilter(ChoiceFilter):
    title, parameter_name = "kind", "kind"
    values = [(str(kind), _in_words(kind)) for kind in Kind]


@admin.register(Event)
class EventAdmin(StaffAdmin):
    list_display = ("what", "facts", "about", "actor", "age")
    list_filter = (KindFilter,)
    search_fields = ("request_id",)
    search_help_text = "Request id, or the id of a vehicle, account or grant"
    fieldsets = (
        ("Event", {"fields": ["kind", "at", "actor", "data", "request_id"]}),
        ("About", {"fields": ["application_id", "account_id", "vehicle_id", "grant_id"]}),
    )

    def has_view_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return request.user.has_perm("vehicles.view_event")

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return audit.find_events(queryset, text)

    @admin.display(description="what")
    def what(self, event: Event) -> SafeString:
        return label(Wording(_in_words(event.kind)))

    @admin.display(description="facts")
    def facts(self, event: Event) -> SafeString:
        return format_html('<code class="cp-facts">{}</code>', json.dumps(event.data, sort_keys=True)[:160])

    @admin.display(description="about")
    def about(self, event: Event) -> SafeString | str:
        subjects = [(screen, getattr(event, column)) for column, screen in _SUBJECTS.items()]
        links = [
            (reverse(f"admin:vehicles_{screen}_change", args=[row_id]), screen, str(row_id)[:8])
            for screen, row_id in subjects
            if row_id is not None
        ]
        return format_html_join("", '<div><a class="cp-link" href="{}">{} {}</a></div>', links) or NOTHING

    @admin.display(description="when")
    def age(self, event: Event) -> SafeString:
        return two_lines(format_html("{} ago", ago(event.at)), event.request_id)
