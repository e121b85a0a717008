"""Incidents: faults that are nobody's car and nobody's account, but Tesla's or the operator's."""

from __future__ import annotations

import uuid

from django.db import models

from vehicles.models.accounts import Mode


class IncidentKind(models.TextChoices):
    """What is wrong, and with whom."""

    MASS_REVOCATION = "mass_revocation", "Many accounts lose access at once"
    OPERATOR_FAULT = "operator_fault", "Tesla refuses the operator's developer account"
    LEGACY_CLOSED = "legacy_closed", "Tesla no longer serves its legacy interface"


class IncidentQuerySet(models.QuerySet["Incident"]):
    """The questions that are asked of incidents."""

    def active(self) -> IncidentQuerySet:
        """Those that nobody has ended."""
        return self.filter(ended_at=None)


class Incident(models.Model):
    """One such fault from its beginning to its end. At most one of a kind stands in a mode and region at a time.

    `region` is empty where the fault is not limited to one. `verdicts_follow` says that the verdict columns of the
    grants concerned still have to be rewritten; a task does that.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=IncidentKind.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    region = models.CharField(max_length=8, blank=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=64, blank=True, help_text="Who ended it, as history names actors")
    accounts = models.PositiveIntegerField(default=0, help_text="Accounts that had flipped when it began")
    observed = models.PositiveIntegerField(default=0, help_text="Accounts observed in the same minutes")
    reason = models.CharField(max_length=255, blank=True, help_text="What Tesla said")
    verdicts_follow = models.BooleanField(default=True, editable=False)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="incident_one_standing",
                fields=["kind", "mode", "region"],
                condition=models.Q(ended_at__isnull=True),
            )
        ]
        indexes = [
            models.Index(fields=["-began_at"], name="incident_newest"),
            models.Index(fields=["kind", "mode", "-ended_at"], name="incident_ended"),
        ]
        permissions = [("end_incident", "Can end an incident, which lets states change again")]

    def __str__(self) -> str:
        return f"incident {str(self.id)[:8]}"
