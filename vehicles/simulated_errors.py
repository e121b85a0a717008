"""Simulated cars that answer with an error, so that an application can try how it copes with each.

Whoever signs in at the simulated Tesla as `{TYPE}.{CODE}@smartcar.com` (`null` where there is no code) gets such a car,
and with the addresses `smartcar@invalid-subscription.com` and `smartcar@vehicle-incompatible.com` one that cannot be
connected (Smartcar v2.0, test accounts).
"""

from __future__ import annotations

from typing import Any, Final

from vehicles import errors
from vehicles.errors import CATALOGUE, CatalogueError, ErrorSpec
from vehicles.models import Mode, Vehicle, VehicleGrant
from vehicles.tesla.error_cars import vin_of

_OF_VIN: Final[dict[str, ErrorSpec]] = {vin_of(name): spec for name, spec in CATALOGUE.items()}
_OF_CONNECT: Final[dict[str, str]] = {
    vin_of(name): name for name in ("invalid_subscription", "vehicle_incompatible")
}


def of_connect(vehicle: Vehicle) -> str:
    """The error that a run of Connect with this car ends with, by its name; empty for all other cars."""
    return _OF_CONNECT.get(vehicle.vin, "") if vehicle.mode == Mode.SIMULATED else ""


_CAPACITIES: Final = [{"capacity": 75.0, "description": None}, {"capacity": 100.0, "description": None}]
_SAYS_MORE: Final[dict[str, dict[str, Any]]] = {
    errors.VALIDATION.name: {"detail": [{"field": "limit", "message": "must not be more than 1"}]},
    errors.VALIDATION_PARAMETER.name: {"detail": [{"field": "limit", "message": "must not be more than 1"}]},
    errors.MULTIPLE_RECORDS_FOUND.name: {"detail": [{"capacities": _CAPACITIES}]},
    errors.RATE_LIMIT_VEHICLE.name: {"retry_after": 60},
    errors.UPSTREAM_RATE_LIMIT.name: {"retry_after": 60},
    errors.OVERLOADED.name: {"retry_after": 5},
    errors.UNAVAILABLE.name: {"retry_after": 5},
}
"""What such an error carries besides, by its name."""


def login_of(spec: ErrorSpec) -> str:
    """The e-mail address whose simulated car answers with this error."""
    return f"{spec.type}.{spec.code or 'null'}@smartcar.com"


def example(spec: ErrorSpec) -> CatalogueError:
    """The error as a simulated car answers with it, without the link that is only its person's."""
    reason = "a simulated car that answers with this error"
    return CatalogueError(spec, reason=reason, **_SAYS_MORE.get(spec.name, {}))


def of(grant: VehicleGrant) -> ErrorSpec | None:
    """What every call to this grant's car answers with; None for all other cars."""
    if grant.mode != Mode.SIMULATED:
        return None
    return _OF_VIN.get(grant.connection.vehicle.vin)
