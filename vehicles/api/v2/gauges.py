"""Gauges and equipment: what a Tesla tells of itself beside battery, locks and climate."""

from __future__ import annotations

from typing import Any

from vehicles.api.v2 import gauge_serializers
from vehicles.api.v2.readings import LiveReading, attributes_of, shown
from vehicles.models import VehicleGrant


@shown("tire_pressure", gauge_serializers.TirePressureSerializer)
class TirePressureView(LiveReading):
    """The pressure of each tire."""

    reading = "tires"


@shown("tesla_status", gauge_serializers.CarStatusSerializer)
class CarStatusView(LiveReading):
    """Whether the car is awake, in service, and in which gear."""

    reading = "status"


@shown("tesla_compass", gauge_serializers.CompassSerializer)
class CompassView(LiveReading):
    """Which way the car points."""

    reading = "compass"


@shown("tesla_speedometer", gauge_serializers.SpeedometerSerializer)
class SpeedometerView(LiveReading):
    """How fast the car is going."""

    reading = "speedometer"


@shown("tesla_alerts", gauge_serializers.AlertsSerializer)
class AlertsView(LiveReading):
    """What the car complained about of late."""

    reading = "alerts"


@shown("tesla_user_info", gauge_serializers.UserProfileSerializer)
class UserProfileView(LiveReading):
    """Whose Tesla account it is."""

    reading = "user_profile"


@shown("tesla_attributes", gauge_serializers.TeslaAttributesSerializer)
class TeslaAttributesView(LiveReading):
    """What car it is, and its equipment."""

    reading = "equipment"

    def stored(self, grant: VehicleGrant) -> dict[str, Any]:
        """Id, make, model and year."""
        return attributes_of(grant)
