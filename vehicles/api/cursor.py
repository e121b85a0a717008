"""Cursors: the place where a page ended, as text that clients hand back without reading it.

A place is made of row numbers that all applications share, so a cursor is encrypted: it tells nothing of how many
connections there are, and is of no use to another application.
"""

from __future__ import annotations

import base64
from uuid import UUID

from vehicles import encryption
from vehicles.audit.of_application import Place
from vehicles.encryption import DecryptionError
from vehicles.errors import invalid
from vehicles.models import Application


def write(place: Place | None, application: Application) -> str | None:
    """The cursor for a place in the application's own list; null when nothing follows."""
    if place is None:
        return None
    connection, grant = place
    encrypted = encryption.encrypt(_purpose(application), f"{connection:019d}.{grant}")
    return base64.urlsafe_b64encode(encrypted).decode().rstrip("=")


def decode(text: str, application: Application) -> Place | None:
    """The place behind a cursor; None for no cursor. Raises VALIDATION for one that was not written for it here."""
    if not text:
        return None
    try:
        encrypted = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        connection, _, grant = encryption.decrypt(_purpose(application), encrypted).partition(".")
        return int(connection), UUID(grant)
    except (ValueError, DecryptionError):
        raise invalid("cursor", "must be the cursor of an earlier page; begin again without one") from None


def _purpose(application: Application) -> str:
    return f"application:{application.pk}:cursor"
