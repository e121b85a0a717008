"""Incidents: what Tesla or the operator's developer account does to many at once, and the release of the brake."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin import filters, wording
from portal.admin.base import StaffAdmin, staff_user
from portal.admin.columns import NOTHING, ago, label, two_lines
from portal.admin.wording import Wording
from vehicles import history
from vehicles.evidence import incidents
from vehicles.models import Incident


@admin.register(Incident)
class IncidentAdmin(StaffAdmin):
    """Read-only; whoever may end an incident finds the way on its page."""

    list_display = ("what", "state", "measure", "mode", "began")
    list_filter = (filters.ModeFilter,)
    ordering = ("-began_at",)
    change_form_outer_before_template = "portal/incident.html"
    fieldsets = (
        ("Incident", {"fields": ["kind", "state", "mode", "region", "reason"]}),
        ("Measure", {"fields": ["accounts", "observed"]}),
        ("Times", {"fields": ["began_at", "ended_at", "ended_by"]}),
    )

    def get_urls(self) -> list[URLPattern]:
        end = self.admin_site.admin_view(self.end_view)
        return [path("<uuid:object_id>/end/", end, name="vehicles_incident_end"), *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        may_end = request.user.has_perm("vehicles.end_incident")
        return super().change_view(
            request, object_id, form_url, {"may_end": may_end, **(extra_context or {})}
        )

    def end_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Ask, then on POST end the incident."""
        if not request.user.has_perm("vehicles.end_incident"):
            raise PermissionDenied
        incident = get_object_or_404(Incident, pk=object_id)
        back = reverse("admin:vehicles_incident_change", args=[incident.pk])
        if request.method == "POST":
            incidents.end(incident, actor=history.staff(staff_user(request)), now=timezone.now())
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": incident,
            "title": "End this incident?",
            "back": back,
        }
        return TemplateResponse(request, "portal/end_incident.html", context)

    @admin.display(description="what")
    def what(self, incident: Incident) -> SafeString:
        return two_lines(incident.get_kind_display(), incident.reason)

    @admin.display(description="state")
    def state(self, incident: Incident) -> SafeString:
        return label(
            Wording("Over", wording.SUCCESS) if incident.ended_at else Wording("Stands", wording.DANGER)
        )

    @admin.display(description="measure")
    def measure(self, incident: Incident) -> str:
        if not incident.observed:
            return incident.region.upper() or NOTHING
        return f"{incident.accounts:,} of {incident.observed:,} accounts asked"

    @admin.display(description="began")
    def began(self, incident: Incident) -> SafeString:
        return format_html("{} ago", ago(incident.began_at))
