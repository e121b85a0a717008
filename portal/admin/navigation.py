"""The menu beside staff screens: what may be opened, in the order in which it is needed."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

_MENU: Final[tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...]] = (
    (
        "Audit",
        (
            ("Vehicles", "directions_car", "vehicles_vehicle", "vehicles.view_vehicle"),
            ("Grants", "handshake", "vehicles_vehiclegrant", "vehicles.view_vehiclegrant"),
            ("Not connected yet", "pending", "vehicles_reservation", "vehicles.view_reservation"),
            ("Tesla accounts", "person", "vehicles_teslaaccount", "vehicles.view_teslaaccount"),
            ("Applications", "apps", "vehicles_application", "vehicles.view_application"),
        ),
    ),
    (
        "What happened",
        (
            ("Connect runs", "route", "connect_connectsession", "connect.view_connectsession"),
            ("Fix-it links", "build", "connect_fixlink", "connect.view_fixlink"),
            ("Fault pages", "report", "connect_shownfault", "connect.view_shownfault"),
            ("Commands", "lock_open", "vehicles_command", "vehicles.view_command"),
            ("Refused requests", "block", "vehicles_refusedrequest", "vehicles.view_refusedrequest"),
            ("Webhooks", "webhook", "vehicles_webhook", "vehicles.view_webhook"),
            ("Deliveries", "outbox", "vehicles_webhookdelivery", "vehicles.view_webhookdelivery"),
            ("Incidents", "warning", "vehicles_incident", "vehicles.view_incident"),
            ("History", "history", "vehicles_event", "vehicles.view_event"),
        ),
    ),
    (
        "Staff",
        (
            ("Members of staff", "badge", "vehicles_user", "vehicles.view_user"),
            ("Roles", "shield_person", "auth_group", "auth.view_group"),
        ),
    ),
)
"""Group titles with title, icon, screen and permission of each entry."""


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu for this member of staff; called by unfold."""
    groups = [
        {
            "title": title,
            "items": [
                {"title": name, "icon": icon, "link": reverse(f"admin:{screen}_changelist")}
                for name, icon, screen, permission in entries
                if request.user.has_perm(permission)
            ],
        }
        for title, entries in _MENU
    ]
    first = {
        "title": "",
        "items": [{"title": "What needs attention", "icon": "home", "link": reverse("admin:index")}],
    }
    return [first, *(group for group in groups if group["items"])]
