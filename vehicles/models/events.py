"""The trail: append-only events. They hold our ids and facts, never a name, an e-mail address or a VIN."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models


class UnerasableQuerySet(models.QuerySet["Event"]):
    """Reads only: history cannot be changed or deleted through the ORM."""

    def update(self, **kwargs: Any) -> NoReturn:
        raise TypeError("Events cannot be changed.")

    def delete(self) -> NoReturn:
        raise TypeError("Events cannot be deleted.")


class Event(models.Model):
    """Something that happened. Subjects are plain ids without foreign keys, so history outlives what it tells of."""

    kind = models.CharField(max_length=48)
    at = models.DateTimeField()
    actor = models.CharField(
        max_length=64, help_text="Who did it: person, application, staff or system, with the id"
    )
    request_id = models.CharField(max_length=36, blank=True)
    application_id = models.BigIntegerField(null=True, blank=True)
    account_id = models.UUIDField(null=True, blank=True)
    vehicle_id = models.UUIDField(null=True, blank=True)
    grant_id = models.UUIDField(null=True, blank=True)
    data = models.JSONField(default=dict)

    objects = UnerasableQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["kind", "-id"], name="event_kind"),
            models.Index(fields=["vehicle_id", "-id"], name="event_vehicle"),
            models.Index(fields=["account_id", "-id"], name="event_account"),
            models.Index(fields=["grant_id", "-id"], name="event_grant"),
            models.Index(fields=["request_id"], name="event_request"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None and not kwargs.get("force_insert"):
            raise TypeError("Events cannot be changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Events cannot be deleted.")
