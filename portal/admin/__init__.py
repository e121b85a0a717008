"""Staff screens, a file each. Importing this package registers them.

The toolkit and Django register screens of their own while they are imported, so they are imported first and what would
show tokens, or edit applications without our rules, is taken off.
"""

from __future__ import annotations

from typing import Final

from django.contrib import admin
from django.contrib.auth import admin as _auth  # noqa: F401  (registers Group)
from django.contrib.auth.models import Group
from oauth2_provider import admin as _toolkit  # noqa: F401  (registers applications and tokens)
from oauth2_provider.models import AccessToken, Grant, IDToken, RefreshToken

from vehicles.models import Application

_TAKEN_OFF: Final = (AccessToken, RefreshToken, Grant, IDToken, Application, Group)
admin.site.unregister(_TAKEN_OFF)

from portal.admin import (  # noqa: E402
    accounts,
    applications,
    commands,
    connect_sessions,
    events,
    fix_links,
    grants,
    incidents,
    refused_requests,
    reservations,
    shown_faults,
    staff,
    vehicles,
    webhooks,
)

__all__ = [
    "accounts",
    "applications",
    "commands",
    "connect_sessions",
    "events",
    "fix_links",
    "grants",
    "incidents",
    "refused_requests",
    "reservations",
    "shown_faults",
    "staff",
    "vehicles",
    "webhooks",
]
