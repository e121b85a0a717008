"""Members of staff and their roles. Owners and drivers are not listed here: they never sign in to these screens."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portal.admin.base import FormTrail, staff_user
from portal.sign_in.hashing import LINE
from vehicles import history
from vehicles.history import Kind
from vehicles.models import User


@admin.register(User)
class StaffUserAdmin(FormTrail, DjangoUserAdmin, ModelAdmin):
    told = ("is_active", "is_staff", "groups")
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_active", "last_login")
    list_filter = ()
    list_fullwidth = True
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ["username", "password", "first_name", "last_name", "email"]}),
        ("Access", {"fields": ["is_active", "is_staff", "groups"]}),
        ("When", {"fields": ["last_login", "date_joined"]}),
    )
    readonly_fields = ("last_login", "date_joined")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).filter(is_person=False)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # History names staff by id. Whoever leaves is made inactive.
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        # Without this an admin could set a superuser's password and become one.
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or staff_user(request).is_superuser)

    def save_model(self, request: HttpRequest, obj: User, form: object, change: bool) -> None:
        if not change:
            obj.is_staff = True
        super().save_model(request, obj, form, change)

    def trail_subjects(self, row: User) -> dict[str, Any]:
        return {"about": history.staff(row)}

    def construct_change_message(
        self, request: HttpRequest, form: Form, formsets: Any, add: bool = False
    ) -> Any:
        """Called by Django. Of a password that is set the trail is told by `PasswordTrail`, of one taken away here."""
        if isinstance(form, AdminPasswordChangeForm) and not form.user.has_usable_password():
            actor, about = history.staff(staff_user(request)), history.staff(form.user)
            history.record(
                Kind.STAFF_ACTED, actor=actor, at=timezone.now(), about=about, took_password_away=True
            )
        return super().construct_change_message(request, form, formsets, add)

    @method_decorator(sensitive_post_parameters())
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """Set a colleague's password, together with its event."""
        # The turn first: no transaction waits for other people's passwords.
        with LINE.turn() if request.method == "POST" else nullcontext(), transaction.atomic():
            return super().user_change_password(request, id, form_url)

    @method_decorator(sensitive_post_parameters())
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Add a colleague, whose password is hashed in a transaction."""
        with LINE.turn() if request.method == "POST" else nullcontext():
            return super().add_view(request, form_url, extra_context)


@admin.register(Group)
class RoleAdmin(DjangoGroupAdmin, ModelAdmin):
    """Roles are made by `portal.roles`; here they can only be looked at."""

    fields = ("name", "permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return False
