"""`manage.py add_webhook`: an application is told what happens to its cars."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vehicles.management.chosen_application import chosen_application
from vehicles.webhooks import registration
from vehicles.webhooks.notices import Name
from vehicles.webhooks.registration import WebhookRefused


class Command(BaseCommand):
    """Prints the webhook's id, and nothing else."""

    help = (
        "Add a webhook to an application and print its id. Its address is sent a challenge and has to answer it; "
        "cars are subscribed one by one, through the API."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("url", metavar="URL", help="where events are sent")
        parser.add_argument(
            "--application", metavar="ID", required=True, help="whose webhook it is: its client id"
        )
        parser.add_argument(
            "--event",
            metavar="NAME",
            action="append",
            default=[],
            help=f"send only this one; as often as you like: {', '.join(Name)}",
        )
        parser.add_argument("--name", default="", help="what to call it")

    def handle(self, *args: Any, **options: Any) -> None:
        application = chosen_application(options["application"])
        try:
            webhook = registration.create(
                application, options["url"], options["event"], name=options["name"], now=timezone.now()
            )
        except WebhookRefused as refusal:
            raise CommandError(f"{refusal}. Nothing was stored.") from None
        self.stdout.write(str(webhook.pk))
