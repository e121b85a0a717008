"""The shapes of what the car's gauges and equipment answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class TirePressureShape(serializers.Serializer[Any]):
    frontLeft = serializers.FloatField(help_text="kPa or psi")  # noqa: N815  (names on the wire)
    frontRight = serializers.FloatField()  # noqa: N815
    backLeft = serializers.FloatField()  # noqa: N815
    backRight = serializers.FloatField()  # noqa: N815


class CompassShape(serializers.Serializer[Any]):
    direction = serializers.CharField(help_text="N, NE, E, SE, S, SW, W or NW")
    heading = serializers.FloatField(help_text="Degrees; 0 is north")


class SpeedometerShape(serializers.Serializer[Any]):
    speed = serializers.FloatField(help_text="km/h or mph")


class CarStatusShape(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ONLINE, ASLEEP, OFFLINE or UNKNOWN")
    inService = serializers.BooleanField(allow_null=True)  # noqa: N815
    gear = serializers.CharField(
        allow_null=True, help_text="PARK, DRIVE, REVERSE or NEUTRAL; null while it cannot be asked"
    )


class AlertShape(serializers.Serializer[Any]):
    name = serializers.CharField(allow_null=True)
    dateTime = serializers.DateTimeField(allow_null=True)  # noqa: N815
    audience = serializers.ListField(child=serializers.CharField())
    userText = serializers.CharField(allow_null=True)  # noqa: N815


class AlertsShape(serializers.Serializer[Any]):
    alerts = AlertShape(many=True, allow_null=True)


class UserProfileShape(serializers.Serializer[Any]):
    email = serializers.CharField(allow_null=True)


class SentryModeShape(serializers.Serializer[Any]):
    available = serializers.BooleanField(allow_null=True)
    enabled = serializers.BooleanField(allow_null=True)


class StyleShape(serializers.Serializer[Any]):
    exteriorColor = serializers.CharField(allow_null=True)  # noqa: N815
    exteriorTrim = serializers.CharField(allow_null=True)  # noqa: N815
    interiorTrim = serializers.CharField(allow_null=True)  # noqa: N815


class WheelShape(serializers.Serializer[Any]):
    style = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field's own `style` is never read
    diameter = serializers.FloatField(allow_null=True, help_text="mm")


class DriveUnitShape(serializers.Serializer[Any]):
    front = serializers.CharField(allow_null=True)
    rear = serializers.CharField(allow_null=True)


class TeslaAttributesShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    make = serializers.CharField()
    model = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    firmwareVersion = serializers.CharField(allow_null=True)  # noqa: N815
    trimBadging = serializers.CharField(allow_null=True)  # noqa: N815
    efficiencyPackage = serializers.CharField(allow_null=True)  # noqa: N815
    performancePackage = serializers.CharField(allow_null=True)  # noqa: N815
    nickname = serializers.CharField(allow_null=True)
    driverAssistVersion = serializers.CharField(allow_null=True)  # noqa: N815
    atHome = serializers.BooleanField(allow_null=True)  # noqa: N815
    sentryMode = SentryModeShape()  # noqa: N815
    style = StyleShape()  # type: ignore[assignment]
    wheel = WheelShape()
    driveUnit = DriveUnitShape()  # noqa: N815
