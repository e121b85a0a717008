"""What staff screens share: read-only unless they say otherwise, masked by role, recorded, fast on a million rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, cast

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import Form, ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from vehicles import history
from vehicles.history import Kind
from vehicles.models import User

PERSONAL_DATA: Final = "vehicles.view_personal_data"
ROWS_A_PAGE: Final = 50


class CappedPaginator(Paginator):
    """Counts no further than 10,000 rows, for counting a million takes longer than showing fifty of them."""

    most = 10_000
    template_name = "portal/pagination.html"

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet", self.object_list)
        return rows.order_by().values("pk")[: self.most + 1].count()

    @property
    def num_pages(self) -> int:
        return max(1, -(-min(self.count, self.most) // self.per_page))

    @property
    def count_in_words(self) -> str:
        return f"{self.most:,}+" if self.count > self.most else f"{self.count:,}"


class StaffChangeList(ChangeList):
    """The list behind a staff screen."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # The theme offers "show all" where the two differ; the full number is never counted here.
        self.full_result_count = self.result_count


def staff_user(request: HttpRequest) -> User:
    """The member of staff behind the request; the admin lets nobody else in.

    Raises `TypeError` for anybody else.
    """
    if not isinstance(request.user, User):
        raise TypeError("A staff screen was opened by somebody who is not signed in.")
    return request.user


def sees_personal_data(request: HttpRequest) -> bool:
    """Whether this member of staff sees VINs and e-mail addresses in full."""
    return staff_user(request).has_perm(PERSONAL_DATA)


def masked_vin(vin: str) -> str:
    """The last four characters, which an owner can name on the phone and which identify no car."""
    return f"…{vin[-4:]}"


def masked_email(email: str) -> str:
    """The first letter only."""
    return f"{email[:1]}…@…" if email else ""


class FormTrail:
    """For screens with a form of their own: whatever is changed by it stands in the trail, with old and new values.

    `told` names the fields whose values may stand there for good. Of every other field, as of secrets and personal
    data, it says only that it changed.
    """

    told: tuple[str, ...] = ()
    trail_kind = Kind.STAFF_ACTED

    def trail_subjects(self, row: Any) -> dict[str, Any]:
        """What the form is about, in the words of `history.record`."""
        return {}

    def construct_change_message(
        self, request: HttpRequest, form: Form, formsets: Any, add: bool = False
    ) -> Any:
        """Called by Django with every form that was saved, in the transaction of the change."""
        if isinstance(form, ModelForm):
            self._tell(request, form, add=add)
        return super().construct_change_message(request, form, formsets, add)  # type: ignore[misc]

    def _tell(self, request: HttpRequest, form: ModelForm, *, add: bool) -> None:
        history.record(
            self.trail_kind,
            actor=history.staff(staff_user(request)),
            at=timezone.now(),
            **changes_in(form, self.told, add=add),
            **self.trail_subjects(form.instance),
        )


def changes_in(form: ModelForm, told: Collection[str], *, add: bool) -> dict[str, Any]:
    """What a saved form changed, as events hold it: `fields` by name, and those that are `told` before and after."""
    names = [name for name in form.changed_data if name in told]
    before = {} if add else {name: _plain(form.initial.get(name)) for name in names}
    after = {name: _plain(form.cleaned_data[name]) for name in names}
    return {"fields": sorted(form.changed_data), **history.difference(before, after)}


def _plain(value: Any) -> Any:
    """A form's value as JSON has it; of rows their names, in order."""
    if isinstance(value, QuerySet | list | tuple):
        return sorted(map(str, value))
    return value


class StaffAdmin(ModelAdmin):
    """The base of staff screens. Nothing can be added, changed or deleted unless a subclass allows it.

    `masked` names for each column or field with personal data the one that viewers see in its place.
    Only the declared filters narrow a list: with Django's default, `?vin__startswith=` would spell a masked VIN out
    letter by letter.
    """

    masked: Mapping[str, str] = {}

    actions = None
    paginator = CappedPaginator
    list_per_page = list_max_show_all = ROWS_A_PAGE
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_filter_submit = True
    list_fullwidth = True
    sortable_by: tuple[str, ...] = ()
    ordering: tuple[str, ...] = ("-pk",)
    view_on_site = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup in {each.parameter_name for each in self.get_list_filter(request)}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[StaffChangeList]:
        return StaffChangeList

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return tuple(self._shown(request, name) for name in super().get_list_display(request))

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [
            (title, {**options, "fields": [self._shown(request, name) for name in options["fields"]]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def _shown(self, request: HttpRequest, name: str) -> str:
        return name if sees_personal_data(request) else self.masked.get(name, name)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        if not search_term.strip():
            return queryset, False
        return self.found(queryset, search_term, by_person=sees_personal_data(request)), False

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        """The rows that a search finds. `by_person`: whether personal data may be searched."""
        return queryset.none()

    def subjects(self, row: Any) -> dict[str, Any]:
        """Whom a look at this row concerns, in the words of `history.record`."""
        return {}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if response.status_code == 200 and self.masked and sees_personal_data(request):
            self._record_view(request, page=f"{self.opts.model_name} list")
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {
            "show_save_and_add_another": False,
            "show_save_and_continue": False,
            **(extra_context or {}),
        }
        response = super().change_view(request, object_id, form_url, context)
        row = (getattr(response, "context_data", None) or {}).get("original")
        if row is not None and (subjects := self.subjects(row)):
            self._record_view(
                request,
                page=str(self.opts.model_name),
                masked=bool(self.masked) and not sees_personal_data(request),
                **subjects,
            )
        return response

    def _record_view(self, request: HttpRequest, **facts: Any) -> None:
        actor = history.staff(staff_user(request))
        history.record(Kind.STAFF_VIEWED, actor=actor, at=timezone.now(), **facts)
