"""Webhooks: where an application wants to be told, about which cars, and what became of each message."""

from __future__ import annotations

import uuid

from django.db import models

from vehicles.models.applications import Application
from vehicles.models.grants import Connection


class Webhook(models.Model):
    """An address of an application. It has answered its challenge, else there were no row.

    `position` is the number of the last event in history that was looked at for it. `leased_until` and `lease` say
    whose turn it is to send; `next_at` is when to try again an address that did not answer.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="webhooks")
    name = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=500)
    host = models.CharField(max_length=255, editable=False, help_text="Host and port of the address")
    events = models.JSONField(
        default=list, blank=True, help_text="Names of the events that are sent; none: all"
    )
    created_at = models.DateTimeField()
    position = models.BigIntegerField(default=0, editable=False)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    next_at = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(
        default=0, editable=False, help_text="Tries in a row that got no answer"
    )
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when nothing was taken; empty while it works"
    )
    paused_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Nothing is sent since then, because nothing was taken for three days",
    )
    fault = models.CharField(
        max_length=32, blank=True, help_text="Why the last message was not taken, in a word"
    )
    last_delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["position"],
                name="webhook_position",
                condition=models.Q(paused_since=None),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="webhook_paused_after_failing",
                condition=models.Q(paused_since=None) | models.Q(failing_since__isnull=False),
            ),
            models.CheckConstraint(
                name="webhook_lease_ends",
                condition=models.Q(lease=None, leased_until=None)
                | models.Q(lease__isnull=False, leased_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)


class WebhookSubscription(models.Model):
    """A car that a webhook is told about. Ids of ours alone: it outlives the connection by what is still to be told.

    Nothing up to `since_event` is told. `next_at` is when to try again the first message that was not taken; those
    behind it wait, so that they arrive in order.
    """

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="subscriptions")
    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.SET_NULL, related_name="webhook_subscriptions"
    )
    vehicle_id = models.UUIDField(help_text="Our id of the car, as in history")
    vehicle_public_id = models.UUIDField(help_text="The application's id of the car")
    since_event = models.BigIntegerField()
    last_sequence = models.PositiveBigIntegerField(default=0)
    next_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="webhook_subscription_once", fields=["webhook", "connection"]),
        ]
        indexes = [models.Index(fields=["vehicle_id"], name="webhook_subscription_vehicle")]

    def __str__(self) -> str:
        return f"subscription {self.pk}"


class DeliveryStatus(models.TextChoices):
    """`given_up`: refused for three days while others were taken; `withdrawn`: not the application's any more."""

    PENDING = "pending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"
    WITHDRAWN = "withdrawn"


class WebhookDelivery(models.Model):
    """One event for one webhook: what is to be told, and what became of it. Ids and facts of ours alone."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    subscription = models.ForeignKey(WebhookSubscription, on_delete=models.CASCADE, related_name="deliveries")
    event = models.BigIntegerField(help_text="The number of the event in history")
    event_id = models.UUIDField(help_text="The event's id, as the application sees it, with every try")
    name = models.CharField(max_length=48)
    grant_id = models.UUIDField(null=True, blank=True)
    occurred_at = models.DateTimeField()
    data = models.JSONField(default=dict)
    sequence = models.PositiveBigIntegerField(help_text="Counts what is told about this car")
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.PENDING)
    attempts = models.PositiveIntegerField(default=0)
    answer = models.PositiveSmallIntegerField(null=True, blank=True, help_text="The last answer's status")
    fault = models.CharField(max_length=32, blank=True)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    first_tried_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [
            models.UniqueConstraint(name="webhook_delivery_once", fields=["subscription", "event", "name"]),
            models.UniqueConstraint(name="webhook_delivery_sequence", fields=["subscription", "sequence"]),
            models.CheckConstraint(
                name="webhook_delivery_ended",
                condition=models.Q(status=DeliveryStatus.PENDING, ended_at=None)
                | (~models.Q(status=DeliveryStatus.PENDING) & models.Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["webhook", "id"],
                name="webhook_delivery_waiting",
                condition=models.Q(status=DeliveryStatus.PENDING),
            ),
            models.Index(fields=["webhook", "-id"], name="webhook_delivery_newest"),
            models.Index(fields=["ended_at"], name="webhook_delivery_ended_at"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.sequence}"
