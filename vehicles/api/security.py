"""Locks: whether the car is locked and what stands open, and locking and unlocking it."""

from __future__ import annotations

from typing import Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import commands
from vehicles.api import shapes
from vehicles.api.endpoint import SENT, checked, grant_of, idempotency_key, must_be_approved
from vehicles.api.readings import LiveReading
from vehicles.controls import CONTROLS

ACTIONS: Final[dict[str, str]] = {"LOCK": "lock", "UNLOCK": "unlock"}
"""The action in the body, and the control that it is."""


@extend_schema_view(
    get=extend_schema(
        operation_id="lock_status",
        parameters=[shapes.IDENTIFIER, shapes.UNIT_SYSTEM],
        responses=shapes.answers(shapes.SecurityShape),
    )
)
class SecurityView(LiveReading):
    """Locks, doors, windows, trunks and charge port."""

    reading = "security"

    @extend_schema(
        operation_id="lock_or_unlock",
        parameters=[shapes.IDENTIFIER, shapes.IDEMPOTENCY_KEY],
        request=shapes.SecurityAction,
        responses=shapes.answers(shapes.SentShape),
    )
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Lock or unlock the vehicle. A wrong body is refused before anything is sent."""
        grant = grant_of(request, vehicle_id)
        must_be_approved(grant, CONTROLS["lock"].permission)
        action = checked(request, shapes.SecurityAction)["action"]
        key = idempotency_key(request)
        commands.issue(grant, ACTIONS[action], {}, now=timezone.now(), idempotency_key=key)
        return Response(SENT)
