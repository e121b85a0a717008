"""`manage.py rediagnose`: makes every verdict column what the diagnosis says now."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from vehicles.evidence import rediagnosis
from vehicles.management.chosen_application import chosen_application

_INTERRUPTED: Final = 130


class Command(BaseCommand):
    """Needed after an upgrade that decides differently, or a repair by hand; a task does the same every hour."""

    help = "Diagnose every grant anew and rewrite the verdicts that changed. May be stopped and begun again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--application", metavar="ID", help="only this application, by its client id")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = options["application"]
        application = chosen_application(chosen).pk if chosen else None
        total = rediagnosis.active_grants(application).count()
        done = 0
        with Progress(disable=not options["verbosity"], console=Console(stderr=True)) as progress:
            bar = progress.add_task("Grants", total=total)
            try:
                for part in rediagnosis.rediagnose(timezone.now(), application=application):
                    done += part
                    progress.advance(bar, part)
            except KeyboardInterrupt:
                self.stderr.write(f"Stopped after {done:,} of {total:,} grants. Run it again to do all.")
                sys.exit(_INTERRUPTED)
        self.stdout.write(f"{done:,} grants diagnosed.")
