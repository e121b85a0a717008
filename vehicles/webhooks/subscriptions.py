"""Which cars a webhook is told about."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from vehicles.models import Connection, Webhook, WebhookSubscription
from vehicles.webhooks import outbox


def subscribe(webhook: Webhook, connection: Connection, now: datetime) -> WebhookSubscription:
    """Tell the webhook of this car, from now on; where it is told already, nothing changes."""
    since = outbox.settled(webhook.position)
    with transaction.atomic():
        row, is_new = WebhookSubscription.objects.select_for_update().get_or_create(
            webhook=webhook,
            connection=connection,
            defaults={
                "vehicle_id": connection.vehicle_id,
                "vehicle_public_id": connection.public_id,
                "since_event": since,
                "created_at": now,
            },
        )
        if not is_new and row.ended_at is not None:
            row.ended_at, row.since_event, row.next_at = None, since, None
            row.save(update_fields=["ended_at", "since_event", "next_at"])
    return row


def unsubscribe(webhook: Webhook, connection: Connection, now: datetime) -> None:
    """Tell the webhook nothing more of this car, not even what waits."""
    standing = WebhookSubscription.objects.filter(webhook=webhook, connection=connection, ended_at=None)
    standing.update(ended_at=now)
