"""Commands: what was meant, what was sent, and how it ended."""

from __future__ import annotations

import uuid

from django.db import models

from vehicles.models.grants import VehicleGrant


class Outcome(models.TextChoices):
    """`pending` until the call is over; `unknown` when the car may have done it and nobody can say."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Command(models.Model):
    """One command to one car: the intent is committed before the call, the outcome after it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    grant = models.ForeignKey(VehicleGrant, on_delete=models.CASCADE, related_name="commands")
    name = models.CharField(max_length=64)
    arguments = models.JSONField(default=dict)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.PENDING)
    error = models.CharField(max_length=64, blank=True, help_text="The catalogue error that the caller got")
    reason = models.CharField(max_length=255, blank=True, help_text="What Tesla or the car said")
    request_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["grant", "-created_at"], name="command_recent"),
            models.Index(fields=["outcome", "created_at"], name="command_outcome"),
        ]
        constraints = [
            models.CheckConstraint(
                name="command_ended_when_settled",
                condition=models.Q(outcome=Outcome.PENDING) | models.Q(ended_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} {str(self.id)[:8]}"
