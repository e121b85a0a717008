"""What the audit list can be narrowed by. Every condition reads an indexed column, on grants and on cars alike."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db.models import F, Q, QuerySet

from vehicles.models import Integration, Vehicle, VehicleAccess, VehicleGrant

_MISSING: Final = Q(lacks_permissions=True)
_LEGACY: Final = Q(integration=Integration.LEGACY)

CONDITIONS: Final[Mapping[str, Callable[[str], Q]]] = {
    "verdict": lambda value: Q(verdict=value),
    "cause": lambda value: Q(main_cause=value),
    "next_actor": lambda value: Q(next_actor=value),
    "permissions": lambda value: _MISSING if value == "missing" else Q(lacks_permissions=False),
    "migration": lambda value: _LEGACY if value == "must_move" else ~_LEGACY,
    "key": lambda value: Q(connection__vehicle__key=value),
    "application": lambda value: Q(connection__application=value),
    "account": lambda value: Q(account=value),
    "mode": lambda value: Q(mode=value),
    "vehicle_id": lambda value: Q(connection__public_id=value),
    "user_id": lambda value: Q(
        account__person__application_users__public_id=value,
        account__person__application_users__application=F("connection__application"),
    ),
}
"""What the list can be filtered by; each turns a value into a condition on grants.

The last two are ids as an application knows them: name the application as well."""

_NO_GRANT: Final = {("permissions", "complete"): "missing", ("migration", "moved"): "must_move"}
"""Said of a car, these mean that none of its grants has the opposite."""


def active_grants() -> QuerySet[VehicleGrant]:
    """The grants that were not ended: the rows of the audit list."""
    return VehicleGrant.objects.active()


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
    return matching(active_grants(), conditions).values("connection__vehicle")


def vehicles_of_account(vehicles: QuerySet[Vehicle], account: uuid.UUID) -> QuerySet[Vehicle]:
    """Those of the cars that the account can reach, whether or not an application may use them."""
    return vehicles.filter(pk__in=VehicleAccess.objects.filter(account=account).values("vehicle"))
