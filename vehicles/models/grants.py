"""What a person gave an application: the connection of application and car, and the grant over it."""

from __future__ import annotations

import uuid
from functools import cached_property

from django.db import models

from vehicles.diagnosis import Verdict
from vehicles.models.accounts import Integration, Mode, TeslaAccount
from vehicles.models.applications import Application
from vehicles.models.vehicles import Vehicle, VehicleAccess


class Connection(models.Model):
    """A car as one application sees it; `public_id` belongs to that application and may have been reserved."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="connections")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.CASCADE, related_name="connections")
    public_id = models.UUIDField(default=uuid.uuid4)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="connection_once", fields=["application", "vehicle"]),
            models.UniqueConstraint(name="connection_id", fields=["public_id", "application"]),
        ]
        indexes = [models.Index(fields=["application", "-id"], name="connection_newest")]

    def __str__(self) -> str:
        return str(self.public_id)


class VehicleGrantQuerySet(models.QuerySet["VehicleGrant"]):
    """The questions that are asked of grants."""

    def active(self) -> VehicleGrantQuerySet:
        """Those that neither the person nor the application has ended."""
        return self.filter(revoked_at=None)


class VehicleGrant(models.Model):
    """The permissions one person approved for one application on one car: the row of the audit list.

    Fixed at approval: the account's scopes narrow what works and restore it, but never widen it. The verdict columns
    repeat what `diagnosis.diagnose` says so that lists can be filtered by index; `vehicles/facts/` keeps them true.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="grants")
    account = models.ForeignKey(TeslaAccount, on_delete=models.CASCADE, related_name="grants")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    integration = models.CharField(max_length=8, choices=Integration.choices, default=Integration.FLEET)
    requested = models.JSONField(
        default=list, help_text="What the application asked for in the last Connect run"
    )
    approved = models.JSONField(default=list, help_text="What the person approved and Tesla had granted")
    declined = models.JSONField(default=list, help_text="What the person unticked on our permission page")
    not_granted = models.JSONField(
        default=list,
        blank=True,
        editable=False,
        help_text="Approved over the legacy API, and not granted at Tesla since the move to the Fleet API",
    )
    approved_at = models.DateTimeField()
    moved_at = models.DateTimeField(null=True, blank=True, help_text="Moved to the Fleet API")
    revoked_at = models.DateTimeField(
        null=True, blank=True, help_text="Disconnected by the application or the person"
    )
    last_used_at = models.DateTimeField(null=True, blank=True)

    verdict = models.CharField(
        max_length=8, choices=[(value, value) for value in Verdict], default=Verdict.OK
    )
    main_cause = models.CharField(max_length=32, blank=True)
    next_actor = models.CharField(max_length=16, blank=True)
    lacks_permissions = models.BooleanField(
        default=False, help_text="Tesla does not give all that the application was to have"
    )
    verdict_since = models.DateTimeField(null=True, blank=True)

    objects = VehicleGrantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="vehicle_grant_once", fields=["connection", "account", "mode"]),
        ]
        indexes = [
            models.Index(fields=["verdict", "main_cause", "id"], name="vehicle_grant_verdict"),
            models.Index(fields=["main_cause", "id"], name="vehicle_grant_cause"),
            models.Index(fields=["next_actor", "id"], name="vehicle_grant_actor"),
            models.Index(fields=["lacks_permissions", "id"], name="vehicle_grant_lacking"),
            models.Index(fields=["integration", "id"], name="vehicle_grant_integration"),
        ]

    def __str__(self) -> str:
        return f"grant {str(self.id)[:8]}"

    @property
    def granted(self) -> list[str]:
        """What was approved and at some time granted at Tesla, whether or not it works now."""
        return [name for name in self.approved if name not in self.not_granted]

    @cached_property
    def own_access(self) -> VehicleAccess | None:
        """The account's relation to the car; None where the account never listed it."""
        rows = self.connection.vehicle.accesses.all()
        return next((row for row in rows if row.account_id == self.account_id), None)
