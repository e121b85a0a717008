"""The audit list: which grants and cars are out of order, by cause and by whose move it is. One query for all who ask.

Everything is answered from the verdict columns that `facts.refresh_verdicts` keeps, so a filter is an index, never a
loop over diagnoses.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, Final, TypeVar

from django.db.models import Count, Model, Q, QuerySet

from vehicles.diagnosis import Verdict
from vehicles.models import Command, Event, Integration, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant

Row = TypeVar("Row", bound=Model)

LACKS_PERMISSIONS: Final = ("not_granted_at_tesla", "withdrawn_at_tesla", "consent_revoked")
"""Main causes that mean: Tesla does not give what the application needs."""

_VIN_LENGTH: Final = 17
_WORST_FIRST: Final = {Verdict.BLOCKED: 0, Verdict.DEGRADED: 1, Verdict.OK: 2}

_MISSING: Final = Q(main_cause__in=LACKS_PERMISSIONS)
_LEGACY: Final = Q(integration=Integration.LEGACY)

CONDITIONS: Final[Mapping[str, Callable[[str], Q]]] = {
    "verdict": lambda value: Q(verdict=value),
    "cause": lambda value: Q(main_cause=value),
    "next_actor": lambda value: Q(next_actor=value),
    "permissions": lambda value: _MISSING if value == "missing" else ~_MISSING,
    "migration": lambda value: _LEGACY if value == "must_move" else ~_LEGACY,
    "key": lambda value: Q(connection__vehicle__key=value),
    "application": lambda value: Q(connection__application=value),
    "account": lambda value: Q(account=value),
}
"""What the list can be filtered by; each turns a value into a condition on grants."""

_NO_GRANT: Final = {("permissions", "complete"): "missing", ("migration", "moved"): "must_move"}
"""Said of a car, these mean that none of its grants has the opposite."""


def standing() -> QuerySet[VehicleGrant]:
    """The grants that were not ended: the rows of the audit list."""
    return VehicleGrant.objects.filter(revoked_at=None)


def matching(grants: QuerySet[VehicleGrant], conditions: Mapping[str, str]) -> QuerySet[VehicleGrant]:
    """Those of the grants for which all conditions hold. Raises `KeyError` for a name that `CONDITIONS` lacks."""
    return grants.filter(*(CONDITIONS[name](value) for name, value in conditions.items()))


def vehicles_matching(vehicles: QuerySet[Vehicle], conditions: Mapping[str, str]) -> QuerySet[Vehicle]:
    """Those of the cars that have one standing grant for which all conditions hold, each car once."""
    without = {name: value for name, value in conditions.items() if (name, value) in _NO_GRANT}
    together = {name: value for name, value in conditions.items() if name not in without}
    if together:
        vehicles = vehicles.filter(pk__in=_with_grant(together))
    for name, value in without.items():
        vehicles = vehicles.exclude(pk__in=_with_grant({name: _NO_GRANT[name, value]}))
    return vehicles


def _with_grant(conditions: Mapping[str, str]) -> QuerySet[VehicleGrant, Any]:
    # A list that is made once. As a correlated EXISTS, databases walk all matching grants for every car.
    return matching(standing(), conditions).values("connection__vehicle")


def vehicles_of_account(vehicles: QuerySet[Vehicle], account: uuid.UUID) -> QuerySet[Vehicle]:
    """Those of the cars that the account can reach, whether or not an application may use them."""
    return vehicles.filter(pk__in=VehicleAccess.objects.filter(account=account).values("vehicle"))


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


def worst(grants: Iterable[VehicleGrant]) -> VehicleGrant | None:
    """The grant that needs attention most: the worst verdict, and of equal ones the oldest; None without grants."""
    return min(grants, key=_severity, default=None)


def worst_first(grants: Iterable[VehicleGrant]) -> list[VehicleGrant]:
    """The grants in the order in which they need attention."""
    return sorted(grants, key=_severity)


def _severity(grant: VehicleGrant) -> tuple[int, float]:
    since = grant.verdict_since or grant.approved_at
    return _WORST_FIRST[Verdict(grant.verdict)], since.timestamp()


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cars have each key state; how many standing grants each verdict, cause, next actor and interface."""

    keys: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)
    actors: Counter[str] = field(default_factory=Counter)
    integrations: Counter[str] = field(default_factory=Counter)

    @property
    def lacking_permissions(self) -> int:
        return sum(self.causes[cause] for cause in LACKS_PERMISSIONS)


def counts() -> Counts:
    """The numbers of the whole fleet, in two queries however large it is."""
    found = Counts()
    for row in Vehicle.objects.order_by().values("key").annotate(number=Count("pk")):
        found.keys[row["key"]] = row["number"]
    kept = ("verdict", "main_cause", "next_actor", "integration")
    for row in standing().order_by().values(*kept).annotate(number=Count("pk")):
        for name, into in zip(
            kept, (found.verdicts, found.causes, found.actors, found.integrations), strict=True
        ):
            into[row[name]] += row["number"]
    return found
