"""Tesla's tokens, encrypted. Only `vehicles/vault.py` opens them."""

from __future__ import annotations

import uuid

from django.db import models

from vehicles.models.accounts import Integration, TeslaAccount


class TeslaToken(models.Model):
    """One account's tokens for one interface. `lease_until` names the moment until which one process may refresh."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(TeslaAccount, on_delete=models.CASCADE, related_name="tokens")
    integration = models.CharField(max_length=8, choices=Integration.choices)
    access_token = models.BinaryField(default=bytes, editable=False)
    refresh_token = models.BinaryField(default=bytes, editable=False)
    previous_refresh_token = models.BinaryField(default=bytes, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    lease_holder = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="tesla_token_once", fields=["account", "integration"])]
        indexes = [models.Index(fields=["refreshed_at"], name="tesla_token_idle")]

    def __str__(self) -> str:
        return f"{self.integration} tokens {str(self.id)[:8]}"
