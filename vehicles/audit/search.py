"""Looking rows up by what somebody has at hand: an id of ours or of an application, a VIN, an e-mail address."""

from __future__ import annotations

import uuid
from functools import reduce
from operator import or_
from typing import Any, Final, TypeVar

from django.db.models import Model, Q, QuerySet

from vehicles.client_credentials import checksum
from vehicles.models import (
    Command,
    Event,
    RefusedRequest,
    Reservation,
    TeslaAccount,
    Vehicle,
    VehicleAccess,
    VehicleGrant,
)

Row = TypeVar("Row", bound=Model)

_VIN_LENGTH: Final = 17


def find_vehicles(vehicles: QuerySet[Vehicle], text: str, *, by_person: bool) -> QuerySet[Vehicle]:
    """Look cars up by our id or by an application's id of them.

    `by_person` adds what only those who see personal data may search: a VIN or its beginning, and the e-mail address
    of an account that can reach the car. A search tells whether its text is there, so others could spell a VIN out.
    """
    wanted = text.strip()
    as_id = _as_uuid(wanted)
    if as_id is not None:
        return vehicles.filter(Q(pk=as_id) | Q(pk__in=_known_as(as_id)))
    if "@" in wanted:
        of_person = VehicleAccess.objects.filter(account__email=wanted.lower())
        return vehicles.filter(pk__in=of_person.values("vehicle")) if by_person else vehicles.none()
    return vehicles.filter(_vin_condition(wanted.upper())) if by_person else vehicles.none()


def find_grants(grants: QuerySet[VehicleGrant], text: str, *, by_person: bool) -> QuerySet[VehicleGrant]:
    """Look grants up by their own id, or by anything that finds their car."""
    as_id = _as_uuid(text.strip())
    found = find_vehicles(Vehicle.objects.all(), text, by_person=by_person).values("pk")
    own = Q(pk=as_id) if as_id is not None else Q()
    return grants.filter(own | Q(connection__vehicle__in=found))


def find_accounts(accounts: QuerySet[TeslaAccount], text: str, *, by_person: bool) -> QuerySet[TeslaAccount]:
    """Look accounts up by our id of the account or of the person; by e-mail address with `by_person`."""
    wanted = text.strip()
    as_id = _as_uuid(wanted)
    if as_id is not None:
        known = Q(pk=as_id) | Q(person=as_id) | Q(person__application_users__public_id=as_id)
        return accounts.filter(pk__in=TeslaAccount.objects.filter(known).values("pk"))
    return accounts.filter(email=wanted.lower()) if by_person and wanted else accounts.none()


def find_commands(commands: QuerySet[Command], text: str, *, by_person: bool) -> QuerySet[Command]:
    """Look commands up by their own id, by request id, or by anything that finds their car."""
    wanted = text.strip()
    cars = find_vehicles(Vehicle.objects.all(), wanted, by_person=by_person).values("pk")
    as_id = _as_uuid(wanted)
    own = Q(pk=as_id) | Q(request_id=str(as_id)) if as_id is not None else Q()
    return commands.filter(own | Q(grant__connection__vehicle__in=cars))


def find_events(events: QuerySet[Event], text: str) -> QuerySet[Event]:
    """Look events up by request id, or by the id of a car, account or grant that they are about."""
    as_id = _as_uuid(text.strip())
    if as_id is None:
        return events.none()
    about = Q(vehicle_id=as_id) | Q(account_id=as_id) | Q(grant_id=as_id)
    return events.filter(about | Q(request_id=str(as_id)))


def find_refused_requests(
    refused: QuerySet[RefusedRequest], text: str, *, by_person: bool
) -> QuerySet[RefusedRequest]:
    """Look refused requests up by request id, or by anything that finds their car."""
    as_id = _as_uuid(text.strip())
    cars = find_vehicles(Vehicle.objects.all(), text, by_person=by_person).values("pk")
    own = Q(request_id=str(as_id)) if as_id is not None else Q()
    return refused.filter(own | Q(vehicle_id__in=cars))


def find_request(model: type[Row], text: str) -> QuerySet[Row]:
    """The rows, of any model with a `request_id`, that tell of the request with this id; none for no id."""
    as_id = _as_uuid(text.strip())
    rows = model._default_manager
    return rows.none() if as_id is None else rows.filter(request_id=str(as_id))


def find_reservations(
    reservations: QuerySet[Reservation, Any], text: str, *, by_person: bool
) -> QuerySet[Reservation, Any]:
    """Look reservations up by an id in them; by VIN or e-mail address with `by_person`."""
    wanted = text.strip()
    as_id = _as_uuid(wanted)
    if as_id is not None:
        return reservations.filter(Q(pk=as_id) | Q(vehicle_public_id=as_id) | Q(user_public_id=as_id))
    if not by_person:
        return reservations.none()
    if "@" in wanted:
        return reservations.filter(email_checksum=checksum(wanted.lower()))
    return reservations.filter(_vin_condition(wanted.upper()))


def with_id(rows: QuerySet[Row], text: str, *fields: str) -> QuerySet[Row]:
    """The rows of which one of the fields is this id; none when the text is no id."""
    as_id = _as_uuid(text.strip())
    if as_id is None:
        return rows.none()
    return rows.filter(reduce(or_, (Q(**{field: as_id}) for field in fields)))


def _known_as(public_id: uuid.UUID) -> QuerySet[Vehicle, Any]:
    return Vehicle.objects.filter(connections__public_id=public_id).values("pk")


def _vin_condition(wanted: str) -> Q:
    if len(wanted) >= _VIN_LENGTH:
        return Q(vin=wanted)
    # A range, because databases use the index for it in every collation, which they do not for LIKE.
    return Q(vin__gte=wanted, vin__lte=wanted.ljust(_VIN_LENGTH, "Z"), vin__startswith=wanted)


def _as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
