"""Tesla accounts: what each person agreed to at Tesla, and what that reaches."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.admin import filters, wording
from portal.admin.base import StaffAdmin, masked_email
from portal.admin.columns import NOTHING, ago, label, login_cell, row_link, times, two_lines, verdict_cell
from vehicles import audit, facts
from vehicles.models import TeslaAccount, VehicleAccess

_MOST_GRANTS = 50


@admin.register(TeslaAccount)
class TeslaAccountAdmin(StaffAdmin):
    masked = {"email_or_id": "id_only", "email": "email_masked", "sub": "sub_masked"}
    list_display = ("email_or_id", "consent_state", "cars", "region", "mode", "connected")
    list_filter = (filters.ConsentFilter, filters.ModeFilter)
    search_fields = ("email",)
    search_help_text = "E-mail address, account id, person id, or an application's user id"
    change_form_outer_before_template = "portal/account_grants.html"
    fieldsets = (
        (
            "Account",
            {"fields": ["email", "sub", "id", "person_number", "mode", "region", "api_host", "created_at"]},
        ),
        (
            "Consent at Tesla",
            {
                "fields": [
                    *("consent_state", "consent_source_words", "logins"),
                    *("granted_scopes", "vehicles_listed_at"),
                ]
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[TeslaAccount]:
        reached = VehicleAccess.objects.filter(account=OuterRef("pk"), missing_since=None).order_by()
        number = reached.values("account").annotate(number=Count("pk")).values("number")
        return super().get_queryset(request).annotate(cars=Subquery(number))

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return audit.find_accounts(queryset, text, by_person=by_person)

    def subjects(self, row: TeslaAccount) -> dict[str, Any]:
        return {"account": row}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        grants = (
            facts.with_rows(audit.active_grants().filter(account=account))
            if account
            else audit.active_grants().none()
        )
        rows = [
            {
                "car": row_link(grant.connection.vehicle),
                "application": row_link(grant.connection.application),
                "verdict": verdict_cell(grant),
                "grant": row_link(grant),
            }
            for grant in audit.worst_first(grants[:_MOST_GRANTS])
        ]
        return super().change_view(request, object_id, form_url, {"grants": rows, **(extra_context or {})})

    @admin.display(description="account")
    def email_or_id(self, account: TeslaAccount) -> SafeString:
        return two_lines(account.email or NOTHING, str(account))

    @admin.display(description="account")
    def id_only(self, account: TeslaAccount) -> SafeString:
        return two_lines(masked_email(account.email) or NOTHING, str(account))

    @admin.display(description="e-mail")
    def email_masked(self, account: TeslaAccount) -> str:
        return masked_email(account.email) or NOTHING

    @admin.display(description="Tesla's id of the account")
    def sub_masked(self, account: TeslaAccount) -> str:
        return f"…{account.sub[-4:]}"

    @admin.display(description="person")
    def person_number(self, account: TeslaAccount) -> str:
        return str(account.person_id)

    @admin.display(description="consent")
    def consent_state(self, account: TeslaAccount) -> SafeString:
        second = times(account.consent_since, account.consent_observed_at)
        return two_lines(label(wording.word(wording.CONSENTS, account.consent)), second)

    @admin.display(description="known from")
    def consent_source_words(self, account: TeslaAccount) -> str:
        return wording.source(account.consent_source) if account.consent_source else NOTHING

    @admin.display(description="logins")
    def logins(self, account: TeslaAccount) -> SafeString | str:
        cells = [(login_cell(token),) for token in account.tokens.order_by("integration")]
        return format_html_join("", "<div>{}</div>", cells) or NOTHING

    @admin.display(description="cars")
    def cars(self, account: TeslaAccount) -> int:
        return getattr(account, "cars", None) or 0

    @admin.display(description="connected")
    def connected(self, account: TeslaAccount) -> SafeString:
        return format_html("{} ago", ago(account.created_at))
