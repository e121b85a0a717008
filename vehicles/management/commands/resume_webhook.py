"""`manage.py resume_webhook`: a webhook that was paused goes on."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vehicles.management.chosen_webhook import chosen_webhook
from vehicles.webhooks import registration
from vehicles.webhooks.registration import WebhookRefused


class Command(BaseCommand):
    """Safe to run on a webhook that works."""

    help = (
        "Let a webhook that was paused, because its address took nothing for three days, go on from where it stopped. "
        "Its address has to answer the challenge again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("webhook", metavar="WEBHOOK_ID", help="what add_webhook printed")

    def handle(self, *args: Any, **options: Any) -> None:
        webhook = chosen_webhook(options["webhook"])
        try:
            registration.resume(webhook, timezone.now())
        except WebhookRefused as refusal:
            raise CommandError(f"{refusal}. It stays paused.") from None
        self.stdout.write("it goes on")
