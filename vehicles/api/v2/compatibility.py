"""Whether a car can be connected and what it can do, before its owner is asked: by VIN, and for all models."""

from __future__ import annotations

from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import compatibility
from vehicles.api.client_authentication import ClientAuthentication
from vehicles.api.endpoint import Endpoint, checked
from vehicles.api.serializers import answers
from vehicles.compatibility import COMBUSTION, ENDPOINTS, Compatibility
from vehicles.errors import invalid
from vehicles.permissions import PERMISSIONS

_ELECTRIC: Final = frozenset(
    each.path for each in ENDPOINTS if each.path.startswith(("/battery", "/charge", "/tesla/charge"))
)
LEVELS: Final[dict[str, Compatibility | frozenset[str]]] = {
    "compatible": COMBUSTION,
    "bev": COMBUSTION,
    "phev": frozenset(),
    "fuel": _ELECTRIC,
    "incompatible": Compatibility(compatibility.VEHICLE_NOT_COMPATIBLE),
    "dinosaur": Compatibility(compatibility.VEHICLE_NOT_COMPATIBLE),
}
"""What a VIN of test mode stands for: the hardware that it lacks, or that it cannot be connected."""


class ScopeField(serializers.CharField):
    """Names of permissions with spaces between them, as a list without repetitions."""

    def to_internal_value(self, data: Any) -> Any:
        """The names; raises for one that is no permission."""
        names = list(dict.fromkeys(super().to_internal_value(data).split()))
        if unknown := [name for name in names if name not in PERMISSIONS]:
            raise serializers.ValidationError(f"has no permission of the name {unknown[0][:100]}")
        return names


class CompatibilityQuery(serializers.Serializer[Any]):
    vin = serializers.RegexField(
        r"^[A-HJ-NPR-Za-hj-npr-z0-9]{17}\Z", error_messages={"invalid": "must be a VIN of 17 characters"}
    )
    scope = ScopeField(max_length=2000, help_text="Names of permissions, with spaces between them")
    country = serializers.RegexField(
        r"^[A-Za-z]{2}\Z",
        default="US",
        error_messages={"invalid": "must be a country of two letters, such as US"},
        help_text="Teslas are served wherever they are",
    )
    flags = serializers.CharField(required=False, max_length=2000, help_text="Taken, and without effect")
    mode = serializers.ChoiceField(["live", "simulated", "test"], default="live")
    test_mode_compatibility_level = serializers.ChoiceField(
        list(LEVELS), required=False, help_text="In mode `test`, in place of what the VIN tells"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Mode `test` needs a level. Raises VALIDATION."""
        if attrs["mode"] == "test" and "test_mode_compatibility_level" not in attrs:
            raise invalid("test_mode_compatibility_level", "is missing")
        return attrs


class CapabilitySerializer(serializers.Serializer[Any]):
    permission = serializers.CharField()
    endpoint = serializers.CharField(help_text="The path under the vehicle")
    capable = serializers.BooleanField()
    reason = serializers.CharField(
        allow_null=True,
        help_text="VEHICLE_NOT_CAPABLE: the car lacks the hardware; SMARTCAR_NOT_CAPABLE: it is not offered here",
    )


class CompatibilitySerializer(serializers.Serializer[Any]):
    compatible = serializers.BooleanField()
    reason = serializers.CharField(
        allow_null=True,
        help_text="MAKE_NOT_COMPATIBLE: no Tesla; VEHICLE_NOT_COMPATIBLE: a model without a connection",
    )
    capabilities = CapabilitySerializer(many=True)


class MatrixQuery(serializers.Serializer[Any]):
    region = serializers.ChoiceField(list(compatibility.REGIONS))
    make = serializers.CharField(
        required=False, max_length=100, help_text="Every make but TESLA has no models"
    )
    scope = ScopeField(required=False, max_length=2000, help_text="Only models that can use all of these")
    type = serializers.ChoiceField(["ICE", "HEV", "PHEV", "BEV"], required=False)
    mode = serializers.ChoiceField(["live", "simulated", "test"], default="live")


class ModelSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    startYear = serializers.IntegerField()  # noqa: N815  (names on the wire)
    endYear = serializers.IntegerField()  # noqa: N815
    type = serializers.CharField()
    endpoints = serializers.ListField(child=serializers.CharField(), help_text="Names for people")
    permissions = serializers.ListField(child=serializers.CharField())


class ModelsByMake(serializers.Serializer[Any]):
    TESLA = ModelSerializer(many=True, required=False)


class CompatibilityView(Endpoint):
    """Whether one car can be connected."""

    authentication_classes = [ClientAuthentication]

    @extend_schema(
        operation_id="compatibility",
        parameters=[CompatibilityQuery],
        responses=answers(CompatibilitySerializer),
    )
    def get(self, request: Request) -> Response:
        """Whether the car with this VIN can be connected, and what it can do of what each permission is good for."""
        asked = checked(request, CompatibilityQuery, query=True)
        found = _in_test(asked) if asked["mode"] == "test" else _by_vin(asked)
        return Response(
            {
                "compatible": found.reason is None,
                "reason": found.reason,
                "capabilities": [
                    {
                        "permission": each.endpoint.permission,
                        "endpoint": each.endpoint.path,
                        "capable": each.reason is None,
                        "reason": each.reason,
                    }
                    for each in found.capabilities
                ],
            }
        )


def _in_test(asked: dict[str, Any]) -> Compatibility:
    level = LEVELS[asked["test_mode_compatibility_level"]]
    return level if isinstance(level, Compatibility) else compatibility.of_hardware(level, asked["scope"])


def _by_vin(asked: dict[str, Any]) -> Compatibility:
    return compatibility.of_vin(asked["vin"].upper(), asked["scope"], timezone.now().year)


class MatrixView(Endpoint):
    """What all models can do."""

    authentication_classes = [ClientAuthentication]

    @extend_schema(
        operation_id="compatibility_matrix",
        parameters=[MatrixQuery],
        responses=answers(ModelsByMake),
    )
    def get(self, request: Request) -> Response:
        """The models of a region by make, with the years and what they can do."""
        asked = checked(request, MatrixQuery, query=True)
        if compatibility.MAKE not in asked.get("make", compatibility.MAKE).upper().split():
            return Response({})
        this_year, models = timezone.now().year, []
        if asked.get("type", compatibility.ENGINE) == compatibility.ENGINE:
            models = list(compatibility.models_of(asked["region"], asked.get("scope", ())))
        return Response(
            {
                compatibility.MAKE: [
                    {
                        "model": model.name,
                        "startYear": model.since,
                        "endYear": model.last_year(this_year),
                        "type": compatibility.ENGINE,
                        "endpoints": [each.name for each in able],
                        "permissions": list(dict.fromkeys(each.permission for each in able)),
                    }
                    for model, able in models
                ]
            }
        )
