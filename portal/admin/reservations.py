"""Cars that an application knew before it moved here and that nobody has connected yet, with the link to send."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.admin import filters, wording
from portal.admin.base import StaffAdmin, masked_vin, staff_user
from portal.admin.columns import NOTHING, ago, label, row_link
from portal.admin.filters import ChoiceFilter
from vehicles import access, audit, history
from vehicles.history import Kind
from vehicles.models import Reservation


class StateFilter(ChoiceFilter):
    """By what is known of the row itself; whether the car is here is looked up for the rows that are shown."""

    title, parameter_name = "state", "state"
    values: ClassVar[list[tuple[str, str]]] = [
        (name, words.name) for name, words in wording.RESERVATIONS.items() if name in ("shared", "taken")
    ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        conditions = {"shared": {"shared": True}, "taken": {"claimed_by__isnull": False}}
        return queryset.filter(**conditions.get(self.value() or "", {}))


@admin.register(Reservation)
class ReservationAdmin(StaffAdmin):
    masked = {"vin_full": "vin_ending", "external_id_full": "external_id_masked", "link": "link_masked"}
    list_display = (
        "vin_full", "application_name", "state", "vehicle_public_id", "user_public_id", "waiting_since",
    )  # fmt: skip
    list_filter = (StateFilter, filters.ApplicationFilter, filters.ModeFilter)
    search_fields = ("vin",)
    search_help_text = "VIN (whole or its beginning), vehicle id, user id, or the e-mail address in the list"
    fieldsets = (
        ("What is missing", {"fields": ["state", "meaning", "link"]}),
        (
            "Reserved",
            {
                "fields": [
                    *("application_link", "vin_full", "vehicle_public_id", "user_public_id"),
                    *("external_id_full", "email", "permissions", "mode", "waiting_since"),
                ]
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reservation]:
        rows = super().get_queryset(request).select_related("application", "claimed_by")
        return audit.with_connections(rows)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("vehicles.delete_reservation")

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return audit.find_reservations(queryset, text, by_person=by_person)

    def subjects(self, row: Reservation) -> dict[str, Any]:
        return {"application": row.application}

    def delete_model(self, request: HttpRequest, obj: Reservation) -> None:
        actor = history.staff(staff_user(request))
        with transaction.atomic():
            history.record(
                Kind.STAFF_ACTED,
                actor=actor,
                at=timezone.now(),
                application=obj.application,
                deleted_reservation=str(obj.vehicle_public_id),
                user_id=str(obj.user_public_id),
            )
            obj.delete()

    @admin.display(description="VIN")
    def vin_full(self, row: Reservation) -> str:
        return row.vin

    @admin.display(description="VIN")
    def vin_ending(self, row: Reservation) -> str:
        return masked_vin(row.vin)

    @admin.display(description="application")
    def application_name(self, row: Reservation) -> str:
        return str(row.application)

    @admin.display(description="application")
    def application_link(self, row: Reservation) -> SafeString:
        return row_link(row.application)

    @admin.display(description="state")
    def state(self, row: Reservation) -> SafeString:
        return label(wording.RESERVATIONS[state_of(row)])

    @admin.display(description="what that means")
    def meaning(self, row: Reservation) -> str:
        return wording.RESERVATIONS[state_of(row)].sentence

    @admin.display(description="link for this person alone")
    def link(self, row: Reservation) -> SafeString:
        return format_html('<a class="cp-link" href="{0}">{0}</a>', access.connect_link(row))

    @admin.display(description="link for this person alone")
    def link_masked(self, row: Reservation) -> str:
        return "Holds the VIN; ask somebody who may see it."

    @admin.display(description="the application's own id of the person")
    def external_id_full(self, row: Reservation) -> str:
        return row.external_id or NOTHING

    @admin.display(description="the application's own id of the person")
    def external_id_masked(self, row: Reservation) -> str:
        return "…" if row.external_id else NOTHING

    @admin.display(description="e-mail address")
    def email(self, row: Reservation) -> str:
        return "Known as a checksum, to be compared with Tesla's" if row.email_checksum else "Not in the list"

    @admin.display(description="permissions they had given")
    def permissions(self, row: Reservation) -> str:
        return ", ".join(row.scopes) or "Not in the list; the link asks for what the application asks for"

    @admin.display(description="waiting")
    def waiting_since(self, row: Reservation) -> SafeString | str:
        return ago(row.created_at)


def state_of(row: Any) -> str:
    """The name in `wording.RESERVATIONS` of what is most in the way of this row (from `audit.with_connections`)."""
    if row.is_car_connected:
        return "car_connected"
    if row.claimed_by_id is not None:
        return "taken"
    return "shared" if row.shared else "waiting"
