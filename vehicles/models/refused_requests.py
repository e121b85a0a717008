"""Refused requests: what the API answered with an error and nothing else records."""

from __future__ import annotations

from django.db import models

from vehicles.models.applications import Application


class RefusedRequest(models.Model):
    """A request of an application that was refused. Kept for a while, so that its request id can be looked up.

    Ids and codes of ours alone: `route` is the path without its variable parts, and nothing that the caller or Tesla
    wrote is kept. Car and grant are plain ids without foreign keys, as in history.
    """

    request_id = models.CharField(max_length=36)
    at = models.DateTimeField()
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="refused_requests")
    vehicle_id = models.UUIDField(null=True, blank=True)
    grant_id = models.UUIDField(null=True, blank=True)
    method = models.CharField(max_length=8)
    route = models.CharField(max_length=120, help_text="The path that was asked for, without ids")
    control = models.CharField(max_length=64, blank=True, help_text="What the car was to do, for a command")
    error = models.CharField(max_length=64, help_text="The catalogue error that the caller got")
    cause = models.CharField(
        max_length=32, blank=True, help_text="The cause of the diagnosis behind the error"
    )
    fields = models.CharField(max_length=200, blank=True, help_text="Which fields of the request were wrong")
    left_out = models.PositiveIntegerField(
        default=0, help_text="Refusals of the same application just before it that were too many to keep"
    )

    class Meta:
        indexes = [
            models.Index(fields=["request_id"], name="refused_request"),
            models.Index(fields=["at"], name="refused_at"),
            models.Index(fields=["application", "-id"], name="refused_application"),
            models.Index(fields=["vehicle_id", "-id"], name="refused_vehicle"),
        ]

    def __str__(self) -> str:
        return f"{self.error} {self.request_id[:8]}"
