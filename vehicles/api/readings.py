"""What is read of a car: values from the store (make, model, year, VIN) and live values with their time and unit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles import access, reads
from vehicles.api import shapes
from vehicles.api.endpoint import Endpoint, grant_of, must_be_approved
from vehicles.errors import invalid


class AttributesView(Endpoint):
    """Make, model and year."""

    @extend_schema(
        operation_id="attributes",
        parameters=[shapes.IDENTIFIER],
        responses=shapes.answers(shapes.AttributesShape),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """What car it is."""
        grant = grant_of(request, vehicle_id)
        access.require(grant, "read_vehicle_info")
        vehicle = grant.connection.vehicle
        public_id = str(grant.connection.public_id)
        return Response({"id": public_id, "make": "TESLA", "model": vehicle.model, "year": vehicle.year})


class VinView(Endpoint):
    """The vehicle identification number."""

    @extend_schema(
        operation_id="vin", parameters=[shapes.IDENTIFIER], responses=shapes.answers(shapes.VinShape)
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
        return Response(found.body, headers=headers_of(found))


def wants_imperial(request: Request) -> bool:
    """Whether the caller asks for miles. Raises VALIDATION for a unit system that is neither metric nor imperial."""
    value = request.headers.get("SC-Unit-System", "").strip().lower() or reads.METRIC
    if value not in (reads.METRIC, reads.IMPERIAL):
        raise invalid("SC-Unit-System", "must be metric or imperial")
    return value == reads.IMPERIAL


def headers_of(found: reads.Reading) -> dict[str, str]:
    """The headers that tell a reading's age and units; a header without a value is left out."""
    times = {"SC-Data-Age": found.data_age, "SC-Fetched-At": found.fetched_at}
    headers = {name: wire_time(moment) for name, moment in times.items() if moment}
    return headers | ({"SC-Unit-System": found.unit_system} if found.unit_system else {})


def wire_time(moment: datetime) -> str:
    """`2026-01-31T08:15:00.123Z`: the only pattern that the Java SDK can read."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


@extend_schema_view(
    get=extend_schema(
        operation_id="battery",
        parameters=[shapes.IDENTIFIER, shapes.UNIT_SYSTEM],
        responses=shapes.answers(shapes.BatteryShape),
    )
)
class BatteryView(LiveReading):
    """How full the battery is and how far it reaches."""

    reading = "battery"


@extend_schema_view(
    get=extend_schema(
        operation_id="charge",
        parameters=[shapes.IDENTIFIER, shapes.UNIT_SYSTEM],
        responses=shapes.answers(shapes.ChargeShape),
    )
)
class ChargeView(LiveReading):
    """Whether the car is plugged in and charging."""

    reading = "charge"


@extend_schema_view(
    get=extend_schema(
        operation_id="odometer",
        parameters=[shapes.IDENTIFIER, shapes.UNIT_SYSTEM],
        responses=shapes.answers(shapes.OdometerShape),
    )
)
class OdometerView(LiveReading):
    """How far the car was driven."""

    reading = "odometer"


@extend_schema_view(
    get=extend_schema(
        operation_id="location",
        parameters=[shapes.IDENTIFIER, shapes.UNIT_SYSTEM],
        responses=shapes.answers(shapes.LocationShape),
    )
)
class LocationView(LiveReading):
    """Where the car is."""

    reading = "location"
