"""The package `tesla-fleet-api` and our client, each on a car of its own: both cars must end alike.

It is a second opinion on the protocol by other people. `make oracle` installs it, in a folder of its own.
"""

from __future__ import annotations

import json
import subprocess
from copy import deepcopy
from typing import Any

import pytest

from tests.factories import VehicleGrantFactory
from tests.runner import ROOT
from tests.vehicles.commanding import EVERY_CONTROL, car_of, issue
from vehicles.models import Vehicle, VehicleGrant
from vehicles.tesla.signing import Domain
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.car.vehicle_numbers import with_check_digit
from vehicles.tesla.simulator.samples.scenarios import ScenarioVehicle, person
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tokens import store

pytestmark = pytest.mark.django_db

STEPS: list[tuple[str, dict[str, Any], str, list[Any]]] = [
    ("unlock", {}, "door_unlock", []),
    ("lock", {}, "door_lock", []),
    ("start_climate", {}, "auto_conditioning_start", []),
    ("set_temperature", {"celsius": 21.0}, "set_temps", [21.0, 21.0]),
    ("set_charge_limit", {"percent": 70}, "set_charge_limit", [70]),
    ("set_amperage", {"charging_amps": 12}, "set_charging_amps", [12]),
    ("open_frunk", {}, "actuate_trunk", ["front"]),
    ("lock", {}, "door_lock", []),
]
"""Our control with its arguments, and the method of the other client that means the same."""


@pytest.fixture(scope="session")
def oracle() -> str:
    """The interpreter that has the package; without it the tests are skipped."""
    interpreter = ROOT / ".venv-oracle" / "bin" / "python"
    if not interpreter.exists():
        pytest.skip("tesla-fleet-api is not installed; `make oracle` does it")
    return str(interpreter)


@pytest.fixture
def twins(simulator: SimulatorServer, sign_in: Any) -> list[VehicleGrant]:
    """Two cars of one person that are alike and have the key."""
    numbers = [with_check_digit(f"5YJ3E7EB_LF00090{serial}") for serial in (1, 2)]
    owner = person(
        "twins@owners.example", "Toni", *(ScenarioVehicle(vin, "OWNER", "present") for vin in numbers)
    )
    simulator.world.add_person(owner)
    account = sign_in(owner)
    return [
        VehicleGrantFactory(
            account=account, vehicle=Vehicle.objects.get(vin=vin), requested=list(EVERY_CONTROL)
        )
        for vin in numbers
    ]


def drive(oracle: str, server: SimulatorServer, grant: VehicleGrant, key_file: Any) -> list[Any]:
    """Let the other client give every command of `STEPS` to the grant's car."""
    stored = store.load(grant.account, "fleet")
    assert stored
    task = {
        "server": server.url,
        "token": stored.access_token,
        "key_file": str(key_file),
        "vin": grant.connection.vehicle.vin,
        "steps": [[name, arguments] for _, _, name, arguments in STEPS],
    }
    command = [oracle, str(ROOT / "tests/vehicles/tesla/oracle.py")]
    done = subprocess.run(
        command, input=json.dumps(task), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def counters(car: Car, now: float) -> dict[Domain, list[int]]:
    """The highest counter of each key that each computer has seen, `now` being the simulator's time."""
    computers = {domain: car.security.computer(domain, now) for domain in Domain}
    return {
        domain: sorted(window.highest for window in computer.counters.values())
        for domain, computer in computers.items()
    }


def test_both_clients_leave_their_cars_in_the_same_state(
    simulator: SimulatorServer, twins: list[VehicleGrant], oracle: str, virtual_key_file: Any
) -> None:
    ours, theirs = (car_of(simulator, grant) for grant in twins)
    theirs.sections = deepcopy(ours.sections)
    for control, arguments, _, _ in STEPS:
        issue(twins[0], control, **arguments)
    answers = drive(oracle, simulator, twins[1], virtual_key_file)
    assert [answer["response"]["result"] for answer in answers] == [True] * len(STEPS)
    assert [(done.command, done.arguments) for done in ours.executed] == [
        (done.command, done.arguments) for done in theirs.executed
    ]
    assert [done.command for done in ours.executed] == [method for _, _, method, _ in STEPS]
    assert ours.sections["vehicle_state"]["locked"] is theirs.sections["vehicle_state"]["locked"] is True
    for name in ("charge_state", "climate_state"):
        assert without_time(ours.sections[name]) == without_time(theirs.sections[name])
    now = simulator.world.clock.now()
    assert (
        counters(ours, now)
        == counters(theirs, now)
        == {Domain.VEHICLE_SECURITY: [4], Domain.INFOTAINMENT: [4]}
    )


def without_time(section: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name != "timestamp"}


def test_either_client_goes_on_where_the_other_one_stopped(
    simulator: SimulatorServer, twins: list[VehicleGrant], oracle: str, virtual_key_file: Any
) -> None:
    grant = twins[0]
    issue(grant, "lock")
    drive(oracle, simulator, grant, virtual_key_file)
    issue(grant, "unlock")
    assert [done.command for done in car_of(simulator, grant).executed] == [
        "door_lock",
        *(method for _, _, method, _ in STEPS),
        "door_unlock",
    ]
