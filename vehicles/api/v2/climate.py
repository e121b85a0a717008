"""Climate: cabin temperature, defroster, steering wheel heater, and the thermometers."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import errors
from vehicles.api import serializers
from vehicles.api.endpoint import checked
from vehicles.api.v2 import cabin_serializers
from vehicles.api.v2.readings import LiveReading, headers_of_units, shown, wants_imperial
from vehicles.api.v2.sending import described, grant_for, pending_action, pending_command
from vehicles.commands.controls import CONTROLS, Arguments
from vehicles.commands.issuing import carry_out
from vehicles.errors import CatalogueError
from vehicles.reads.cabin import ON_OFF, UNAVAILABLE
from vehicles.reads.values import Units

CABIN_ACTIONS: Final[dict[str, str]] = {
    "START": "start_climate",
    "STOP": "stop_climate",
    "SET": "set_temperature",
}
DEFROSTER_ACTIONS: Final[dict[str, str]] = {"START": "start_defroster", "STOP": "stop_defroster"}
WHEEL_ACTIONS: Final[dict[str, str]] = {"START": "start_steering_wheel", "STOP": "stop_steering_wheel"}
_STATUS_AFTER: Final = {"START": True, "STOP": False}


@shown("tesla_cabin", cabin_serializers.CabinSerializer)
class CabinView(LiveReading):
    """Whether the climate runs, and at which temperature."""

    reading = "cabin"

    @extend_schema(
        operation_id="tesla_control_cabin",
        parameters=[serializers.IDENTIFIER, serializers.UNIT_SYSTEM, serializers.IDEMPOTENCY_KEY],
        request=cabin_serializers.CabinRequest,
        responses=serializers.answers(cabin_serializers.CabinSerializer),
    )
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Start or stop the climate, or set its temperature."""
        grant = grant_for(request, vehicle_id, CONTROLS["start_climate"].permission)
        asked = checked(request, cabin_serializers.CabinRequest)
        action, temperature, units = asked["action"], asked["temperature"], Units(wants_imperial(request))
        wanted = {} if temperature is None else {"temperature": temperature, "imperial": units.imperial}
        command = carry_out(pending_command(request, grant, CABIN_ACTIONS[action], wanted))
        found = _cabin_after(action, wanted, command.arguments if command else {}, units)
        return Response(found, headers=headers_of_units(imperial=units.imperial))


def _cabin_after(action: str, wanted: Arguments, sent: Arguments, units: Units) -> dict[str, Any]:
    """The climate as it is once the car has done it: what was asked for, and what was seen beforehand."""
    celsius = sent.get("celsius")
    kept = None if celsius is None else units.temperature(celsius)
    is_on = _STATUS_AFTER.get(action, bool(sent.get("is_on")))
    return {"status": ON_OFF[is_on], "temperature": wanted.get("temperature", kept)}


@shown("tesla_defroster", cabin_serializers.DefrosterSerializer)
class DefrosterView(LiveReading):
    """Whether the windows are being defrosted."""

    reading = "defroster"

    @described("tesla_control_defroster", serializers.StartStopAction, cabin_serializers.ActionEchoSerializer)
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Start or stop defrosting."""
        action, pending = pending_action(request, vehicle_id, serializers.StartStopAction, DEFROSTER_ACTIONS)
        carry_out(pending)
        return Response({"status": action})


@shown("tesla_steering_wheel", cabin_serializers.SteeringWheelSerializer)
class SteeringWheelView(LiveReading):
    """Whether the steering wheel is heated."""

    reading = "steering_wheel"

    @described(
        "tesla_control_steering_wheel", serializers.StartStopAction, cabin_serializers.ActionEchoSerializer
    )
    def post(self, request: Request, vehicle_id: str) -> Response:
        """Heat the steering wheel or stop that; a car without the heater answers UNAVAILABLE."""
        action, pending = pending_action(request, vehicle_id, serializers.StartStopAction, WHEEL_ACTIONS)
        try:
            carry_out(pending)
        except CatalogueError as error:
            if error.spec is not errors.VEHICLE_NOT_CAPABLE:
                raise
            return Response({"status": UNAVAILABLE})
        return Response({"status": action})


@shown("tesla_exterior_thermometer", cabin_serializers.ThermometerSerializer)
class ExteriorThermometerView(LiveReading):
    """The temperature outside."""

    reading = "exterior_thermometer"


@shown("tesla_interior_thermometer", cabin_serializers.ThermometerSerializer)
class InteriorThermometerView(LiveReading):
    """The temperature inside."""

    reading = "interior_thermometer"
