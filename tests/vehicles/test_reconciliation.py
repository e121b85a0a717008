"""Commands that nobody answered are decided by the car's own state, where it can be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import CommandFactory, VehicleGrantFactory
from vehicles.commands import reconciliation
from vehicles.models import Command, Vehicle, VehicleGrant
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(sign_in: Any, bernd: Any) -> VehicleGrant:
    made: VehicleGrant = VehicleGrantFactory(account=sign_in(bernd), vehicle=Vehicle.objects.get())
    return made


@pytest.fixture
def car(simulator: SimulatorServer, grant: VehicleGrant) -> Car:
    found = simulator.world.car(grant.connection.vehicle.vin)
    assert found
    return found


def unanswered(grant: VehicleGrant, name: str = "lock", *, ago: timedelta = timedelta(minutes=2)) -> Command:
    sent = timezone.now() - ago
    made: Command = CommandFactory(
        grant=grant, name=name, outcome="unknown", error="UPSTREAM:NO_RESPONSE", created_at=sent, sent_at=sent
    )
    return made


def outcome(command: Command) -> str:
    return Command.objects.get(pk=command.pk).outcome


@pytest.mark.parametrize(("locked", "expected"), [(True, "succeeded"), (False, "failed")])
def test_a_lock_without_an_answer_is_decided_by_whether_the_car_is_locked(
    grant: VehicleGrant, car: Car, locked: bool, expected: str
) -> None:
    command = unanswered(grant)
    car.sections["vehicle_state"]["locked"] = locked
    assert reconciliation.reconcile(timezone.now()) == 1
    assert outcome(command) == expected


def test_a_sleeping_car_is_not_woken_and_the_outcome_stays_unknown(
    simulator: SimulatorServer, grant: VehicleGrant, car: Car
) -> None:
    command = unanswered(grant)
    car.last_known_state = "asleep"
    assert reconciliation.reconcile(timezone.now()) == 0
    assert outcome(command) == "unknown"
    assert not [call for call in simulator.world.calls.since(0) if "wake_up" in call["path"]]


@pytest.mark.parametrize("ago", [timedelta(seconds=10), timedelta(hours=2)])
def test_the_state_proves_nothing_too_soon_or_too_late(grant: VehicleGrant, car: Car, ago: timedelta) -> None:
    command = unanswered(grant, ago=ago)
    assert reconciliation.reconcile(timezone.now()) == 0
    assert outcome(command) == "unknown"


def test_only_the_latest_command_of_a_car_is_judged_by_its_state(grant: VehicleGrant, car: Car) -> None:
    command = unanswered(grant)
    CommandFactory(grant=grant, name="unlock")
    assert reconciliation.reconcile(timezone.now()) == 0
    assert outcome(command) == "unknown"


def test_a_command_that_leaves_no_trace_in_the_state_stays_unknown(grant: VehicleGrant, car: Car) -> None:
    command = unanswered(grant, "open_frunk")
    assert reconciliation.reconcile(timezone.now()) == 0
    assert outcome(command) == "unknown"


def test_a_temperature_without_an_answer_is_decided_as_the_car_stores_it(
    grant: VehicleGrant, car: Car
) -> None:
    command = unanswered(grant, "set_temperature")
    Command.objects.update(arguments={"celsius": 21.3})
    car.sections["climate_state"]["driver_temp_setting"] = 21.299999237060547
    assert reconciliation.reconcile(timezone.now()) == 1
    assert outcome(command) == "succeeded"


def test_a_state_that_proves_nothing_leaves_the_outcome_unknown(grant: VehicleGrant, car: Car) -> None:
    command = unanswered(grant, "start_charge")
    car.sections["charge_state"]["charging_state"] = "NoPower"
    assert reconciliation.reconcile(timezone.now()) == 0
    assert outcome(command) == "unknown"
