"""How often Tesla was asked in the current minute, shared by all processes."""

from __future__ import annotations

from django.db import models


class RateBudget(models.Model):
    """Calls of one kind about one subject (a car or an account) in one minute; the row is reused minute by minute."""

    kind = models.CharField(max_length=10)
    subject = models.UUIDField()
    minute = models.BigIntegerField(help_text="Minutes since 1970")
    used = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="rate_budget_once", fields=["subject", "kind"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.used}"
