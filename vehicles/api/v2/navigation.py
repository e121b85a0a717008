"""Navigation: destinations for the car."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles.api import serializers
from vehicles.api.endpoint import SENT, Endpoint, checked
from vehicles.api.v2.sending import described, grant_for, pending_command
from vehicles.commands.controls import CONTROLS
from vehicles.commands.issuing import carry_out


class DestinationView(Endpoint):
    """Where the car's navigation leads."""

    @described("send_destination", serializers.DestinationRequest)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Send a place to the car. Tesla's servers do it, so no car needs the virtual key for it."""
        grant = grant_for(request, vehicle_id, CONTROLS["send_destination"].permission)
        place = checked(request, serializers.DestinationRequest)
        at = {"timestamp_ms": int(timezone.now().timestamp() * 1000)}
        carry_out(pending_command(request, grant, "send_destination", place | at))
        return Response(SENT)
