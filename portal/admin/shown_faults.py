"""Fault pages that belong to no run, found by the support code on them; and the search for a code of any kind."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from connect.models import ConnectSession, FixLink, ShownFault
from connect.problems import support_codes
from portal.admin import filters
from portal.admin.base import StaffAdmin
from portal.admin.columns import NOTHING, ago, row_link, two_lines
from vehicles import audit
from vehicles.models import Command, Event, RefusedRequest

_CARRY_CODES: Final[tuple[type[Model], ...]] = (ConnectSession, FixLink, ShownFault)
_TELL_OF_REQUESTS: Final[tuple[type[Model], ...]] = (Command, RefusedRequest, ShownFault, Event)
"""What is kept of a request, the most telling first."""
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
        code = support_codes.normalize(text)
        return (
            queryset.filter(support_code=code) if code else audit.with_id(queryset, text, "run", "request_id")
        )

    def get_urls(self) -> list[URLPattern]:
        find = self.admin_site.admin_view(self.find_view)
        return [path("find/", find, name="connect_shownfault_find"), *super().get_urls()]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """To whatever carries the support code that somebody read out, or tells of the request with this id."""
        text = request.GET.get("code", "")
        code = support_codes.normalize(text)
        for model, found in (
            *((model, model._default_manager.filter(support_code=code)) for model in _CARRY_CODES if code),
            *((model, audit.find_request(model, text)) for model in _TELL_OF_REQUESTS),
        ):
            name = f"{model._meta.app_label}_{model._meta.model_name}"
            may_see = request.user.has_perm(name.replace("_", ".view_", 1))
            row = found.order_by("pk").first() if may_see else None
            if row is not None:
                return redirect(f"admin:{name}_change", row.pk)
        messages.warning(
            request,
            "Nothing carries this support code or request id. Codes of single pages are kept for a month, refused "
            f"requests for {settings.REFUSALS_KEPT_DAYS} days. Requests that worked are not kept.",
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
