"""PIN to drive: four digits that the car asks for before it can be driven."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from vehicles.api import serializers
from vehicles.api.endpoint import SENT, Endpoint, checked
from vehicles.api.v2.sending import described, grant_for, pending_command
from vehicles.commands.controls import CONTROLS
from vehicles.commands.issuing import carry_out


class PinView(Endpoint):
    """The PIN is passed on to the car and never stored."""

    @described("tesla_set_pin", serializers.PinRequest)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Set the PIN, in the place of an older one, and let the car ask for it."""
        grant = grant_for(request, vehicle_id, CONTROLS["set_pin"].permission)
        carry_out(pending_command(request, grant, "set_pin", checked(request, serializers.PinRequest)))
        return Response(SENT)

    @described("tesla_clear_pin", None)
    def delete(self, request: Request, vehicle_id: str) -> Response:
        """Remove the PIN, so that the car no longer asks."""
        grant = grant_for(request, vehicle_id, CONTROLS["clear_pin"].permission)
        carry_out(pending_command(request, grant, "clear_pin", {}))
        return Response(SENT)
