"""Filters of the lists. Choices come from tables, never from a query; what can be many is searched for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from portal.admin import wording
from vehicles import audit
from vehicles.models import Connection, Vehicle, VehicleGrant

PERMISSION_CHOICES: Final = [("missing", "Some missing"), ("complete", "None missing")]
MIGRATION_CHOICES: Final = [("must_move", "Must move to the Fleet API"), ("moved", "On the Fleet API")]


class ChoiceFilter(DropdownFilter):
    """A drop-down over a fixed table; `field` is the column it compares."""

    values: ClassVar[list[tuple[str, str]]] = []
    field: ClassVar[str] = ""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return list(self.values)

    def value(self) -> str | None:
        """The chosen value; None when none was given, or something that is no choice."""
        given = super().value()
        return given if given in dict(self.values) else None

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return (
            queryset.filter(**{self.field or self.parameter_name: self.value()}) if self.value() else queryset
        )


class GrantFilter(ChoiceFilter):
    """A condition on grants, by its name in `audit.CONDITIONS`."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return _narrowed(queryset, str(self.parameter_name), self.value())


def _narrowed(queryset: QuerySet, name: str, value: str | None) -> QuerySet:
    # Cars are narrowed by `VehicleChangeList`: all conditions must hold for one and the same grant.
    if not value or queryset.model is Vehicle:
        return queryset
    return audit.matching(queryset, {name: value})


class VerdictFilter(GrantFilter):
    title, parameter_name = "verdict", "verdict"
    values = wording.choices(wording.VERDICTS)


class CauseFilter(GrantFilter):
    title, parameter_name = "main cause", "cause"
    values = wording.choices(wording.CAUSES)


class NextActorFilter(GrantFilter):
    title, parameter_name = "whose move", "next_actor"
    values = wording.choices(wording.ACTORS)


class PermissionsFilter(GrantFilter):
    title, parameter_name = "permissions", "permissions"
    values = PERMISSION_CHOICES


class MigrationFilter(GrantFilter):
    title, parameter_name = "migration", "migration"
    values = MIGRATION_CHOICES


class KeyFilter(ChoiceFilter):
    title, parameter_name = "virtual key", "key"
    values = wording.choices(wording.KEYS)


class KeyOfGrantFilter(KeyFilter):
    field = "connection__vehicle__key"


class ModeFilter(ChoiceFilter):
    title, parameter_name = "mode", "mode"
    values = wording.choices(wording.MODES)


class ConsentFilter(ChoiceFilter):
    title, parameter_name = "consent", "consent"
    values = wording.choices(wording.CONSENTS)


class OutcomeFilter(ChoiceFilter):
    title, parameter_name = "outcome", "outcome"
    values = wording.choices(wording.OUTCOMES)


class StandingFilter(ChoiceFilter):
    """Ended grants stay as history and are shown only when asked for."""

    title, parameter_name = "state", "state"
    all_option = ("", "Standing")
    values = [("ended", "Ended")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(revoked_at__isnull=self.value() != "ended")


class SearchedFilter(SimpleListFilter):
    """A row of another model, found by typing: there may be far too many for a drop-down.

    `relation` is a foreign key to the model; its admin's search answers while the person types.
    """

    template = "unfold/filters/filters_field.html"
    form_class = AutocompleteDropdownForm
    relation: ClassVar[Any]

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: ModelAdmin
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.request, self.model_admin = request, model_admin

    def has_output(self) -> bool:
        return True

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return []

    def value(self) -> str | None:
        """The chosen row's id; None when none was given, or something that is no id."""
        given = super().value()
        try:
            self.relation.remote_field.model._meta.pk.clean(given or None, None)
        except ValidationError:
            return None
        return given or None

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        yield {
            "form": self.form_class(
                request=self.request,
                label=f" By {self.title} ",
                name=self.parameter_name,
                choices=(),
                field=self.relation,
                model_admin=self.model_admin,
                data={self.parameter_name: self.value()},
            )
        }


class ApplicationFilter(SearchedFilter):
    title, parameter_name = "application", "application"
    relation = Connection._meta.get_field("application")

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if queryset.model in (Vehicle, VehicleGrant):
            return _narrowed(queryset, "application", self.value())
        return queryset.filter(application=self.value()) if self.value() else queryset


class AccountFilter(SearchedFilter):
    title, parameter_name = "account", "account"
    relation = VehicleGrant._meta.get_field("account")

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.value()
        if not chosen:
            return queryset
        if queryset.model is VehicleGrant:
            return audit.matching(queryset, {"account": chosen})
        return audit.vehicles_of_account(queryset, UUID(chosen))
