"""`manage.py import_connections`: reserves the ids that an application knows from where it comes."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from vehicles import history
from vehicles.history import Kind
from vehicles.management import connection_file
from vehicles.management.chosen_application import chosen_application
from vehicles.management.connection_file import BadFile
from vehicles.management.staged_connections import StagedConnections
from vehicles.models import Application, Mode
from vehicles.reservations import ReservationFault, reserve
from vehicles.reservations.reserving import BATCH


class Command(BaseCommand):
    """Ends with 0 when every row was taken, with 1 when some were refused; the others are reserved all the same."""

    help = (
        "Reserve the vehicle and user ids of an application that moves here; they come back when owners connect. "
        "Run it as often as you like: the same file changes nothing, a corrected one replaces what was not used yet."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help=f"CSV or JSON Lines with {', '.join(connection_file.COLUMNS)}"
        )
        parser.add_argument(
            "--application", metavar="ID", required=True, help="whose ids they are: its client id"
        )
        parser.add_argument(
            "--mode", choices=Mode.values, default=Mode.LIVE, help="which Tesla the cars are at"
        )
        parser.add_argument("--dry-run", action="store_true", help="tell what would happen; write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        application = chosen_application(options["application"])
        console = Console(file=options.get("stderr") or sys.stderr, highlight=False, soft_wrap=True)
        with (
            Progress(console=console, disable=not options["verbosity"]) as progress,
            StagedConnections() as staged,
        ):
            counts = _stage(options["file"], staged, progress)
            counts += _reserve(
                application, staged, progress, mode=options["mode"], dry_run=options["dry_run"]
            )
        self._conclude(application, counts, dry_run=options["dry_run"])

    def _conclude(self, application: Application, counts: Counter[str], *, dry_run: bool) -> None:
        self.stdout.write(
            f"{counts['rows']:,} rows: {counts['reserved']:,} reserved, {counts['unchanged']:,} reserved before, "
            f"{counts['connected']:,} connected already, {counts['refused']:,} refused. "
            f"{counts['replaced']:,} earlier reservations replaced. {counts['ambiguous']:,} ambiguous."
        )
        if dry_run:
            self.stdout.write("Nothing was written.")
        elif counts["reserved"] or counts["replaced"]:
            history.record(
                Kind.IDS_RESERVED,
                actor=history.SYSTEM,
                at=timezone.now(),
                application=application,
                reserved=counts["reserved"],
                replaced=counts["replaced"],
            )
        if counts["refused"]:
            raise CommandError(
                f"{counts['refused']:,} rows were refused. Correct them and import the file again."
            )


def _stage(file: Path, staged: StagedConnections, progress: Progress) -> Counter[str]:
    """Read the whole file, so that its rows can be held against each other."""
    counts: Counter[str] = Counter()
    try:
        bar = progress.add_task("Reading", total=file.stat().st_size)
        for line in connection_file.read_lines(file):
            counts["rows"] += 1
            if line.row is not None:
                staged.add(line.row)
            if line.problem is not None:
                counts["refused"] += _tell([line.problem], "not imported", progress)
            progress.update(bar, completed=line.position)
    except OSError as problem:
        raise CommandError(f"{file} cannot be read: {problem.strerror}") from None
    except BadFile as problem:
        raise CommandError(str(problem)) from None
    counts["refused"] += _tell(staged.refuse_contradictions(), "not imported", progress)
    return counts


def _reserve(
    application: Application, staged: StagedConnections, progress: Progress, *, mode: str, dry_run: bool
) -> Counter[str]:
    """A transaction for every few hundred rows."""
    counts: Counter[str] = Counter()
    bar = progress.add_task("Reserving", total=len(staged))
    for batch in staged.batches(BATCH):
        try:
            result = reserve(application, mode, batch, timezone.now(), dry_run=dry_run)
        except IntegrityError:
            raise CommandError("Somebody else imported the same rows just now. Run it again.") from None
        counts += result.counts
        counts["refused"] += _tell(result.refused, "not imported", progress)
        counts["ambiguous"] += _tell(result.ambiguous, "ambiguous", progress)
        progress.advance(bar, len(batch))
    return counts


def _tell(problems: Iterable[ReservationFault], what: str, progress: Progress) -> int:
    """Print each problem above the bar; returns how many there were."""
    told = 0
    for each in problems:
        progress.console.print(Text(f"line {each.line}: {what}: {each.column} {each.message}"))
        told += 1
    return told
