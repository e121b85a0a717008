"""Trunk and front trunk."""

from __future__ import annotations

from typing import Final

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import errors, pairing
from vehicles.api import serializers
from vehicles.api.endpoint import SENT, Endpoint, checked
from vehicles.api.v2.sending import described, grant_for, pending_action, pending_command
from vehicles.commands.controls import CONTROLS
from vehicles.commands.issuing import carry_out
from vehicles.errors import CatalogueError

TRUNK_ACTIONS: Final[dict[str, str]] = {"OPEN": "open_trunk", "CLOSE": "close_trunk"}


class TrunkView(Endpoint):
    """The trunk at the back."""

    @described("tesla_trunk", serializers.OpenCloseAction)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Open or close it; nothing is sent to a car whose trunk stands as wanted."""
        _, pending = pending_action(request, vehicle_id, serializers.OpenCloseAction, TRUNK_ACTIONS)
        carry_out(pending)
        return Response(SENT)


class FrunkView(Endpoint):
    """The trunk at the front."""

    @described("tesla_frunk", serializers.OpenCloseAction)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Open it. No Tesla closes it by itself."""
        permission = CONTROLS["open_frunk"].permission
        grant = grant_for(request, vehicle_id, permission)
        if checked(request, serializers.OpenCloseAction)["action"] == "CLOSE":
            pairing.require_key(grant, permission, timezone.now())
            raise CatalogueError(errors.VEHICLE_NOT_CAPABLE, reason="no motor closes the front trunk")
        carry_out(pending_command(request, grant, "open_frunk", {}))
        return Response(SENT)
