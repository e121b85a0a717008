"""Charging as only Teslas tell and take it: current, voltage, power, schedule and charge port."""

from __future__ import annotations

from typing import Final

from rest_framework.request import Request
from rest_framework.response import Response

from vehicles.api import serializers
from vehicles.api.endpoint import SENT, Endpoint, checked
from vehicles.api.v2 import charging_serializers
from vehicles.api.v2.readings import LiveReading, shown
from vehicles.api.v2.sending import described, grant_for, pending_action, pending_command
from vehicles.commands.controls import CONTROLS
from vehicles.commands.issuing import carry_out
from vehicles.reads import charge_schedule

PORT_ACTIONS: Final[dict[str, str]] = {"OPEN": "open_charge_port", "CLOSE": "close_charge_port"}


@shown("tesla_charge", charging_serializers.ChargeDetailsSerializer)
class ChargeDetailsView(LiveReading):
    """Everything Tesla tells of charging."""

    reading = "charge_details"


@shown("tesla_ammeter", charging_serializers.AmmeterSerializer)
class AmmeterView(LiveReading):
    """The charging current."""

    reading = "ammeter"

    @described("tesla_set_ammeter", charging_serializers.AmmeterRequest)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Set the current with which the car charges; the answer tells the one that was sent."""
        grant = grant_for(request, vehicle_id, CONTROLS["set_amperage"].permission)
        asked = checked(request, charging_serializers.AmmeterRequest)
        command = carry_out(pending_command(request, grant, "set_amperage", asked))
        amperage = command.arguments["charging_amps"] if command else asked["amperage"]
        return Response(SENT | {"message": f"Successfully sent the following amperage: {amperage}"})


@shown("tesla_voltmeter", charging_serializers.VoltmeterSerializer)
class VoltmeterView(LiveReading):
    """The charging voltage."""

    reading = "voltmeter"


@shown("tesla_wattmeter", charging_serializers.WattmeterSerializer)
class WattmeterView(LiveReading):
    """The charging power."""

    reading = "wattmeter"


@shown("tesla_charge_completion", charging_serializers.CompletionSerializer)
class ChargeCompletionView(LiveReading):
    """When charging will be done."""

    reading = "charge_completion"


@shown("tesla_charge_schedule", charging_serializers.ChargeScheduleSerializer)
class ChargeScheduleView(LiveReading):
    """When the car charges by itself."""

    reading = "charge_schedule"

    @described(
        "tesla_set_charge_schedule",
        charging_serializers.ChargeScheduleRequest,
        charging_serializers.ChargeScheduleSerializer,
    )
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Set when charging starts, or by when it is done; the other of the two is off then."""
        grant = grant_for(request, vehicle_id, CONTROLS["set_charge_schedule"].permission)
        asked = checked(request, charging_serializers.ChargeScheduleRequest)
        carry_out(pending_command(request, grant, "set_charge_schedule", asked))
        kind = asked["type"] if asked["enabled"] else None
        return Response(charge_schedule.body(kind, {asked["type"]: asked["minutes"]}))


class ChargePortView(Endpoint):
    """The flap of the charge port."""

    @described("tesla_charge_port_door", serializers.OpenCloseAction)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Open or close it."""
        _, pending = pending_action(request, vehicle_id, serializers.OpenCloseAction, PORT_ACTIONS)
        carry_out(pending)
        return Response(SENT)
