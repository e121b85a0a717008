"""Fault pages that belong to no run, found by the support code on them; and the search for a code of any kind."""

from __future__ import annotations

from typing import Final

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connect import support_codes
from connect.models import ConnectSession, FixLink, ShownFault
from portal.admin import filters
from portal.admin.base import StaffAdmin
from portal.admin.columns import NOTHING, ago, row_link, two_lines
from vehicles import audit

_CARRY_CODES: Final[tuple[type[Model], ...]] = (ConnectSession, FixLink, ShownFault)
_PAGES: Final = {
    "connect:authorize": "an application's link to Connect",
    "connect:reauthenticate": "an application's link to sign in again",
    "connect:callback": "on the way back from Tesla",
    "connect:page": "a run of Connect",
    "connect:shared_key": "a car's key page on another device",
    "connect:owner": "an owner's link",
    "connect:fix": "a fix-it link",
    "connect:redirect": "the window of a browser client",
    "": "an address that leads nowhere",
}
"""Where it was shown, by the name of the address."""


@admin.register(ShownFault)
class ShownFaultAdmin(StaffAdmin):
    list_display = ("what", "code", "where", "application", "shown")
    list_filter = (filters.ApplicationFilter,)
    list_select_related = ("application",)
    ordering = ("-shown_at",)
    search_fields = ("support_code",)
    search_help_text = "Support code, id of a run or of a request"
    fieldsets = (
        ("Page", {"fields": ["reason", "sent", "where", "application", "run_link", "code"]}),
        ("When", {"fields": ["shown_at", "request_id"]}),
    )

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        code = support_codes.read(text)
        return (
            queryset.filter(support_code=code) if code else audit.with_id(queryset, text, "run", "request_id")
        )

    def get_urls(self) -> list[URLPattern]:
        find = self.admin_site.admin_view(self.find_view)
        return [path("find/", find, name="connect_shownfault_find"), *super().get_urls()]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """To whatever carries the support code that somebody read out."""
        code = support_codes.read(request.GET.get("code", ""))
        for model in _CARRY_CODES:
            may_see = request.user.has_perm(f"connect.view_{model._meta.model_name}")
            row = model._default_manager.filter(support_code=code).first() if code and may_see else None
            if row is not None:
                return redirect(f"admin:connect_{model._meta.model_name}_change", row.pk)
        messages.warning(
            request, "Nothing carries this support code. Codes of single pages are kept for a month."
        )
        return redirect("admin:index")

    @admin.display(description="what it said")
    def what(self, fault: ShownFault) -> SafeString:
        return two_lines(fault.reason, fault.sent)

    @admin.display(description="support code")
    def code(self, fault: ShownFault) -> str:
        return support_codes.shown(fault.support_code)

    @admin.display(description="where")
    def where(self, fault: ShownFault) -> str:
        return _PAGES.get(fault.page, fault.page)

    @admin.display(description="run in the address")
    def run_link(self, fault: ShownFault) -> SafeString | str:
        run = ConnectSession.objects.filter(pk=fault.run).first() if fault.run else None
        if run:
            return two_lines(row_link(run), "somebody had its address, perhaps in another browser")
        return "a run that does not exist" if fault.run else NOTHING

    @admin.display(description="shown")
    def shown(self, fault: ShownFault) -> SafeString:
        return format_html("{} ago", ago(fault.shown_at))
