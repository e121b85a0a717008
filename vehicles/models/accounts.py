"""Who signs in: users (staff, and persons without a password) and the Tesla accounts that persons connect."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models

from vehicles.diagnosis import Consent


class Mode(models.TextChoices):
    """Which Tesla a row belongs to; look-ups and tokens never cross from one to the other."""

    LIVE = "live"
    SIMULATED = "simulated"


class Integration(models.TextChoices):
    """Which of Tesla's interfaces a token or grant belongs to; one is never stored or refreshed as the other."""

    FLEET = "fleet"
    LEGACY = "legacy"


class User(AbstractUser):
    """A member of staff, or a person (an owner or driver): a user without a password who signs in at Tesla."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    is_person = models.BooleanField(
        default=False, help_text="An owner or driver; signs in at Tesla, never here."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="user_person_is_never_staff",
                condition=models.Q(is_person=False) | models.Q(is_staff=False, is_superuser=False),
            )
        ]

    def __str__(self) -> str:
        return f"person {str(self.id)[:8]}" if self.is_person else self.username


class TeslaAccount(models.Model):
    """One Tesla `sub` in one mode, with what its person agreed to at Tesla (the consent axis)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tesla_accounts")
    mode = models.CharField(max_length=10, choices=Mode.choices)
    sub = models.CharField(max_length=64, help_text="Tesla's own id of the account")
    email = models.EmailField(blank=True, help_text="Known only where the person granted profile information")
    region = models.CharField(max_length=8, blank=True)
    api_host = models.URLField(blank=True, help_text="The regional host that last answered for this account")

    granted_scopes = models.JSONField(default=list, help_text="The `scp` claim of the newest access token")
    scopes_lost = models.JSONField(
        default=dict,
        blank=True,
        editable=False,
        help_text="Since when and by which source each lost scope is gone",
    )
    consent = models.CharField(
        max_length=16, choices=[(value, value) for value in Consent], default=Consent.UNKNOWN
    )
    consent_source = models.CharField(max_length=32, blank=True)
    consent_since = models.DateTimeField(null=True, blank=True)
    consent_observed_at = models.DateTimeField(null=True, blank=True)
    flipped_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When access or scopes were last seen to be lost"
    )
    legacy_login_lost_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when the login of the older interface no longer works"
    )
    fleet_generation = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="The newest pair of tokens there ever was, to know an older one by",
    )
    legacy_generation = models.PositiveIntegerField(
        default=0, editable=False, help_text="The same for the login of the older interface"
    )
    vehicles_listed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="tesla_account_sub_per_mode", fields=["sub", "mode"])]
        indexes = [
            models.Index(fields=["email"], name="tesla_account_email"),
            models.Index(fields=["consent", "id"], name="tesla_account_consent"),
            models.Index(fields=["mode", "consent_observed_at"], name="tesla_account_observed"),
            models.Index(fields=["mode", "flipped_at"], name="tesla_account_flipped"),
        ]
        permissions = [("view_personal_data", "Can see VINs and e-mail addresses unmasked")]

    def __str__(self) -> str:
        return f"Tesla account {str(self.id)[:8]}"
