"""Cars, and which Tesla accounts can reach them."""

from __future__ import annotations

import uuid

from django.db import models

from vehicles.diagnosis import Access, Key, KeyReason
from vehicles.models.accounts import Mode, TeslaAccount


class Vehicle(models.Model):
    """One car in one mode, with the state of the operator's key on it (the key axis) and what is known of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    vin = models.CharField(max_length=17)
    model = models.CharField(max_length=32, blank=True)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    display_name = models.CharField(max_length=128, blank=True)
    colour = models.CharField(max_length=32, blank=True)

    key = models.CharField(max_length=16, choices=[(value, value) for value in Key], default=Key.UNKNOWN)
    key_reason = models.CharField(
        max_length=16,
        blank=True,
        choices=[(value, value) for value in KeyReason],
        default=KeyReason.NEVER_CHECKED,
    )
    key_source = models.CharField(max_length=32, blank=True)
    key_since = models.DateTimeField(null=True, blank=True)
    key_observed_at = models.DateTimeField(null=True, blank=True)
    key_evidence = models.JSONField(default=dict, blank=True, help_text="What each source last said of it")
    protocol_required = models.BooleanField(
        null=True, blank=True, help_text="Commands must be signed; empty: unknown"
    )
    total_keys = models.PositiveSmallIntegerField(null=True, blank=True)
    firmware = models.CharField(max_length=32, blank=True)

    state = models.CharField(max_length=10, blank=True, help_text="Online, asleep or offline, as last seen")
    state_observed_at = models.DateTimeField(null=True, blank=True)
    listed_at = models.DateTimeField(
        null=True, blank=True, help_text="When Tesla last told about service and mobile access"
    )
    in_service = models.BooleanField(default=False)
    remote_access_disabled = models.BooleanField(default=False)
    paused = models.BooleanField(
        default=False, help_text="Answer every request for this car with a known-issue error"
    )
    conditions_since = models.JSONField(
        default=dict, blank=True, help_text="Since when each of the conditions above has held"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="vehicle_vin_per_mode", fields=["vin", "mode"])]
        indexes = [models.Index(fields=["key", "id"], name="vehicle_key")]

    def __str__(self) -> str:
        return f"{self.model or 'Tesla'} …{self.vin[-4:]}"

    @property
    def vin_ending(self) -> str:
        """The last four characters: enough for a person to recognise their car, not enough to identify it."""
        return self.vin[-4:]


class VehicleAccess(models.Model):
    """A Tesla account's relation to a car, as Tesla's vehicle list last told it."""

    account = models.ForeignKey(TeslaAccount, on_delete=models.CASCADE, related_name="accesses")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.CASCADE, related_name="accesses")
    access_type = models.CharField(max_length=6, choices=[(value, value) for value in Access])
    tesla_id = models.CharField(
        max_length=32, blank=True, help_text="Tesla's numeric id, used by the Owner API"
    )
    seen_at = models.DateTimeField()
    missing_since = models.DateTimeField(
        null=True, blank=True, help_text="Gone from the account's list since then"
    )

    class Meta:
        verbose_name_plural = "vehicle accesses"
        constraints = [models.UniqueConstraint(name="vehicle_access_once", fields=["account", "vehicle"])]

    def __str__(self) -> str:
        return f"{self.access_type} {self.pk}"
