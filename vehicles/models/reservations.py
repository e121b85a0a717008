"""Reservations: ids that an application used elsewhere, kept for the car and person they belong to."""

from __future__ import annotations

import uuid

from django.db import models

from vehicles.models.accounts import Mode
from vehicles.models.applications import Application, ApplicationUser


class Reservation(models.Model):
    """One car and user that an application knew before it moved here, until that person connects that car.

    The row goes once both ids were given back, and with the person who took its user id over. `email_checksum` is the
    SHA-256 of the address in small letters: it is only ever compared.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="reservations")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.LIVE)
    vehicle_public_id = models.UUIDField(help_text="The application's id of the car")
    user_public_id = models.UUIDField(help_text="The application's id of the person")
    vin = models.CharField(max_length=17)
    external_id = models.CharField(
        max_length=255, blank=True, help_text="The application's own id for the person"
    )
    email_checksum = models.CharField(max_length=64, blank=True)
    scopes = models.JSONField(default=list, help_text="Permissions that the person had given")
    shared = models.BooleanField(
        default=False,
        help_text="Other users have this car too, so that the car alone does not tell whose row this is",
    )
    claimed_by = models.ForeignKey(
        ApplicationUser,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="reservations",
        help_text="The person who took the user id over, with another car",
    )
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="reservation_once", fields=["application", "vehicle_public_id", "user_public_id"]
            ),
            models.UniqueConstraint(
                name="reservation_car_and_user", fields=["application", "vin", "user_public_id"]
            ),
        ]
        indexes = [
            models.Index(fields=["application", "user_public_id"], name="reservation_user"),
            models.Index(fields=["vin"], name="reservation_vin"),
            models.Index(fields=["vehicle_public_id"], name="reservation_vehicle"),
        ]

    def __str__(self) -> str:
        return f"reservation {str(self.id)[:8]}"
