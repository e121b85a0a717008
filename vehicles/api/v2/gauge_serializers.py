"""Serializers of what the car's gauges and equipment answer."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class TirePressureSerializer(serializers.Serializer[Any]):
    frontLeft = serializers.FloatField(help_text="kPa or psi")  # noqa: N815  (names on the wire)
    frontRight = serializers.FloatField()  # noqa: N815
    backLeft = serializers.FloatField()  # noqa: N815
    backRight = serializers.FloatField()  # noqa: N815


class CompassSerializer(serializers.Serializer[Any]):
    direction = serializers.CharField(help_text="N, NE, E, SE, S, SW, W or NW")
    heading = serializers.FloatField(help_text="Degrees; 0 is north")


class SpeedometerSerializer(serializers.Serializer[Any]):
    speed = serializers.FloatField(help_text="km/h or mph")


class CarStatusSerializer(serializers.Serializer[Any]):
    status = serializers.CharField(help_text="ONLINE, ASLEEP, OFFLINE or UNKNOWN")
    inService = serializers.BooleanField(allow_null=True)  # noqa: N815
    gear = serializers.CharField(
        allow_null=True, help_text="PARK, DRIVE, REVERSE or NEUTRAL; null while it cannot be asked"
    )


class AlertSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(allow_null=True)
    dateTime = serializers.DateTimeField(allow_null=True)  # noqa: N815
    audience = serializers.ListField(child=serializers.CharField())
    userText = serializers.CharField(allow_null=True)  # noqa: N815


class AlertsSerializer(serializers.Serializer[Any]):
    alerts = AlertSerializer(many=True, allow_null=True)


class UserProfileSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(allow_null=True)


class SentryModeSerializer(serializers.Serializer[Any]):
    available = serializers.BooleanField(allow_null=True)
    enabled = serializers.BooleanField(allow_null=True)


class StyleSerializer(serializers.Serializer[Any]):
    exteriorColor = serializers.CharField(allow_null=True)  # noqa: N815
    exteriorTrim = serializers.CharField(allow_null=True)  # noqa: N815
    interiorTrim = serializers.CharField(allow_null=True)  # noqa: N815


class WheelSerializer(serializers.Serializer[Any]):
    style = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field's own `style` is never read
    diameter = serializers.FloatField(allow_null=True, help_text="mm")


class DriveUnitSerializer(serializers.Serializer[Any]):
    front = serializers.CharField(allow_null=True)
    rear = serializers.CharField(allow_null=True)


class TeslaAttributesSerializer(serializers.Serializer[Any]):
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
    sentryMode = SentryModeSerializer()  # noqa: N815
    style = StyleSerializer()  # type: ignore[assignment]
    wheel = WheelSerializer()
    driveUnit = DriveUnitSerializer()  # noqa: N815
