"""Erase a person, as they could themselves on their own page."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from connect.person import forgetting
from vehicles import history


class Command(BaseCommand):
    help = (
        "Erases everything that names a person: accounts, tokens, cars that nobody else has, commands, ids, and what "
        "runs of Connect kept. Applications lose access at once. This cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "id_or_email",
            metavar="ID_OR_EMAIL",
            help="id of the person or of a Tesla account, an application's id of the person, or an e-mail address",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        persons, email = forgetting.find(options["id_or_email"])
        done = forgetting.erase(persons, email=email, actor=history.SYSTEM, now=timezone.now())
        if not any((done.persons, done.runs, done.reservations)):
            raise CommandError("Nobody is known by this id or e-mail address. Nothing was erased.")
        self.stdout.write(
            f"Erased: {done.persons} persons, {done.runs} runs in which nobody signed in, "
            f"{done.reservations} reserved ids."
        )
