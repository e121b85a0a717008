"""The webhook that somebody names on the command line."""

from __future__ import annotations

import uuid

from django.core.management.base import CommandError

from vehicles.models import Webhook


def chosen_webhook(named: str) -> Webhook:
    """The webhook with this id. Raises `CommandError`."""
    try:
        found = Webhook.objects.select_related("application").filter(pk=uuid.UUID(named)).first()
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"there is no webhook {named}; give the id that add_webhook printed")
    return found
