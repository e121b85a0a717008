"""Serializers of what the endpoints of climate and temperature take and answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from vehicles.api.fields import Number
from vehicles.errors import invalid


class CabinSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ON or OFF")
    temperature = serializers.FloatField(allow_null=True, help_text="The target, in °C or °F")


class CabinRequest(serializers.Serializer[Any]):
    """SET changes only the temperature; START may bring one along."""

    action = serializers.ChoiceField(["START", "STOP", "SET"])
    temperature = Number(required=False, help_text="°C or °F")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """SET needs a temperature, STOP has none. Raises VALIDATION."""
        if attrs["action"] == "SET" and "temperature" not in attrs:
            raise invalid("temperature", "is missing")
        wanted = None if attrs["action"] == "STOP" else attrs.get("temperature")
        return {"action": attrs["action"], "temperature": wanted}


class DefrosterSerializer(serializers.Serializer[Any]):
    frontStatus = serializers.CharField(help_text="ON or OFF")  # noqa: N815
    rearStatus = serializers.CharField(help_text="ON or OFF")  # noqa: N815


class SteeringWheelSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ON, OFF or UNAVAILABLE")


class ActionEchoSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="The action, or UNAVAILABLE")


class ThermometerSerializer(serializers.Serializer[Any]):
    temperature = serializers.FloatField(help_text="°C or °F")
