"""How often signing in was tried, shared by all processes."""

from __future__ import annotations

from django.db import models


class SignInTally(models.Model):
    """Attempts counted for one subject in one period. Whose they are cannot be read: the subject is a keyed hash."""

    subject = models.CharField(
        max_length=64, help_text="Keyed hash of an address, or of a name and an address"
    )
    period = models.BigIntegerField(help_text="Quarters of an hour since 1970")
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="sign_in_tally_once", fields=["subject", "period"])]
        indexes = [models.Index(fields=["period"], name="sign_in_tally_period")]

    def __str__(self) -> str:
        return f"{self.subject[:8]} {self.used}"
