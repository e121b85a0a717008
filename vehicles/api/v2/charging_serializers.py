"""Serializers of what the endpoints of battery and charging take and answer."""

from __future__ import annotations

from typing import Any, Final

from rest_framework import serializers

from vehicles.api.fields import ClockTime, Number, YesOrNo
from vehicles.errors import invalid
from vehicles.reads.charge_schedule import NAMES, START_TIME

LOWEST_LIMIT: Final = 0.5


class BatterySerializer(serializers.Serializer[Any]):
    percentRemaining = serializers.FloatField(help_text="0 to 1")  # noqa: N815  (names on the wire)
    range = serializers.FloatField(help_text="km or miles")


class BatteryCapacitySerializer(serializers.Serializer[Any]):
    capacity = serializers.FloatField(help_text="kWh")


class PossibleCapacitySerializer(serializers.Serializer[Any]):
    capacity = serializers.FloatField(help_text="kWh")
    description = serializers.CharField(allow_null=True)


class FoundCapacitySerializer(serializers.Serializer[Any]):
    nominal = serializers.FloatField(help_text="kWh")
    source = serializers.CharField()  # type: ignore[assignment]  # a field's own `source` is never read


class NominalCapacitySerializer(serializers.Serializer[Any]):
    availableCapacities = PossibleCapacitySerializer(many=True)  # noqa: N815
    capacity = FoundCapacitySerializer(allow_null=True)
    url = serializers.CharField(allow_null=True)


class ChargeSerializer(serializers.Serializer[Any]):
    isPluggedIn = serializers.BooleanField()  # noqa: N815
    state = serializers.CharField(help_text="CHARGING, FULLY_CHARGED or NOT_CHARGING")


class ChargeLimitSerializer(serializers.Serializer[Any]):
    limit = serializers.FloatField(help_text="0 to 1")


class ChargeLimitRequest(serializers.Serializer[Any]):
    limit = Number(min_value=LOWEST_LIMIT, max_value=1, help_text="A number, or one written as text")


class AmmeterSerializer(serializers.Serializer[Any]):
    amperage = serializers.FloatField(help_text="A")


class AmmeterRequest(serializers.Serializer[Any]):
    amperage = serializers.IntegerField(
        min_value=1, max_value=1_000_000, help_text="A; more than the charger gives becomes what it gives"
    )


class VoltmeterSerializer(serializers.Serializer[Any]):
    voltage = serializers.FloatField(help_text="V")


class WattmeterSerializer(serializers.Serializer[Any]):
    wattage = serializers.FloatField(help_text="kW")


class CompletionSerializer(serializers.Serializer[Any]):
    time = serializers.DateTimeField()


class ScheduledTimeSerializer(serializers.Serializer[Any]):
    enabled = serializers.BooleanField()
    time = serializers.CharField(allow_null=True, help_text="HH:mm")


class ChargeScheduleSerializer(serializers.Serializer[Any]):
    departureTime = ScheduledTimeSerializer()  # noqa: N815
    startTime = ScheduledTimeSerializer()  # noqa: N815


class ChargeScheduleRequest(serializers.Serializer[Any]):
    """The original API's page names the switch `enabled` and sends it as `enable`; both are taken."""

    type = serializers.ChoiceField(sorted(NAMES), help_text=f"{START_TIME}, or when charging has to be done")
    enabled = YesOrNo(required=False)
    enable = YesOrNo(required=False)
    time = ClockTime(required=False, help_text="HH:mm; not needed to switch off")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """One switch under the name `enabled`, and a time where it is on. Raises VALIDATION."""
        given = {attrs[name] for name in ("enabled", "enable") if name in attrs}
        if len(given) != 1:
            raise invalid("enabled", "must be true or false")
        on = given.pop()
        if on and "time" not in attrs:
            raise invalid("time", "must be a time of day as HH:mm")
        return {"type": attrs["type"], "enabled": on, "minutes": attrs.get("time", 0)}


class ChargeDetailsSerializer(serializers.Serializer[Any]):
    """Everything Tesla tells of charging; null is what it does not tell."""

    amperage = serializers.FloatField(allow_null=True, help_text="A")
    completionTime = serializers.DateTimeField(allow_null=True)  # noqa: N815
    wattage = serializers.FloatField(allow_null=True, help_text="kW")
    voltage = serializers.FloatField(allow_null=True, help_text="V")
    isPluggedIn = serializers.BooleanField(allow_null=True)  # noqa: N815
    state = serializers.CharField(allow_null=True)
    socLimit = serializers.FloatField(allow_null=True, help_text="0 to 1")  # noqa: N815
    socLimitMax = serializers.FloatField(allow_null=True)  # noqa: N815
    socLimitMin = serializers.FloatField(allow_null=True)  # noqa: N815
    socLimitDefault = serializers.FloatField(allow_null=True)  # noqa: N815
    amperageMaxVehicle = serializers.FloatField(allow_null=True)  # noqa: N815
    amperageMaxCharger = serializers.FloatField(allow_null=True)  # noqa: N815
    amperageRequested = serializers.FloatField(allow_null=True)  # noqa: N815
    energyAdded = serializers.FloatField(allow_null=True, help_text="kWh")  # noqa: N815
    rangeAddedRated = serializers.FloatField(allow_null=True, help_text="km or miles")  # noqa: N815
    rangeAddedIdeal = serializers.FloatField(allow_null=True)  # noqa: N815
    chargeRate = serializers.FloatField(allow_null=True, help_text="km or miles per hour")  # noqa: N815
    connector = serializers.CharField(allow_null=True)
    fastChargerPresent = serializers.BooleanField(allow_null=True)  # noqa: N815
    fastChargerType = serializers.CharField(allow_null=True)  # noqa: N815
    fastChargerBrand = serializers.CharField(allow_null=True)  # noqa: N815
    chargePortColor = serializers.CharField(allow_null=True)  # noqa: N815
    chargePortOpen = serializers.BooleanField(allow_null=True)  # noqa: N815
    chargePortLatch = serializers.CharField(allow_null=True)  # noqa: N815
    chargerPhases = serializers.FloatField(allow_null=True)  # noqa: N815
