"""The application that somebody names on the command line."""

from __future__ import annotations

from django.core.management.base import CommandError

from vehicles.models import Application


def chosen_application(named: str) -> Application:
    """The application with this client id, or this number from the staff screens' addresses. Raises `CommandError`."""
    found = Application.objects.filter(client_id=named).first()
    if found is None and named.isascii() and named.isdecimal():
        found = Application.objects.filter(pk=named[:18]).first()
    if found is None:
        raise CommandError(f"--application: there is no application {named}; give its client id")
    return found
