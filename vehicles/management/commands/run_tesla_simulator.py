"""`manage.py run_tesla_simulator`: the simulated Tesla, set up for this portal's own registration."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from vehicles.commands import virtual_key
from vehicles.tesla import paths
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.samples.scenarios import SCENARIOS
from vehicles.tesla.simulator.server import run
from vehicles.tesla.simulator.world import World


class Command(BaseCommand):
    """Serve on loopback until interrupted."""

    help = (
        "Run the simulated Tesla: login and consent, Fleet API, Owner API, cars that check signed commands."
    )
    # It uses nothing of the portal but its settings, and starts whatever state the rest is in.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8001)
        parser.add_argument("--scenario", choices=sorted(SCENARIOS), default="default")
        parser.add_argument(
            "--vehicles", type=int, default=0, help="sample cars beside those of the scenario"
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="answer 503 until `PATCH /_sim/provider` says that it is no longer starting",
        )
        parser.add_argument("--certificate", default="", help="PEM file: serve TLS")
        parser.add_argument("--private-key", default="", help="PEM file of the certificate's key")

    def handle(self, *args: Any, **options: Any) -> None:
        """Build the world and serve it. Raises `CommandError` for settings that cannot work."""
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            world = World(
                clients=[registered_client()], scenario=options["scenario"], vehicles=options["vehicles"]
            )
            world.provider.is_starting = options["wait"]
            run(
                world,
                port=options["port"],
                certificate=options["certificate"],
                private_key=options["private_key"],
                tell=self.stdout.write,
            )
        except (OSError, ValueError) as problem:
            raise CommandError(str(problem)) from None


def registered_client() -> Client:
    """This portal as an application registered with Tesla. Raises `CommandError` without an id and secret."""
    if not settings.TESLA_CLIENT_ID or not settings.TESLA_CLIENT_SECRET:
        raise CommandError("TESLA_CLIENT_ID and TESLA_CLIENT_SECRET must be set")
    return Client(
        client_id=settings.TESLA_CLIENT_ID,
        client_secret=settings.TESLA_CLIENT_SECRET,
        redirect_uris=(f"{settings.PUBLIC_URL}/connect/tesla/callback",),
        key_domain=settings.TESLA_KEY_DOMAIN,
        public_key_url=f"{settings.PUBLIC_URL}{paths.PUBLIC_KEY_FILE}",
        public_key_pem=_public_key_pem(),
        name=settings.OPERATOR_NAME,
    )


def _public_key_pem() -> str | None:
    """The public half of the operator's key, if there is a file: cars that start with the key carry it."""
    pem = virtual_key.public_key_pem() if Path(settings.TESLA_KEY_FILE).is_file() else None
    return pem.decode() if pem else None


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop on SIGTERM in the way Ctrl-C does."""
    raise KeyboardInterrupt
