"""Serializers of bodies and queries: they check what comes in and describe to the schema what goes out."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from vehicles.api.fields import Number
from vehicles.diagnosis import Verdict
from vehicles.permissions import PERMISSIONS

MOST_PER_PAGE: Final = 50

IDENTIFIER: Final = OpenApiParameter(
    "vehicle_id", str, OpenApiParameter.PATH, description="The application's id of the vehicle"
)
UNIT_SYSTEM: Final = OpenApiParameter(
    "SC-Unit-System",
    str,
    OpenApiParameter.HEADER,
    enum=["metric", "imperial"],
    description="Units of the answer; metric where the header is missing",
)

IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A repeat under the same key within 24 hours gets the first call's outcome; nothing is sent again",
)


class Page(serializers.Serializer[Any]):
    """Which part of the vehicle list is asked for."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST_PER_PAGE, default=10)
    offset = serializers.IntegerField(min_value=0, max_value=2**31, default=0)


class PermissionsPage(Page):
    """As `Page`, but a caller who does not page gets every permission."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST_PER_PAGE, default=MOST_PER_PAGE)


class Paging(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Size of the whole set")
    offset = serializers.IntegerField()


class UserSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()


class VehiclesSerializer(serializers.Serializer[Any]):
    vehicles = serializers.ListField(child=serializers.UUIDField())
    paging = Paging()


class AttributesSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    make = serializers.CharField()
    model = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)


class VinSerializer(serializers.Serializer[Any]):
    vin = serializers.CharField()


class PermissionsSerializer(serializers.Serializer[Any]):
    permissions = serializers.ListField(child=serializers.CharField())
    paging = Paging()


class StatusSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()


class SubscriptionSerializer(serializers.Serializer[Any]):
    vehicleId = serializers.UUIDField()  # noqa: N815
    webhookId = serializers.UUIDField()  # noqa: N815


class SentSerializer(StatusSerializer):
    message = serializers.CharField()


class OdometerSerializer(serializers.Serializer[Any]):
    distance = serializers.FloatField(help_text="km or miles")


class LocationSerializer(serializers.Serializer[Any]):
    latitude = serializers.FloatField()
    longitude = serializers.FloatField()


class OpeningSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    status = serializers.CharField(help_text="OPEN, CLOSED or UNKNOWN")


class SecuritySerializer(serializers.Serializer[Any]):
    isLocked = serializers.BooleanField()  # noqa: N815
    doors = OpeningSerializer(many=True)
    windows = OpeningSerializer(many=True)
    sunroof = OpeningSerializer(many=True)
    storage = OpeningSerializer(many=True)
    chargingPort = OpeningSerializer(many=True)  # noqa: N815


class SecurityAction(serializers.Serializer[Any]):
    action = serializers.ChoiceField(["LOCK", "UNLOCK"])


class OpenCloseAction(serializers.Serializer[Any]):
    action = serializers.ChoiceField(["OPEN", "CLOSE"])


class StartStopAction(serializers.Serializer[Any]):
    action = serializers.ChoiceField(["START", "STOP"])


class DestinationRequest(serializers.Serializer[Any]):
    latitude = Number(min_value=-90, max_value=90)
    longitude = Number(min_value=-180, max_value=180)


class PinRequest(serializers.Serializer[Any]):
    pin = serializers.RegexField(
        r"^[0-9]{4}\Z", write_only=True, error_messages={"invalid": "must be four digits"}
    )


class VirtualKeySerializer(serializers.Serializer[Any]):
    isPaired = serializers.BooleanField()  # noqa: N815


class MigrationSerializer(serializers.Serializer[Any]):
    requiresMigration = serializers.BooleanField()  # noqa: N815


class UserAccessSerializer(serializers.Serializer[Any]):
    accessType = serializers.CharField(allow_null=True, help_text="OWNER or DRIVER")  # noqa: N815
    permissions = serializers.ListField(child=serializers.CharField(), allow_null=True)


class AskedPermission(serializers.Serializer[Any]):
    """What a diagnosis is asked for; without it, the worst of what was granted."""

    permission = serializers.ChoiceField(list(PERMISSIONS), required=False)


class DiagnosisSerializer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(
        [str(value) for value in Verdict],
        help_text="Whether all of what was granted works, as far as is known, some of it or nothing. unproven: nothing "
        "known is wrong, but whether the key that commands need is on the vehicle was not seen, or the sources "
        "disagree; commands are sent all the same",
    )
    causes = serializers.ListField(child=serializers.DictField())
    error = serializers.DictField(
        allow_null=True, help_text="type and code of the error that a call gets now"
    )
    actions = serializers.ListField(child=serializers.DictField())
    axes = serializers.DictField()


class ResolutionSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(allow_null=True)
    url = serializers.CharField(required=False)


class DetailSerializer(serializers.Serializer[Any]):
    """A field that is wrong, or the batteries among which one would have to be chosen."""

    field = serializers.CharField(required=False)
    message = serializers.CharField(required=False)
    capacities = serializers.ListField(child=serializers.DictField(), required=False)


class ErrorSerializer(serializers.Serializer[Any]):
    """Every error of the API, whatever its status."""

    type = serializers.CharField()
    code = serializers.CharField(allow_null=True)
    description = serializers.CharField()
    docURL = serializers.CharField()  # noqa: N815
    statusCode = serializers.IntegerField()  # noqa: N815
    requestId = serializers.UUIDField()  # noqa: N815
    resolution = ResolutionSerializer()
    suggestedUserMessage = serializers.CharField(required=False)  # noqa: N815
    detail = DetailSerializer(many=True, required=False)


def answers(
    serializer: type[serializers.Serializer[Any]],
) -> dict[int | str, type[serializers.Serializer[Any]]]:
    """What an endpoint answers: what this describes, or an error."""
    return {200: serializer, "default": ErrorSerializer}
