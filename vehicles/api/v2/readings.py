"""What is read of a car: values from the store (make, model, year, VIN) and live values with their time and unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from vehicles import access, reads
from vehicles.api import serializers
from vehicles.api.endpoint import Endpoint, grant_of, must_be_approved
from vehicles.errors import invalid
from vehicles.models import VehicleGrant
from vehicles.reads import wire_time


class AttributesView(Endpoint):
    """Make, model and year."""

    @extend_schema(
        operation_id="attributes",
        parameters=[serializers.IDENTIFIER],
        responses=serializers.answers(serializers.AttributesSerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """What car it is."""
        grant = grant_of(request, vehicle_id)
        access.require(grant, "read_vehicle_info")
        return Response(attributes_of(grant))


def attributes_of(grant: VehicleGrant) -> dict[str, Any]:
    """Id, make, model and year, from the store."""
    vehicle = grant.connection.vehicle
    public_id = str(grant.connection.public_id)
    return {"id": public_id, "make": "TESLA", "model": vehicle.model, "year": vehicle.year}


class VinView(Endpoint):
    """The vehicle identification number."""

    @extend_schema(
        operation_id="vin",
        parameters=[serializers.IDENTIFIER],
        responses=serializers.answers(serializers.VinSerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """The VIN, 17 characters."""
        grant = grant_of(request, vehicle_id)
        access.require(grant, "read_vin")
        return Response({"vin": grant.connection.vehicle.vin})


class LiveReading(Endpoint):
    """A row of `reads.READS` as an endpoint; `reading` names it."""

    reading: ClassVar[str]

    def get(self, request: Request, vehicle_id: str) -> Response:
        """Ask the car. It is never woken for this."""
        grant = grant_of(request, vehicle_id)
        must_be_approved(grant, reads.READS[self.reading].permission)
        imperial = wants_imperial(request)
        found = reads.read(grant, self.reading, imperial=imperial, now=timezone.now())
        return Response(self.stored(grant) | found.body, headers=headers_of(found))

    def stored(self, grant: VehicleGrant) -> dict[str, Any]:
        """What the store adds in front of the live values."""
        return {}


def wants_imperial(request: Request) -> bool:
    """Whether the caller asks for miles, Fahrenheit and psi. Raises VALIDATION for any other unit system."""
    value = request.headers.get("SC-Unit-System", reads.METRIC).strip().lower()
    if value not in (reads.METRIC, reads.IMPERIAL):
        raise invalid("SC-Unit-System", "must be metric or imperial")
    return value == reads.IMPERIAL


def headers_of_units(*, imperial: bool) -> dict[str, str]:
    """The header of an answer that carries a unit without being a reading."""
    return {"SC-Unit-System": reads.IMPERIAL if imperial else reads.METRIC}


def headers_of(found: reads.Reading) -> dict[str, str]:
    """The headers that tell a reading's age and units; a header without a value is left out."""
    times = {"SC-Data-Age": found.data_age, "SC-Fetched-At": found.fetched_at}
    headers = {name: wire_time(moment) for name, moment in times.items() if moment}
    return headers | ({"SC-Unit-System": found.unit_system} if found.unit_system else {})


def shown(
    operation_id: str, serializer: type[Serializer[Any]]
) -> Callable[[type[LiveReading]], type[LiveReading]]:
    """Describes the GET of a live reading to the schema."""
    return extend_schema_view(
        get=extend_schema(
            operation_id=operation_id,
            parameters=[serializers.IDENTIFIER, serializers.UNIT_SYSTEM],
            responses=serializers.answers(serializer),
        )
    )


@shown("odometer", serializers.OdometerSerializer)
class OdometerView(LiveReading):
    """How far the car was driven."""

    reading = "odometer"


@shown("location", serializers.LocationSerializer)
class LocationView(LiveReading):
    """Where the car is."""

    reading = "location"
