"""Simulated cars that answer with an error, so that an application can try how it copes with each.

Whoever signs in at the simulated Tesla as `{TYPE}.{CODE}@smartcar.com` gets such a car, and with the addresses
`smartcar@invalid-subscription.com` and `smartcar@vehicle-incompatible.com` one that cannot be connected (Smartcar v2.0,
test accounts).
"""

from __future__ import annotations

from typing import Final

from vehicles.errors import CATALOGUE, ErrorSpec
from vehicles.models import Mode, Vehicle, VehicleGrant
from vehicles.tesla.error_cars import vin_of

FAMILIES: Final = ("COMPATIBILITY", "CONNECTED_SERVICES_ACCOUNT", "UPSTREAM", "VEHICLE_STATE")
"""The types of errors that have a login."""

_OF_VIN: Final[dict[str, ErrorSpec]] = {
    vin_of(name): spec for name, spec in CATALOGUE.items() if spec.type in FAMILIES
}
_OF_CONNECT: Final[dict[str, str]] = {
    vin_of(name): name for name in ("invalid_subscription", "vehicle_incompatible")
}


def of_connect(vehicle: Vehicle) -> str:
    """The error that a run of Connect with this car ends with, by its name; empty for all other cars."""
    return _OF_CONNECT.get(vehicle.vin, "") if vehicle.mode == Mode.SIMULATED else ""


def of(grant: VehicleGrant) -> ErrorSpec | None:
    """What every call to this grant's car answers with; None for all other cars."""
    if grant.mode != Mode.SIMULATED:
        return None
    return _OF_VIN.get(grant.connection.vehicle.vin)
