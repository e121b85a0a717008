"""Past charging at Tesla's public chargers: energy a day, and sessions with their cost."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from vehicles.api.endpoint import Endpoint, checked, grant_of, must_be_approved
from vehicles.api.serializers import IDENTIFIER, answers
from vehicles.api.v2.readings import headers_of
from vehicles.models import VehicleGrant
from vehicles.reads import Reading, charge_records

_DAY = ("%Y-%m-%d",)


class ChargePeriod(serializers.Serializer[Any]):
    """The days asked for; the last 30, or those since the car was connected, where nothing is said."""

    startDate = serializers.DateField(input_formats=_DAY, required=False)  # noqa: N815  (names on the wire)
    endDate = serializers.DateField(input_formats=_DAY, required=False)  # noqa: N815


class BillingPage(ChargePeriod):
    """As `ChargePeriod`, and which of Tesla's pages."""

    page = serializers.IntegerField(min_value=1, max_value=10_000, default=1, help_text="1 has the newest")


class DaySerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    home = serializers.FloatField(allow_null=True, help_text="kWh; always null: Tesla does not tell")
    other = serializers.FloatField(allow_null=True, help_text="kWh; always null: Tesla does not tell")
    superCharger = serializers.FloatField(  # noqa: N815
        allow_null=True, help_text="kWh; null where a session was not sold by kWh"
    )
    total = serializers.FloatField(allow_null=True, help_text="kWh; null while parts of it are not known")


class RecordsSerializer(serializers.Serializer[Any]):
    records = DaySerializer(many=True)


class CostSerializer(serializers.Serializer[Any]):
    currency = serializers.CharField(allow_null=True)
    energy = serializers.FloatField(allow_null=True)
    other = serializers.FloatField(allow_null=True, help_text="Parking, congestion and the like")


class BillSerializer(serializers.Serializer[Any]):
    chargeStart = serializers.DateTimeField()  # noqa: N815
    chargeEnd = serializers.DateTimeField(allow_null=True)  # noqa: N815
    energyConsumed = serializers.FloatField(allow_null=True, help_text="kWh")  # noqa: N815
    cost = CostSerializer()
    location = serializers.CharField(allow_null=True)
    recordId = serializers.CharField(allow_null=True)  # noqa: N815


class BillingSerializer(serializers.Serializer[Any]):
    records = BillSerializer(many=True)
    hasMoreData = serializers.BooleanField(  # noqa: N815
        help_text="Ask for the next page as long as this is true, even after an empty one"
    )


class RecordsView(Endpoint):
    """What the car took at public chargers, day by day."""

    @extend_schema(
        operation_id="tesla_charge_records",
        parameters=[IDENTIFIER, ChargePeriod],
        responses=answers(RecordsSerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """Energy a day, newest first; days without such a session are left out."""
        grant, asked, _ = _asked(request, vehicle_id, ChargePeriod)
        return _answer(charge_records.records(grant, asked, timezone.now()))


class BillingView(Endpoint):
    """Sessions at public chargers and what they cost."""

    @extend_schema(
        operation_id="tesla_charge_records_billing",
        parameters=[IDENTIFIER, BillingPage],
        responses=answers(BillingSerializer),
    )
    def get(self, request: Request, vehicle_id: str) -> Response:
        """One page of sessions, newest first."""
        grant, asked, query = _asked(request, vehicle_id, BillingPage)
        return _answer(charge_records.billing(grant, asked, query["page"], timezone.now()))


def _asked(
    request: Request, vehicle_id: str, serializer: type[ChargePeriod]
) -> tuple[VehicleGrant, charge_records.Period, dict[str, Any]]:
    """The grant, the days and the query behind a request for past charging."""
    grant = grant_of(request, vehicle_id)
    must_be_approved(grant, charge_records.PERMISSION)
    query = checked(request, serializer, query=True)
    today = timezone.now().date()
    return grant, charge_records.period(grant, query.get("startDate"), query.get("endDate"), today), query


def _answer(found: Reading) -> Response:
    return Response(found.body, headers=headers_of(found))
