"""`manage.py load_sample_data`: plants a fleet of simulated cars with accounts and grants in every state."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.progress import Progress

from vehicles import facts
from vehicles.management import sample_plan, sample_rows
from vehicles.management.sample_rows import Verdicts
from vehicles.management.sample_truth import Truth
from vehicles.models import Application, Integration, Mode

PEOPLE_IN_BATCH: Final = 2000


class Command(BaseCommand):
    """Adds cars that the simulated Tesla knows too (`run_tesla_simulator --vehicles N`); again adds nothing."""

    help = "Plant sample cars with accounts and grants in every state. A second run adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--vehicles", type=int, required=True, metavar="N", help="how many cars")
        parser.add_argument(
            "--truth",
            type=Path,
            metavar="FILE",
            help="write what `audit` must say of it, a JSON object a line",
        )
        parser.add_argument(
            "--mode", choices=Mode.values, default=Mode.SIMULATED, help="which Tesla the rows belong to"
        )
        parser.add_argument(
            "--application",
            action="append",
            metavar="CLIENT_ID",
            help="to whom the cars are connected; sample applications are made without it",
        )

        parser.add_argument(
            "--legacy-served",
            action="store_true",
            help="plant no region in which Tesla closed its legacy interface; a simulator that serves it ends that",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        count: int = options["vehicles"]
        if count < 0:
            raise CommandError("--vehicles: a number from 0 up")
        applications = chosen_applications(options["application"] or [])
        mode, now = Mode(options["mode"]), timezone.now()
        closing = None if options["legacy_served"] else sample_rows.close_legacy_api(mode, now)
        truth = Truth(
            applications=[(str(row.client_id), row.name) for row in applications],
            mode=mode,
            now=now,
            is_served=facts.offers_legacy(mode),
            closed_at=closing.began_at if closing else None,
        )
        planned = sample_plan.people(count, applications=len(applications))
        verdicts: Verdicts = {}
        with ExitStack() as opened:
            file = opened.enter_context(options["truth"].open("w")) if options["truth"] else None
            progress = opened.enter_context(Progress(disable=not options["verbosity"]))
            bar = progress.add_task("Sample cars", total=count)
            while people := list(islice(planned, PEOPLE_IN_BATCH)):
                batch = sample_rows.write(people, applications, mode, now, verdicts)
                if file is not None:
                    file.writelines(json.dumps(line) + "\n" for each in people for line in truth.lines(each))
                progress.advance(bar, len(batch.vehicles))
        if closing is not None:
            sample_rows.let_verdicts_follow(closing)


def chosen_applications(client_ids: list[str]) -> list[Application]:
    """The applications with these client ids, or two sample ones, made where they are missing.

    Raises `CommandError` for an unknown client id.
    """
    if not client_ids:
        return [_sample_application(name) for name in ("Sample charging", "Sample rental")]
    found = {row.client_id: row for row in Application.objects.filter(client_id__in=client_ids)}
    if missing := [client_id for client_id in client_ids if client_id not in found]:
        raise CommandError(f"--application: there is no application {', '.join(missing)}")
    return [found[client_id] for client_id in client_ids]


def _sample_application(name: str) -> Application:
    row, _ = Application.objects.get_or_create(
        client_id=str(sample_plan.stable_id("application", name)),
        defaults={
            "name": name,
            "integration": Integration.FLEET,
            "redirect_uris": "https://example.com/auth",
            "client_type": Application.CLIENT_CONFIDENTIAL,
            "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
        },
    )
    return row
