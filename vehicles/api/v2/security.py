"""Locks: whether the car is locked and what stands open, and locking and unlocking it."""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from vehicles.api import serializers
from vehicles.api.endpoint import SENT
from vehicles.api.v2.readings import LiveReading, shown
from vehicles.api.v2.sending import described, pending_action
from vehicles.commands.issuing import carry_out

ACTIONS: Final[dict[str, str]] = {"LOCK": "lock", "UNLOCK": "unlock"}
"""The action in the body, and the control that it is."""


@shown("lock_status", serializers.SecuritySerializer)
class SecurityView(LiveReading):
    """Locks, doors, windows, trunks and charge port."""

    reading = "security"

    @described("lock_or_unlock", serializers.SecurityAction)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Lock or unlock the vehicle. A wrong body is refused before anything is sent."""
        _, pending = pending_action(request, vehicle_id, serializers.SecurityAction, ACTIONS)
        carry_out(pending)
        return Response(SENT)
