"""Any number of owners who are connected, for tests of what happens to many at once."""

from __future__ import annotations

from typing import Any

from tests.factories import VehicleGrantFactory
from vehicles import access
from vehicles.errors import CatalogueError
from vehicles.models import Application, VehicleGrant
from vehicles.tesla import scopes
from vehicles.tesla.simulator.car.vehicle_numbers import with_check_digit
from vehicles.tesla.simulator.samples.scenarios import ScenarioVehicle, person
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.upstream import calls


def connected(
    simulator: SimulatorServer, sign_in: Any, number: int, application: Application | None = None
) -> VehicleGrant:
    """Owner number so and so of one Model S of 2018, signed in, with a grant to read it."""
    vin = with_check_digit(f"5YJSA1E2_JF{500_000 + number:06d}")
    owner = person(f"crowd-{number}@owners.example", "Carl", ScenarioVehicle(vin, "OWNER", "not_required"))
    simulator.world.add_person(owner)
    account = sign_in(owner)
    more = {"application": application} if application else {}
    grant: VehicleGrant = VehicleGrantFactory(account=account, vehicle=account.accesses.get().vehicle, **more)
    return grant


def heard(grant: VehicleGrant) -> str:
    """What a read of the grant's car is answered with, as an API request does it: an error's name, or `ok`."""
    fresh = VehicleGrant.objects.select_related("account", "connection__vehicle", "connection__application")
    grant = fresh.get(pk=grant.pk)
    try:
        access.require(grant, "read_odometer")
        calls.vehicle_data(grant, ("vehicle_state",), scopes.VEHICLE_DEVICE_DATA)
    except CatalogueError as error:
        return error.spec.name
    return "ok"


def remove_consent(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    """The grant's owner takes access away in the Tesla account."""
    account = simulator.world.account(grant.account.email)
    assert account and simulator.world.operator
    simulator.world.remove_consent(account, simulator.world.operator.client_id)
