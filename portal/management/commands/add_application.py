"""`manage.py add_application`: registers an application, also one that keeps the credentials it has elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from portal import application_credentials
from portal.admin.application_form import TOLD, ApplicationForm
from portal.admin.base import changes_in
from vehicles import history
from vehicles.history import Kind
from vehicles.models import Application, Integration
from vehicles.models.applications import all_permissions


class Command(BaseCommand):
    """The form of the staff screen, with the same checks. New secrets are printed once and never again."""

    help = "Add an application. What it keeps is read from files, since a command line is seen by others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what owners see in Connect")
        parser.add_argument(
            "--redirect-uri", action="append", required=True, metavar="URI", dest="redirect_uris"
        )
        parser.add_argument(
            "--public", action="store_true", help="a mobile or browser client, without a secret"
        )
        parser.add_argument("--client-id", default="", metavar="UUID", help="keep this client id")
        parser.add_argument(
            "--client-secret-file", type=Path, metavar="FILE", help="keep the secret in this file"
        )
        parser.add_argument(
            "--management-token-file",
            type=Path,
            metavar="FILE",
            help="keep the management token in this file",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        form = ApplicationForm(data=_form_data(options))
        if not form.is_valid():
            faults = [f"{name}: {' '.join(map(str, texts))}" for name, texts in form.errors.items()]
            raise CommandError("\n".join(faults))
        application: Application = form.save(commit=False)
        with transaction.atomic():
            made = application_credentials.issue(application, form.kept)
            history.record(
                Kind.APPLICATION_CHANGED,
                actor=history.SYSTEM,
                at=timezone.now(),
                application=application,
                **changes_in(form, TOLD, add=True),
            )
        self.stdout.write(f"client id: {application.client_id}")
        for what, value in (
            ("client secret", made.client_secret),
            ("management token", made.management_token),
        ):
            if value:
                self.stdout.write(f"{what}: {value}")


def _form_data(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": options["name"],
        "client_type": Application.CLIENT_PUBLIC if options["public"] else Application.CLIENT_CONFIDENTIAL,
        "redirect_uris": "\n".join(options["redirect_uris"]),
        "integration": Integration.FLEET,
        "permissions": all_permissions(),
        "wakes_for_commands": "on",
        "kept_client_id": options["client_id"],
        "kept_client_secret": _read(options["client_secret_file"]),
        "kept_management_token": _read(options["management_token_file"]),
    }


def _read(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{file} cannot be read: {problem}") from None
