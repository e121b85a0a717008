"""Cursors: the place where a page ended, as text that clients hand back without reading it."""

from __future__ import annotations

import base64
import binascii
from uuid import UUID

from vehicles.audit.of_application import Place
from vehicles.errors import invalid


def write(place: Place | None) -> str | None:
    """The cursor for a place; null when nothing follows."""
    if place is None:
        return None
    connection, grant = place
    return base64.urlsafe_b64encode(f"{connection}.{grant}".encode()).decode().rstrip("=")


def read(text: str) -> Place | None:
    """The place behind a cursor; None for no cursor. Raises VALIDATION for one that was not written here."""
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        connection, _, grant = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(".")
        if not (connection.isascii() and connection.isdecimal() and len(connection) < 19):
            raise ValueError
        return int(connection), UUID(grant)
    except (binascii.Error, ValueError):
        raise invalid("cursor", "must be the cursor of an earlier page") from None
