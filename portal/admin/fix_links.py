"""Fix-it links: made from a grant's page, copied for the person, withdrawn; and found by support code."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connect.links import fix_link
from connect.models import FixLink
from connect.problems import support_codes
from portal.admin import filters, wording
from portal.admin.base import StaffAdmin, staff_user
from portal.admin.columns import NOTHING, ago, label, two_lines
from portal.admin.wording import Wording
from vehicles import audit, history
from vehicles.models import VehicleGrant

MAKE = "connect.make_fixlink"


@admin.register(FixLink)
class FixLinkAdmin(StaffAdmin):
    list_display = ("link", "application", "state", "progress", "made")
    list_filter = (filters.ApplicationFilter,)
    list_select_related = ("application",)
    ordering = ("-created_at",)
    search_fields = ("support_code",)
    search_help_text = "Support code, or our id of the person"
    change_form_outer_before_template = "portal/fix_link.html"
    fieldsets = (
        ("Link", {"fields": ["application", "person_number", "state", "progress", "code"]}),
        ("When", {"fields": ["created_at", "created_by", "opened_at", "expires_at", "withdrawn_at"]}),
    )

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        code = support_codes.normalize(text)
        return queryset.filter(support_code=code) if code else audit.with_id(queryset, text, "pk", "person")

    def subjects(self, row: FixLink) -> dict[str, Any]:
        return {"application": row.application}

    def get_urls(self) -> list[URLPattern]:
        make = self.admin_site.admin_view(self.make_view)
        withdraw = self.admin_site.admin_view(self.withdraw_view)
        return [
            path("for/<uuid:grant_id>/", make, name="connect_fixlink_make"),
            path("<uuid:object_id>/withdraw/", withdraw, name="connect_fixlink_withdraw"),
            *super().get_urls(),
        ]

    def make_view(self, request: HttpRequest, grant_id: Any) -> HttpResponse:
        """Make a link for the person of this grant, for its application, and show it."""
        if not request.user.has_perm(MAKE):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rows = VehicleGrant.objects.select_related("account__person", "connection__application")
        grant = get_object_or_404(rows, pk=grant_id, revoked_at=None)
        actor = history.staff(staff_user(request))
        application, person = grant.connection.application, grant.account.person
        link = fix_link.make(application, person, actor=actor, now=timezone.now())
        return redirect(reverse("admin:connect_fixlink_change", args=[link.pk]))

    def withdraw_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Ask, then on POST end the link before its time."""
        if not request.user.has_perm(MAKE):
            raise PermissionDenied
        link = get_object_or_404(FixLink, pk=object_id)
        back = reverse("admin:connect_fixlink_change", args=[link.pk])
        if request.method == "POST":
            fix_link.withdraw(link, actor=history.staff(staff_user(request)), now=timezone.now())
            return redirect(back)
        if _state(link) is not _WORKS:
            return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": link,
            "title": "Withdraw this link?",
            "back": back,
        }
        return TemplateResponse(request, "portal/withdraw_fix_link.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        link = self.get_object(request, object_id)
        works = link is not None and _state(link) is _WORKS and request.user.has_perm(MAKE)
        address = fix_link.address(link) if link is not None and works else ""
        return super().change_view(
            request, object_id, form_url, {"address": address, **(extra_context or {})}
        )

    @admin.display(description="link")
    def link(self, link: FixLink) -> SafeString:
        return two_lines(str(link), support_codes.shown(link.support_code))

    @admin.display(description="support code")
    def code(self, link: FixLink) -> str:
        return support_codes.shown(link.support_code)

    @admin.display(description="person")
    def person_number(self, link: FixLink) -> str:
        return str(link.person_id)

    @admin.display(description="state")
    def state(self, link: FixLink) -> SafeString:
        return label(_state(link))

    @admin.display(description="opened")
    def progress(self, link: FixLink) -> SafeString | str:
        return format_html("{} ago", ago(link.opened_at)) if link.opened_at else NOTHING

    @admin.display(description="made")
    def made(self, link: FixLink) -> SafeString:
        return format_html("{} ago", ago(link.created_at))


_WORKS = Wording("Works", wording.SUCCESS)
_WITHDRAWN = Wording("Withdrawn", wording.WARNING)
_OVER = Wording("Over")


def _state(link: FixLink) -> Wording:
    if link.withdrawn_at:
        return _WITHDRAWN
    return _WORKS if timezone.now() < link.expires_at else _OVER
