"""The audit list: one row a grant, that is one application, one car and one Tesla account."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin import filters, wording
from portal.admin.base import StaffAdmin, masked_email, masked_vin, sees_personal_data
from portal.admin.columns import (
    NOTHING,
    key_cell,
    label,
    permissions_cell,
    row_link,
    two_lines,
    vehicle_name,
    verdict_cell,
)
from portal.admin.diagnosis_panel import panel, to_restore
from vehicles import audit, facts
from vehicles.models import VehicleGrant
from vehicles.permissions import PERMISSIONS


@admin.register(VehicleGrant)
class VehicleGrantAdmin(StaffAdmin):
    masked = {"car": "car_masked", "vin": "vin_masked", "email": "email_masked"}
    list_display = (
        "car",
        "application",
        "verdict_state",
        "whose_move",
        "key_state",
        "permissions",
        "migration",
        "role",
    )
    list_filter = (
        filters.VerdictFilter,
        filters.CauseFilter,
        filters.NextActorFilter,
        filters.KeyOfGrantFilter,
        filters.PermissionsFilter,
        filters.MigrationFilter,
        filters.ApplicationFilter,
        filters.AccountFilter,
        filters.ModeFilter,
        filters.StandingFilter,
    )
    search_fields = ("connection__vehicle__vin",)
    search_help_text = (
        "VIN (whole or its beginning), vehicle or grant id, or the e-mail address of a Tesla account"
    )
    change_form_outer_before_template = "portal/diagnoses.html"
    fieldsets = (
        ("Between", {"fields": ["application_link", "vehicle_link", "account_link", "vin", "email", "role"]}),
        (
            "Approval",
            {
                "fields": [
                    *("requested_words", "approved_words", "declined_words"),
                    *("approved_at", "moved_at", "revoked_at", "last_used_at", "integration", "mode"),
                ]
            },
        ),
        ("Ids", {"fields": ["id", "vehicle_public_id"]}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[VehicleGrant]:
        return facts.with_rows(super().get_queryset(request))

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return audit.find_grants(queryset, text, by_person=by_person)

    def subjects(self, row: VehicleGrant) -> dict[str, Any]:
        return {
            "grant": row,
            "vehicle": row.connection.vehicle,
            "account": row.account,
            "application": row.connection.application,
        }

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        grant = self.get_object(request, object_id)
        panels = [panel(grant, personal_data=sees_personal_data(request))] if grant else []
        return super().change_view(request, object_id, form_url, {"panels": panels, **(extra_context or {})})

    @admin.display(description="car")
    def car(self, grant: VehicleGrant) -> SafeString:
        vehicle = grant.connection.vehicle
        return two_lines(vehicle_name(vehicle), vehicle.vin)

    @admin.display(description="car")
    def car_masked(self, grant: VehicleGrant) -> SafeString:
        vehicle = grant.connection.vehicle
        return two_lines(vehicle_name(vehicle), masked_vin(vehicle.vin))

    @admin.display(description="VIN")
    def vin(self, grant: VehicleGrant) -> str:
        return grant.connection.vehicle.vin

    @admin.display(description="VIN")
    def vin_masked(self, grant: VehicleGrant) -> str:
        return masked_vin(grant.connection.vehicle.vin)

    @admin.display(description="e-mail")
    def email(self, grant: VehicleGrant) -> str:
        return grant.account.email or NOTHING

    @admin.display(description="e-mail")
    def email_masked(self, grant: VehicleGrant) -> str:
        return masked_email(grant.account.email) or NOTHING

    @admin.display(description="application")
    def application(self, grant: VehicleGrant) -> str:
        return str(grant.connection.application)

    @admin.display(description="verdict")
    def verdict_state(self, grant: VehicleGrant) -> SafeString:
        return verdict_cell(grant)

    @admin.display(description="whose move")
    def whose_move(self, grant: VehicleGrant) -> str:
        return wording.word(wording.ACTORS, grant.next_actor).name if grant.next_actor else NOTHING

    @admin.display(description="virtual key")
    def key_state(self, grant: VehicleGrant) -> SafeString:
        return key_cell(grant.connection.vehicle)

    @admin.display(description="permissions")
    def permissions(self, grant: VehicleGrant) -> SafeString:
        return permissions_cell(to_restore(grant))

    @admin.display(description="migration")
    def migration(self, grant: VehicleGrant) -> SafeString:
        return label(wording.word(wording.INTEGRATIONS, grant.integration))

    @admin.display(description="role")
    def role(self, grant: VehicleGrant) -> str:
        return grant.own_access.access_type.capitalize() if grant.own_access else NOTHING

    @admin.display(description="application")
    def application_link(self, grant: VehicleGrant) -> SafeString:
        return row_link(grant.connection.application)

    @admin.display(description="car")
    def vehicle_link(self, grant: VehicleGrant) -> SafeString:
        return row_link(grant.connection.vehicle)

    @admin.display(description="Tesla account")
    def account_link(self, grant: VehicleGrant) -> SafeString:
        return row_link(grant.account)

    @admin.display(description="the application's id of the car")
    def vehicle_public_id(self, grant: VehicleGrant) -> str:
        return str(grant.connection.public_id)

    @admin.display(description="asked for")
    def requested_words(self, grant: VehicleGrant) -> SafeString | str:
        return _in_words(grant.requested)

    @admin.display(description="approved")
    def approved_words(self, grant: VehicleGrant) -> SafeString | str:
        return _in_words(grant.approved)

    @admin.display(description="declined")
    def declined_words(self, grant: VehicleGrant) -> SafeString | str:
        return _in_words(grant.declined)


def _in_words(names: list[str]) -> SafeString | str:
    lines = [format_html('<span title="{}">{}</span>', _sentence(name), name) for name in names]
    return format_html(", ".join(["{}"] * len(lines)), *lines) if lines else NOTHING


def _sentence(name: str) -> str:
    return PERMISSIONS[name].sentence if name in PERMISSIONS else ""
