"""Commands: what was meant, how it ended, and what the caller was told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin import filters, wording
from portal.admin.base import StaffAdmin
from portal.admin.columns import ago, label, row_link, two_lines
from vehicles import audit
from vehicles.models import Command, Vehicle


@admin.register(Command)
class CommandAdmin(StaffAdmin):
    list_display = ("name", "outcome_state", "error", "car", "application", "age")
    list_filter = (filters.OutcomeFilter,)
    ordering = ("-created_at",)
    list_select_related = ("application", "grant__connection__vehicle")
    search_fields = ("request_id",)
    search_help_text = "Request id, command id, VIN or vehicle id"
    fieldsets = (
        ("Command", {"fields": ["name", "arguments", "outcome_state", "error", "reason"]}),
        ("Where", {"fields": ["car", "application", "grant_link"]}),
        ("When", {"fields": ["created_at", "sent_at", "ended_at", "request_id", "id"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Command]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return audit.find_commands(queryset, text, by_person=by_person)

    def subjects(self, row: Command) -> dict[str, Any]:
        return {"grant": row.grant, "vehicle": row.grant.connection.vehicle, "application": row.application}

    @admin.display(description="outcome")
    def outcome_state(self, command: Command) -> SafeString:
        return label(wording.word(wording.OUTCOMES, command.outcome))

    @admin.display(description="car")
    def car(self, command: Command) -> SafeString:
        vehicle: Vehicle = command.grant.connection.vehicle
        return row_link(vehicle)

    @admin.display(description="grant")
    def grant_link(self, command: Command) -> SafeString:
        return row_link(command.grant)

    @admin.display(description="when")
    def age(self, command: Command) -> SafeString:
        return two_lines(format_html("{} ago", ago(command.created_at)), command.request_id)
