"""Applications: adding, changing and pausing them, and making secrets that are shown exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from portal import application_credentials
from portal.admin import wording
from portal.admin.application_form import TOLD, ApplicationForm
from portal.admin.application_keeping import KeptCredentialsForm
from portal.admin.base import FormTrail, StaffAdmin, staff_user
from portal.admin.columns import label, two_lines
from portal.admin.filters import ChoiceFilter
from portal.admin.wording import Wording
from portal.application_credentials import NewCredentials
from vehicles import history, tasks
from vehicles.history import Kind
from vehicles.models import Application
from vehicles.nudges import nudge

RENEWABLE: Final[dict[str, tuple[str, Callable[[Application], NewCredentials]]]] = {
    "client-secret": ("client secret", application_credentials.new_client_secret),
    "management-token": ("management token", application_credentials.new_management_token),
}
"""What can be replaced: its name in addresses, in words, and the function that does it."""


class IntegrationFilter(ChoiceFilter):
    title, parameter_name = "interface", "integration"
    values = wording.choices(wording.INTEGRATIONS)


class PausedFilter(ChoiceFilter):
    title, parameter_name = "paused", "paused"
    values = [("True", "Paused"), ("False", "Running")]


@admin.register(Application)
class ApplicationAdmin(FormTrail, StaffAdmin):
    form = ApplicationForm
    told = TOLD
    trail_kind = Kind.APPLICATION_CHANGED
    list_display = ("application", "state", "interface", "asks_for", "created")
    list_filter = (PausedFilter, IntegrationFilter)
    search_fields = ("name", "client_id")
    search_help_text = "Name or client id"
    change_form_outer_before_template = "portal/application_credentials.html"
    readonly_fields = ("client_id", "created", "updated")
    add_fieldsets = (
        ("Application", {"fields": ["name", "client_type", "redirect_uris", "allowed_origins"]}),
        ("Connect", {"fields": ["integration", "permissions", "requires_key", "logo", "colour"]}),
        ("Behaviour", {"fields": ["wakes_for_commands", "ends_family_on_reuse"]}),
        (
            "Credentials that it keeps",
            {
                "fields": [*KeptCredentialsForm.base_fields],
                "description": "For an application that moves here from Smartcar. A new one needs none of them.",
            },
        ),
    )
    fieldsets = (
        ("Pause", {"fields": ["paused"]}),
        (
            "Application",
            {
                "fields": [
                    *("name", "client_id", "client_type", "redirect_uris", "allowed_origins"),
                    *("created", "updated"),
                ]
            },
        ),
        *add_fieldsets[1:-1],
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("vehicles.add_application")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("vehicles.change_application")

    def found(self, queryset: QuerySet, text: str, *, by_person: bool) -> QuerySet:
        named = queryset.filter(name__icontains=text.strip())
        return named | queryset.filter(client_id=text.strip())

    def save_model(self, request: HttpRequest, obj: Application, form: ApplicationForm, change: bool) -> None:
        if not change:
            # Read by `response_add`, which shows them on the answer to this very request.
            obj.new_credentials = application_credentials.issue(obj, form.kept)
            return
        if "paused" in form.changed_data:
            obj.paused_since = timezone.now() if obj.paused else None
            # Requests are refused at once; the verdicts of a large application take their time.
            obj.verdicts_follow = True
            nudge(tasks.let_verdicts_follow)
        obj.save()

    def trail_subjects(self, row: Application) -> dict[str, Any]:
        return {"application": row}

    def response_add(
        self, request: HttpRequest, obj: Application, post_url_continue: Any = None
    ) -> HttpResponse:
        return self._shown_once(request, obj, obj.new_credentials)

    def get_urls(self) -> list[URLPattern]:
        renew = self.admin_site.admin_view(self.renew_view)
        return [
            path("<int:object_id>/new/<str:what>/", renew, name="vehicles_application_renew"),
            *super().get_urls(),
        ]

    def renew_view(self, request: HttpRequest, object_id: int, what: str) -> HttpResponse:
        """Ask, then on POST replace one secret and show the new one."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        application = get_object_or_404(Application, pk=object_id)
        if what not in RENEWABLE:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(object_id))
        words, renew = RENEWABLE[what]
        if request.method != "POST":
            return self._page(
                request, application, "portal/renew_credential.html", f"New {words}", words=words
            )
        with transaction.atomic():
            credentials = renew(application)
            actor = history.staff(staff_user(request))
            history.record(
                Kind.STAFF_ACTED, actor=actor, at=timezone.now(), application=application, renewed=what
            )
        return self._shown_once(request, application, credentials)

    def _shown_once(
        self, request: HttpRequest, application: Application, credentials: NewCredentials
    ) -> HttpResponse:
        title = f"Copy these now: {application}"
        return self._page(request, application, "portal/new_credentials.html", title, credentials=credentials)

    def _page(
        self, request: HttpRequest, application: Application, template: str, title: str, **values: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": application,
            "title": title,
            "back": reverse("admin:vehicles_application_change", args=[application.pk]),
            **values,
        }
        return never_cache(lambda _: TemplateResponse(request, template, context))(request)

    @method_decorator(sensitive_post_parameters("kept_client_secret", "kept_management_token"))
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        return super().add_view(request, form_url, extra_context)

    @admin.display(description="application")
    def application(self, application: Application) -> SafeString:
        return two_lines(str(application), application.client_id)

    @admin.display(description="state")
    def state(self, application: Application) -> SafeString:
        paused = Wording("Paused", wording.WARNING)
        return label(paused if application.paused else Wording("Running", wording.SUCCESS))

    @admin.display(description="began on")
    def interface(self, application: Application) -> str:
        return "Fleet API" if application.integration == "fleet" else "Legacy interface"

    @admin.display(description="asks for")
    def asks_for(self, application: Application) -> str:
        return f"{len(application.permissions)} permissions"
