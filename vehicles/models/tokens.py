"""Tesla's tokens, encrypted. Only `vehicles/tokens/store.py` opens them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from vehicles.models.accounts import Integration, TeslaAccount


class LoginEnd(models.TextChoices):
    """Why Tesla takes neither the refresh token nor the one before, as far as can be known.

    Tesla has one word for all causes; all but the last are told apart by what we hold (`vehicles/tokens/refresh.py`).
    """

    BACKUP_RESTORED = "backup_restored", "the tokens came from a backup"
    SUPERSEDED = "token_superseded", "another system used the refresh token"
    PASSWORD_CHANGED = "password_changed", "the password was changed"
    EXPIRED = "login_expired", "the login was not used for three months"
    REFUSED = "login_refused", "Tesla did not say why"


class TeslaToken(models.Model):
    """One account's tokens for one interface.

    `lease_until` names the moment until which one process may refresh. Left behind in the past, it says that nobody
    knows whether the refresh happened at Tesla: then it has to be done again within a day.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(TeslaAccount, on_delete=models.CASCADE, related_name="tokens")
    integration = models.CharField(max_length=8, choices=Integration.choices)
    access_token = models.BinaryField(default=bytes, editable=False)
    refresh_token = models.BinaryField(default=bytes, editable=False)
    previous_refresh_token = models.BinaryField(default=bytes, editable=False)
    generation = models.PositiveIntegerField(
        default=0, editable=False, help_text="Counts the pairs kept here; the account repeats it"
    )
    overlapped = models.BooleanField(
        default=False,
        editable=False,
        help_text="Another refresh of our own may have been under way at Tesla when this pair was made",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    superseded_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was seen that another system uses this login's refresh token",
    )
    ended = models.CharField(
        max_length=24, blank=True, choices=LoginEnd.choices, help_text="Why Tesla last took neither token"
    )
    lease_holder = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="tesla_token_once", fields=["account", "integration"])]
        indexes = [
            models.Index(fields=["refreshed_at"], name="tesla_token_idle"),
            models.Index(fields=["expires_at"], name="tesla_token_expiring"),
            models.Index(
                fields=["lease_until"],
                name="tesla_token_lease",
                condition=Q(lease_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.integration} tokens {str(self.id)[:8]}"
