"""`manage.py send_test_event`: tries an application's receiver."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from vehicles.management.chosen_webhook import chosen_webhook
from vehicles.webhooks import registration
from vehicles.webhooks.registration import WebhookRefused


class Command(BaseCommand):
    """Ends with 0 when it was taken."""

    help = "Send a webhook an event of mode TEST, about no car of anybody, and print what was answered."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("webhook", metavar="WEBHOOK_ID", help="what add_webhook printed")

    def handle(self, *args: Any, **options: Any) -> None:
        webhook = chosen_webhook(options["webhook"])
        try:
            answer = registration.send_test(webhook, timezone.now())
        except WebhookRefused as refusal:
            raise CommandError(str(refusal)) from None
        if not answer.is_taken:
            raise CommandError(f"{webhook.url} answered with status {answer.status} instead of 2xx")
        self.stdout.write(f"taken with status {answer.status}")
