"""Commands as tests give them, and what the simulated car and the row say about them afterwards."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from vehicles.commands import issuing
from vehicles.commands.rows import PendingCommand
from vehicles.errors import CatalogueError
from vehicles.models import Command, VehicleGrant
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.server import SimulatorServer

EVERY_CONTROL = (
    "control_security", "control_charge", "control_climate", "control_trunk", "control_pin", "control_navigation",
)  # fmt: skip
EITHER_COMPUTER = pytest.mark.parametrize(
    ("control", "command"), [("lock", "door_lock"), ("start_climate", "auto_conditioning_start")]
)
"""A command to vehicle security, and one to infotainment."""


def issue(grant: VehicleGrant, name: str = "lock", key: str = "", **arguments: Any) -> Command:
    """Carry the control out now."""
    return issuing.issue(PendingCommand(grant, name, arguments, timezone.now(), key))


def refused(grant: VehicleGrant, name: str = "lock", key: str = "", **arguments: Any) -> CatalogueError:
    """The error with which the control ends; the test fails where it succeeds."""
    with pytest.raises(CatalogueError) as raised:
        issue(grant, name, key, **arguments)
    return raised.value


def car_of(simulator: SimulatorServer, grant: VehicleGrant) -> Car:
    """The simulated car behind the grant."""
    car = simulator.world.car(grant.connection.vehicle.vin)
    assert car
    return car


def executed(simulator: SimulatorServer, grant: VehicleGrant) -> list[str]:
    """Tesla's names of what the car really carried out, oldest first."""
    return [item.command for item in car_of(simulator, grant).executed]


def calls(simulator: SimulatorServer) -> int:
    """How many calls Tesla was made so far."""
    return len(simulator.world.calls.since(0))


def calls_to_the_car(simulator: SimulatorServer) -> int:
    """How many signed messages were sent, handshakes included."""
    return sum(call["path"].endswith("/signed_command") for call in simulator.world.calls.since(0))
