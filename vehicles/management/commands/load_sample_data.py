"""`manage.py load_sample_data`: plants a fleet of simulated cars with accounts and grants in every state."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.progress import Progress

from vehicles.management import sample_plan, sample_rows
from vehicles.management.sample_rows import Batch, Verdicts
from vehicles.models import Application, Integration, Mode, VehicleGrant

PEOPLE_IN_BATCH: Final = 2000


class Command(BaseCommand):
    """Adds cars that the simulated Tesla knows too (`run_tesla_simulator --vehicles N`); again adds nothing."""

    help = "Plant sample cars with accounts and grants in every state. A second run adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--vehicles", type=int, required=True, metavar="N", help="how many cars")
        parser.add_argument(
            "--truth", type=Path, metavar="FILE", help="write what was planted, a JSON object a line"
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

    def handle(self, *args: Any, **options: Any) -> None:
        count: int = options["vehicles"]
        if count < 0:
            raise CommandError("--vehicles: a number from 0 up")
        applications = chosen_applications(options["application"] or [])
        planned = sample_plan.people(count, applications=len(applications))
        verdicts: Verdicts = {}
        with ExitStack() as opened:
            truth = opened.enter_context(options["truth"].open("w")) if options["truth"] else None
            progress = opened.enter_context(Progress(disable=not options["verbosity"]))
            bar = progress.add_task("Sample cars", total=count)
            while people := list(islice(planned, PEOPLE_IN_BATCH)):
                mode, now = Mode(options["mode"]), timezone.now()
                batch = sample_rows.write(people, applications, mode, now, verdicts)
                _write_truth(batch, truth)
                progress.advance(bar, len(batch.vehicles))


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


def _write_truth(batch: Batch, file: IO[str] | None) -> None:
    if file is not None:
        file.writelines(json.dumps(row) + "\n" for row in _truth(batch))


def _truth(batch: Batch) -> Iterator[dict[str, Any]]:
    """What was planted for each grant: states, no judgement."""
    for grant in batch.grants:
        yield _planted(grant, batch.accesses[grant.account.sub, grant.connection.vehicle.vin].access_type)


def _planted(grant: VehicleGrant, access_type: str) -> dict[str, Any]:
    account, vehicle = grant.account, grant.connection.vehicle
    return {
        "vin": vehicle.vin,
        "vehicle_id": str(grant.connection.public_id),
        "application": grant.connection.application.name,
        "email": account.email,
        "mode": str(grant.mode),
        "integration": str(grant.integration),
        "access_type": access_type,
        "consent": str(account.consent),
        "tesla_scopes": account.granted_scopes,
        "requested": grant.requested,
        "approved": grant.approved,
        "declined": grant.declined,
        "key": str(vehicle.key),
        "key_reason": str(vehicle.key_reason),
        "total_keys": vehicle.total_keys,
        "in_service": vehicle.in_service,
        "mobile_access": not vehicle.remote_access_disabled,
        "paused": vehicle.paused,
    }
