"""The trail: append-only events. They hold our ids and facts, never a name, an e-mail address or a VIN."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models


def _refuse(what: str) -> NoReturn:
    raise TypeError(f"Events cannot be {what}.")


class UnerasableQuerySet(models.QuerySet["Event"]):
    """Reads and adds: history cannot be changed or deleted through the ORM. The database itself refuses it too."""

    def update(self, **kwargs: Any) -> NoReturn:
        _refuse("changed")

    def _update(self, values: Any) -> NoReturn:
        # What `Model.save` and `bulk_update` come down to.
        _refuse("changed")

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> Any:
        """Add events. Raises `TypeError` where existing ones would be changed on the way."""
        if kwargs.get("update_conflicts"):
            _refuse("changed")
        return super().bulk_create(objs, *args, **kwargs)

    def delete(self) -> NoReturn:
        _refuse("deleted")

    def _raw_delete(self, using: str | None) -> NoReturn:
        _refuse("deleted")


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
        base_manager_name = "objects"
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

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        _refuse("deleted")
