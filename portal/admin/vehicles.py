"""The list of cars: the state of the key, the permissions and the migration of each, and what to do next."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from django.contrib import admin
from django.db.models import Model, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from portal.admin import filters, wording
from portal.admin.base import StaffAdmin, StaffChangeList, masked_vin, sees_personal_data, staff_user
from portal.admin.columns import (
    NOTHING,
    key_cell,
    label,
    permissions_cell,
    two_lines,
    vehicle_name,
    verdict_cell,
)
from portal.admin.diagnosis_panel import panel, to_restore
from vehicles import audit, facts, history
from vehicles.grants import pausing
from vehicles.models import Connection, Integration, Vehicle, VehicleGrant

_MOST_PANELS: Final = 20
_FETCHED: Final = "standing_grants"


class VehicleChangeList(StaffChangeList):
    """The list of cars, narrowed by all conditions on grants together: they must hold for one and the same grant."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Vehicle]:
        found = super().get_queryset(request, exclude_parameters)
        conditions = {
            str(spec.parameter_name): str(spec.value())
            for spec in self.filter_specs
            if isinstance(spec, filters.GrantFilter | filters.ApplicationFilter) and spec.value()
        }
        return audit.vehicles_matching(found, conditions)


@admin.register(Vehicle)
class VehicleAdmin(StaffAdmin):
    """Read-only but for one switch: pausing a car."""

    masked = {"car": "car_masked", "vin_full": "vin_masked"}
    list_display = (
        "car",
        "verdict",
        "whose_move",
        "key_state",
        "permissions",
        "migration",
        "accounts",
        "applications",
    )
    list_filter = (
        filters.KeyFilter,
        filters.PermissionsFilter,
        filters.MigrationFilter,
        filters.VerdictFilter,
        filters.CauseFilter,
        filters.NextActorFilter,
        filters.ApplicationFilter,
        filters.AccountFilter,
        filters.ModeFilter,
    )
    search_fields = ("vin",)
    search_help_text = "VIN (whole or its beginning), vehicle id, or the e-mail address of a Tesla account"
    change_form_outer_before_template = "portal/diagnoses.html"
    fieldsets = (
        ("Pause", {"fields": ["paused"]}),
        ("Car", {"fields": ["vin_full", "model", "year", "colour", "firmware", "mode", "id", "created_at"]}),
        (
            "Virtual key",
            {"fields": ["key_state", "key_source", "key_observed_at", "protocol_required", "total_keys"]},
        ),
        ("State", {"fields": ["condition", "accounts", "applications"]}),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[VehicleChangeList]:
        return VehicleChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Vehicle]:
        standing = audit.active_grants().select_related("account")
        connections = Connection.objects.select_related("application").prefetch_related(
            Prefetch("grants", queryset=standing, to_attr=_FETCHED)
        )
        return (
            super()
            .get_queryset(request)
            .prefetch_related("accesses", Prefetch("connections", queryset=connections))
        )

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("vehicles.change_vehicle")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        fieldsets = self.get_fieldsets(request, obj)
        return [name for _, options in fieldsets for name in options["fields"] if name != "paused"]

    def save_model(self, request: HttpRequest, obj: Vehicle, form: Any, change: bool) -> None:
        actor = history.staff(staff_user(request))
        pausing.pause_vehicle(obj, paused=obj.paused, actor=actor, now=timezone.now())

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        return audit.find_vehicles(queryset, text, by_person=by_person)

    def subjects(self, row: Vehicle) -> dict[str, Any]:
        return {"vehicle": row}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        grants = facts.with_rows(audit.active_grants()).order_by("-approved_at")
        vehicle = self.get_object(request, object_id)
        shown = list(grants.filter(connection__vehicle=vehicle)[:_MOST_PANELS]) if vehicle else []
        personal_data = sees_personal_data(request)
        panels = [panel(grant, personal_data=personal_data) for grant in audit.worst_first(shown)]
        return super().change_view(request, object_id, form_url, {"panels": panels, **(extra_context or {})})

    @admin.display(description="car")
    def car(self, vehicle: Vehicle) -> SafeString:
        return two_lines(vehicle_name(vehicle), vehicle.vin)

    @admin.display(description="car")
    def car_masked(self, vehicle: Vehicle) -> SafeString:
        return two_lines(vehicle_name(vehicle), masked_vin(vehicle.vin))

    @admin.display(description="VIN")
    def vin_full(self, vehicle: Vehicle) -> str:
        return vehicle.vin

    @admin.display(description="VIN")
    def vin_masked(self, vehicle: Vehicle) -> str:
        return masked_vin(vehicle.vin)

    @admin.display(description="verdict")
    def verdict(self, vehicle: Vehicle) -> SafeString | str:
        worst = audit.worst(_standing_grants(vehicle))
        return verdict_cell(worst) if worst else NOTHING

    @admin.display(description="whose move")
    def whose_move(self, vehicle: Vehicle) -> str:
        worst = audit.worst(_standing_grants(vehicle))
        return wording.word(wording.ACTORS, worst.next_actor).name if worst and worst.next_actor else NOTHING

    @admin.display(description="virtual key")
    def key_state(self, vehicle: Vehicle) -> SafeString:
        return key_cell(vehicle)

    @admin.display(description="permissions")
    def permissions(self, vehicle: Vehicle) -> SafeString | str:
        grants = _standing_grants(vehicle)
        gaps = {name for grant in grants for name in to_restore(grant)}
        return permissions_cell(sorted(gaps)) if grants else NOTHING

    @admin.display(description="migration")
    def migration(self, vehicle: Vehicle) -> SafeString | str:
        found = {grant.integration for grant in _standing_grants(vehicle)}
        worst = Integration.LEGACY if Integration.LEGACY in found else Integration.FLEET
        return label(wording.INTEGRATIONS[worst]) if found else NOTHING

    @admin.display(description="out of the ordinary")
    def condition(self, vehicle: Vehicle) -> str:
        holds = {"in service": vehicle.in_service, "mobile access is off": vehicle.remote_access_disabled}
        return ", ".join(words for words, true in holds.items() if true) or NOTHING

    @admin.display(description="accounts")
    def accounts(self, vehicle: Vehicle) -> str:
        roles = Counter(
            access.access_type.lower() for access in vehicle.accesses.all() if not access.missing_since
        )
        return ", ".join(
            f"{number} {role}{'s' * (number > 1)}" for role, number in sorted(roles.items(), reverse=True)
        )

    @admin.display(description="applications")
    def applications(self, vehicle: Vehicle) -> str:
        names = sorted(str(each.application) for each in vehicle.connections.all() if _standing(each))
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _standing_grants(vehicle: Vehicle) -> list[VehicleGrant]:
    return [grant for connection in vehicle.connections.all() for grant in _standing(connection)]


def _standing(connection: Connection) -> list[VehicleGrant]:
    """What `VehicleAdmin.get_queryset` fetched along."""
    return list(getattr(connection, _FETCHED))
