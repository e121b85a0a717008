"""Members of staff and their roles. Owners and drivers are not listed here: they never sign in to these screens."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portal.admin.base import staff_user
from vehicles import history
from vehicles.history import Kind
from vehicles.models import User


@admin.register(User)
class StaffUserAdmin(DjangoUserAdmin, ModelAdmin):
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
        actor = history.staff(staff_user(request))
        history.record(
            Kind.STAFF_ACTED,
            actor=actor,
            at=timezone.now(),
            about=history.staff(obj),
            changed=list(getattr(form, "changed_data", [])),
        )


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
