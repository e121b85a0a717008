"""`manage.py audit`: the audit list on the command line, whole or narrowed, as it streams from the database."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from vehicles import audit
from vehicles.audit.formats import FORMATS
from vehicles.diagnosis import ACTIONS, NOT_CONNECTED
from vehicles.management.chosen_application import chosen_application


class Command(BaseCommand):
    """Which grants are out of order, why, since when, and whose move it is."""

    help = "List every grant with its verdict, cause, next actor and the state behind them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--cause", choices=sorted([*ACTIONS, NOT_CONNECTED]), help="only grants with this main cause"
        )
        parser.add_argument("--application", metavar="ID", help="only this application, by its client id")
        parser.add_argument("--format", choices=sorted(FORMATS), default="table", help="how it is written")

    def handle(self, *args: Any, **options: Any) -> None:
        conditions: dict[str, str] = {}
        if options["cause"]:
            conditions["cause"] = options["cause"]
        if options["application"]:
            conditions["application"] = str(chosen_application(options["application"]).pk)
        try:
            for text in FORMATS[options["format"]](audit.rows(conditions)):
                self.stdout.write(text, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # Whoever reads has seen enough (`audit | head`); what is still buffered must not fail at exit either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
