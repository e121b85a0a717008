"""Commands: what was meant, what was sent, and how it ended."""

from __future__ import annotations

import uuid

from django.db import models

from vehicles.models.applications import Application
from vehicles.models.grants import VehicleGrant


class Outcome(models.TextChoices):
    """`pending` until the call is over; `unknown` when the car may have done it and nobody can say."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Command(models.Model):
    """One command to one car: the intent is committed before the call, the outcome after it.

    `fingerprint` stands for application, car, command and arguments. `sent_at` is written before anything that the car
    may carry out leaves; a row without it certainly did nothing. `arguments` never holds a PIN.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="commands")
    grant = models.ForeignKey(VehicleGrant, on_delete=models.CASCADE, related_name="commands")
    name = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64)
    idempotency_key = models.CharField(max_length=255, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    error = models.CharField(max_length=64, blank=True, help_text="The catalogue error that the caller got")
    reason = models.CharField(max_length=255, blank=True, help_text="What Tesla or the car said")
    result = models.JSONField(default=dict, help_text="What the answer tells beyond success")
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField()
    deadline_at = models.DateTimeField(help_text="Nothing is sent after this")
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["grant", "-created_at"], name="command_recent"),
            models.Index(fields=["outcome", "deadline_at"], name="command_outcome"),
            models.Index(fields=["-created_at"], name="command_newest"),
            models.Index(fields=["request_id"], name="command_request"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="command_key_once",
                fields=["application", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
            ),
            models.UniqueConstraint(
                name="command_one_running",
                fields=["fingerprint"],
                condition=models.Q(outcome=Outcome.PENDING, idempotency_key=""),
            ),
            models.CheckConstraint(
                name="command_ended_when_settled",
                condition=models.Q(outcome=Outcome.PENDING) | models.Q(ended_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {str(self.id)[:8]}"
