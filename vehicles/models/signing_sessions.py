"""What is remembered of each car's computers between signed commands. Holds no secret."""

from __future__ import annotations

import uuid

from django.db import models

from vehicles.models.vehicles import Vehicle


class SigningSession(models.Model):
    """One computer of one car as our key last met it, shared by all processes.

    `counter` is the highest ever used in this epoch: taking the next one is an update of this row. The lease lets one
    message at a time go to the vehicle security computer, which accepts counters only in order.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.CASCADE, related_name="signing_sessions")
    domain = models.PositiveSmallIntegerField(help_text="Tesla's number: 2 vehicle security, 3 infotainment")
    vehicle_public_key = models.BinaryField(default=bytes)
    epoch = models.BinaryField(default=bytes)
    counter = models.BigIntegerField(default=0)
    clock_time = models.BigIntegerField(default=0, help_text="Seconds on the car's clock at `observed_at`")
    observed_at = models.FloatField(default=0, help_text="Seconds since 1970 on our clock")
    last_authenticated_clock = models.BigIntegerField(default=0)
    lease_holder = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="signing_session_once", fields=["vehicle", "domain"])]

    def __str__(self) -> str:
        return f"session {str(self.id)[:8]}"
