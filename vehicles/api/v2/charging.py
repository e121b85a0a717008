"""Battery and charging as the original API has them: levels, starting and stopping, and the charge limit."""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from vehicles.api import serializers
from vehicles.api.endpoint import SENT, checked
from vehicles.api.v2 import charging_serializers
from vehicles.api.v2.readings import LiveReading, shown
from vehicles.api.v2.sending import described, grant_for, pending_action, pending_command
from vehicles.commands.controls import CONTROLS
from vehicles.commands.issuing import carry_out

ACTIONS: Final[dict[str, str]] = {"START": "start_charge", "STOP": "stop_charge"}


@shown("battery", charging_serializers.BatterySerializer)
class BatteryView(LiveReading):
    """How full the battery is and how far it reaches."""

    reading = "battery"


@shown("battery_capacity", charging_serializers.BatteryCapacitySerializer)
class BatteryCapacityView(LiveReading):
    """How much the battery holds."""

    reading = "battery_capacity"


@shown("nominal_capacity", charging_serializers.NominalCapacitySerializer)
class NominalCapacityView(LiveReading):
    """How much the battery held when it was new."""

    reading = "nominal_capacity"


@shown("charge", charging_serializers.ChargeSerializer)
class ChargeView(LiveReading):
    """Whether the car is plugged in and charging."""

    reading = "charge"

    @described("start_or_stop_charge", serializers.StartStopAction)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Start or stop charging."""
        _, pending = pending_action(request, vehicle_id, serializers.StartStopAction, ACTIONS)
        carry_out(pending)
        return Response(SENT)


@shown("charge_limit", charging_serializers.ChargeLimitSerializer)
class ChargeLimitView(LiveReading):
    """Up to where the battery is charged."""

    reading = "charge_limit"

    @described("set_charge_limit", charging_serializers.ChargeLimitRequest)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Set the limit, from half full to full."""
        grant = grant_for(request, vehicle_id, CONTROLS["set_charge_limit"].permission)
        limit = checked(request, charging_serializers.ChargeLimitRequest)["limit"]
        carry_out(pending_command(request, grant, "set_charge_limit", {"percent": round(limit * 100)}))
        return Response(SENT)
