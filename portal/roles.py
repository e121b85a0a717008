"""Staff roles: which permissions each has. Every migrate makes the Django groups of these names equal to the table."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

_SEEN_BY_ALL: Final = (
    "vehicles.view_vehicle",
    "vehicles.view_vehiclegrant",
    "vehicles.view_teslaaccount",
    "vehicles.view_application",
    "vehicles.view_reservation",
    "vehicles.view_command",
    "vehicles.view_refusedrequest",
    "vehicles.view_webhook",
    "vehicles.view_webhookdelivery",
    "vehicles.view_event",
    "vehicles.view_incident",
    "connect.view_connectsession",
    "connect.view_fixlink",
    "connect.view_shownfault",
)
_HELPING: Final = ("vehicles.view_personal_data", "connect.make_fixlink")
_OPERATING: Final = (
    "vehicles.change_vehicle",
    "vehicles.change_application",
    "vehicles.add_application",
    "vehicles.end_incident",
    "vehicles.delete_reservation",
)
_ADMINISTERING: Final = ("vehicles.view_user", "vehicles.add_user", "vehicles.change_user", "auth.view_group")

ROLES: Final[dict[str, tuple[str, ...]]] = {
    "viewer": _SEEN_BY_ALL,
    "support": (*_SEEN_BY_ALL, *_HELPING),
    "operator": (*_SEEN_BY_ALL, *_HELPING, *_OPERATING),
    "admin": (*_SEEN_BY_ALL, *_HELPING, *_OPERATING, *_ADMINISTERING),
}
"""viewer sees states with personal data masked; support sees it in full and sends fix-it links; operator also pauses
cars, runs applications, and forgets cars that nobody connects; admin also manages staff."""


def keep_roles(using: str = "default", **signal: Any) -> None:
    """Create the groups and give each exactly its permissions. A receiver of `post_migrate`."""
    for app_label in ("auth", "vehicles", "connect"):
        create_permissions(installed.get_app_config(app_label), verbosity=0, using=using)
    for name, wanted in ROLES.items():
        group, _ = Group.objects.using(using).get_or_create(name=name)
        group.permissions.set(_permissions(wanted, using))


def _permissions(names: tuple[str, ...], using: str) -> list[Permission]:
    wanted = Q()
    for name in names:
        app_label, _, codename = name.partition(".")
        wanted |= Q(content_type__app_label=app_label, codename=codename)
    found = list(Permission.objects.using(using).filter(wanted))
    if len(found) != len(names):
        raise LookupError(f"A role names permissions that no model has: {names}")
    return found
