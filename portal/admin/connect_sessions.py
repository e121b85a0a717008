"""Runs of Connect: how far each person got, and why it ended where it did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from connect.models import ConnectSession, Step
from portal.admin import filters, wording
from portal.admin.base import StaffAdmin, masked_vin
from portal.admin.columns import NOTHING, ago, label
from portal.admin.wording import Wording
from vehicles import audit

STEPS: dict[str, Wording] = {
    Step.PREAMBLE: Wording("Welcome page"),
    Step.BRAND: Wording("Choosing the make"),
    Step.TESLA: Wording("At Tesla"),
    Step.PERMISSIONS: Wording("Choosing permissions"),
    Step.KEYS: Wording("Adding keys"),
    Step.DONE: Wording("Finished", wording.SUCCESS),
    Step.ENDED: Wording("Ended", wording.WARNING),
}


class StepFilter(filters.ChoiceFilter):
    title, parameter_name = "step", "step"
    values = wording.choices(STEPS)


@admin.register(ConnectSession)
class ConnectSessionAdmin(StaffAdmin):
    masked = {"single_select_vin": "single_select_vin_masked", "external_user": "external_user_masked"}
    list_display = ("run", "application", "step_state", "exit_reason", "mode", "age")
    list_filter = (StepFilter, filters.ApplicationFilter, filters.ModeFilter)
    list_select_related = ("application",)
    ordering = ("-created_at",)
    search_fields = ("id",)
    search_help_text = "Id of the run or of the Tesla account"
    fieldsets = (
        (
            "Run",
            {"fields": ["application", "step_state", "exit_reason", "way", "account", "mode", "integration"]},
        ),
        (
            "Asked for",
            {"fields": ["requested", "required", "redirect_uri", "single_select_vin", "external_user"]},
        ),
        ("Cars", {"fields": ["chosen_vehicles", "skipped_keys"]}),
        ("When", {"fields": ["created_at", "expires_at", "ended_at", "id"]}),
    )

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return audit.with_id(queryset, text, "pk", "account")

    def subjects(self, row: ConnectSession) -> dict[str, Any]:
        return {"application": row.application, "account": row.account}

    @admin.display(description="run")
    def run(self, session: ConnectSession) -> str:
        return str(session)

    @admin.display(description="step")
    def step_state(self, session: ConnectSession) -> SafeString:
        return label(wording.word(STEPS, session.step))

    @admin.display(description="started")
    def age(self, session: ConnectSession) -> SafeString:
        return format_html("{} ago", ago(session.created_at))

    @admin.display(description="way through")
    def way(self, session: ConnectSession) -> SafeString | str:
        steps = [
            (wording.word(STEPS, str(each.get("step"))).name, each.get("at", "")) for each in session.trail
        ]
        return format_html_join("", '<div>{} <span class="cp-second">{}</span></div>', steps) or NOTHING

    @admin.display(description="only this car")
    def single_select_vin_masked(self, session: ConnectSession) -> str:
        return masked_vin(session.single_select_vin) if session.single_select_vin else NOTHING

    @admin.display(description="the application's own id of the person")
    def external_user_masked(self, session: ConnectSession) -> str:
        return "…" if session.external_user else NOTHING
