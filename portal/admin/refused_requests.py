"""Refused requests of applications: what a `requestId` stands for, and why it was answered with an error."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin import filters, wording
from portal.admin.base import StaffAdmin
from portal.admin.columns import NOTHING, ago, row_link, two_lines
from vehicles import audit
from vehicles.models import RefusedRequest, Vehicle, VehicleGrant


@admin.register(RefusedRequest)
class RefusedRequestAdmin(StaffAdmin):
    list_display = ("answer", "what", "application", "about", "age")
    list_filter = (filters.ApplicationFilter,)
    list_select_related = ("application",)
    search_fields = ("request_id",)
    search_help_text = "Request id, VIN or vehicle id"
    fieldsets = (
        ("Answer", {"fields": ["error", "cause_in_words", "wrong_fields"]}),
        ("Request", {"fields": ["method", "route", "control", "application", "car", "grant_link"]}),
        ("When", {"fields": ["at", "request_id", "left_out"]}),
    )

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return audit.find_refused_requests(queryset, text, by_person=by_person)

    def subjects(self, row: RefusedRequest) -> dict[str, Any]:
        return {"application": row.application, "vehicle": _vehicle(row)}

    @admin.display(description="answered")
    def answer(self, refused: RefusedRequest) -> SafeString:
        cause = wording.word(wording.CAUSES, refused.cause).name if refused.cause else refused.fields
        return two_lines(refused.error, cause)

    @admin.display(description="request")
    def what(self, refused: RefusedRequest) -> SafeString:
        return two_lines(refused.control or refused.method, refused.route)

    @admin.display(description="why")
    def cause_in_words(self, refused: RefusedRequest) -> SafeString | str:
        if not refused.cause:
            return NOTHING
        words = wording.word(wording.CAUSES, refused.cause)
        return two_lines(words.name, words.sentence)

    @admin.display(description="wrong fields")
    def wrong_fields(self, refused: RefusedRequest) -> str:
        return refused.fields or NOTHING

    @admin.display(description="about")
    def about(self, refused: RefusedRequest) -> SafeString | str:
        """Linked without a look whether it is still there, which would cost a query for each row."""
        if refused.grant_id is None:
            return NOTHING
        address = reverse("admin:vehicles_vehiclegrant_change", args=[refused.grant_id])
        return format_html('<a class="cp-link" href="{}">grant {}</a>', address, str(refused.grant_id)[:8])

    @admin.display(description="car")
    def car(self, refused: RefusedRequest) -> SafeString | str:
        vehicle = _vehicle(refused)
        return row_link(vehicle) if vehicle else NOTHING

    @admin.display(description="grant")
    def grant_link(self, refused: RefusedRequest) -> SafeString | str:
        grant = VehicleGrant.objects.filter(pk=refused.grant_id).first() if refused.grant_id else None
        return row_link(grant) if grant else NOTHING

    @admin.display(description="when")
    def age(self, refused: RefusedRequest) -> SafeString:
        return two_lines(format_html("{} ago", ago(refused.at)), refused.request_id)


def _vehicle(refused: RefusedRequest) -> Vehicle | None:
    return Vehicle.objects.filter(pk=refused.vehicle_id).first() if refused.vehicle_id else None
