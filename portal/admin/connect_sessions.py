"""Runs of Connect: how far each person got, and why it ended where it did."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from connect.models import ConnectSession, OwnerVisit
from connect.problems import support_codes
from connect.run import funnel
from portal.admin import connect_funnel, filters, wording
from portal.admin.base import StaffAdmin, masked_vin
from portal.admin.columns import NOTHING, ago, label, row_link, two_lines
from vehicles import audit
from vehicles.models import Vehicle


class StepFilter(filters.ChoiceFilter):
    title, parameter_name = "step", "step"
    values = wording.choices(wording.STEPS)


class LeftAtFilter(filters.ChoiceFilter):
    title, parameter_name = "left at", "left_at"
    values = wording.choices({step: wording.STEPS[step] for step in funnel.STEPS[:-1]})


class BegunFilter(filters.ChoiceFilter):
    title, parameter_name = "begun", "days"
    values = list(connect_funnel.WINDOWS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        days = self.value()
        if days not in connect_funnel.WINDOWS:
            return queryset
        return queryset.filter(created_at__gte=timezone.now() - timedelta(days=int(days)))


class ExitFilter(filters.ChoiceFilter):
    title, parameter_name = "ended how", "exit_reason"
    values = wording.choices(wording.EXITS)


def _key_step(session: ConnectSession, vehicle_id: str) -> str:
    """What became of the key step of one car of the run."""
    states = (
        (session.keys_added, "key added"),
        (session.skipped_keys, "key left for later"),
        (session.key_queue, "key not added"),
    )
    return next((words for ids, words in states if vehicle_id in ids), "needed no key")


def _owner_visits(session: ConnectSession) -> QuerySet[OwnerVisit]:
    """Who followed the links that came of this run, or of an earlier one of the same driver."""
    visits = OwnerVisit.objects.filter(
        grant__account=session.account, grant__connection__application=session.application
    )
    return visits.select_related("grant__connection__vehicle").order_by("began_at")


@admin.register(ConnectSession)
class ConnectSessionAdmin(StaffAdmin):
    masked = {"single_select_vin": "single_select_vin_masked", "external_user": "external_user_masked"}
    list_display = ("run", "application", "step_state", "outcome", "cars", "took", "age", "mode")
    list_filter = (
        filters.ApplicationFilter,
        ExitFilter,
        LeftAtFilter,
        StepFilter,
        BegunFilter,
        filters.ModeFilter,
    )
    list_before_template = "portal/connect_runs.html"
    list_select_related = ("application",)
    ordering = ("-created_at",)
    search_fields = ("id",)
    search_help_text = "Support code, id of the run or of the Tesla account"
    fieldsets = (
        (
            "Run",
            {"fields": ["application", "step_state", "outcome", "way", "account", "mode", "integration"]},
        ),
        (
            "Asked for",
            {"fields": ["requested", "required", "redirect_uri", "single_select_vin", "external_user"]},
        ),
        ("Cars", {"fields": ["chosen_cars", "owner_links"]}),
        ("When", {"fields": ["created_at", "expires_at", "ended_at", "id", "code"]}),
    )

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        code = support_codes.normalize(text)
        return queryset.filter(support_code=code) if code else audit.with_id(queryset, text, "pk", "account")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.funnel_view)
        return [path("funnel/", view, name="connect_connectsession_funnel"), *super().get_urls()]

    def funnel_view(self, request: HttpRequest) -> HttpResponse:
        """How many runs came to each step, where they left, and how long they stayed."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Where people leave Connect",
            **connect_funnel.page(request.GET, timezone.now()),
        }
        return TemplateResponse(request, "portal/connect_funnel.html", context)

    def subjects(self, row: ConnectSession) -> dict[str, Any]:
        return {"application": row.application, "account": row.account}

    @admin.display(description="run")
    def run(self, session: ConnectSession) -> str:
        return str(session)

    @admin.display(description="support code")
    def code(self, session: ConnectSession) -> str:
        return support_codes.shown(session.support_code) or NOTHING

    @admin.display(description="step")
    def step_state(self, session: ConnectSession) -> SafeString:
        return label(wording.word(wording.STEPS, session.step))

    @admin.display(description="ended how")
    def outcome(self, session: ConnectSession) -> SafeString | str:
        if not session.exit_reason:
            return NOTHING
        left_at = f"at: {wording.word(wording.STEPS, session.left_at).name}" if session.left_at else ""
        return two_lines(label(wording.word(wording.EXITS, session.exit_reason)), left_at)

    @admin.display(description="cars")
    def cars(self, session: ConnectSession) -> SafeString | str:
        if not session.chosen_vehicles:
            return NOTHING
        keys = (
            f"{len(session.keys_added)} of {len(session.key_queue)} keys added" if session.key_queue else ""
        )
        return two_lines(str(len(session.chosen_vehicles)), keys)

    @admin.display(description="took")
    def took(self, session: ConnectSession) -> SafeString | str:
        if session.ended_at is None:
            return NOTHING
        words = connect_funnel.in_words((session.ended_at - session.created_at).total_seconds())
        return format_html('<span class="cp-nowrap">{}</span>', words)

    @admin.display(description="links for owners")
    def owner_links(self, session: ConnectSession) -> SafeString | str:
        visits = [
            (
                row_link(visit.grant.connection.vehicle),
                "signed in" if visit.account_id else "opened, not signed in",
                ago(visit.began_at),
            )
            for visit in _owner_visits(session)
        ]
        return format_html_join("", "<div>{}: {} {} ago</div>", visits) or NOTHING

    @admin.display(description="started")
    def age(self, session: ConnectSession) -> SafeString:
        return format_html("{} ago", ago(session.created_at))

    @admin.display(description="way through")
    def way(self, session: ConnectSession) -> SafeString | str:
        steps = [
            (
                wording.word(wording.STEPS, str(each["step"])).name,
                ago(at := datetime.fromisoformat(each["at"])),
                connect_funnel.in_words((at - session.created_at).total_seconds()),
            )
            for each in session.trail
        ]
        row = '<div>{} <span class="cp-second">{} ago, {} after the beginning</span></div>'
        return format_html_join("", row, steps) or NOTHING

    @admin.display(description="cars chosen")
    def chosen_cars(self, session: ConnectSession) -> SafeString | str:
        found = {str(pk): car for pk, car in Vehicle.objects.in_bulk(session.chosen_vehicles).items()}
        rows = [
            (row_link(found[each]), _key_step(session, each))
            for each in session.chosen_vehicles
            if each in found
        ]
        return format_html_join("", "<div>{} {}</div>", rows) or NOTHING

    @admin.display(description="only this car")
    def single_select_vin_masked(self, session: ConnectSession) -> str:
        return masked_vin(session.single_select_vin) if session.single_select_vin else NOTHING

    @admin.display(description="the application's own id of the person")
    def external_user_masked(self, session: ConnectSession) -> str:
        return "…" if session.external_user else NOTHING
