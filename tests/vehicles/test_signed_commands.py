"""Signed commands through the whole client: every fault that a car answers, and what comes of it."""

from __future__ import annotations

import pytest

from tests.vehicles.commanding import (
    EITHER_COMPUTER,
    calls_to_the_car,
    car_of,
    executed,
    issue,
    refused,
)
from vehicles import errors
from vehicles.commands import signed_delivery
from vehicles.errors import ErrorSpec
from vehicles.models import Command, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db

HANDSHAKE, COMMAND = 1, 1
SENT_AGAIN = {
    1: "busy", 2: "timeout", 5: "signature", 6: "counter", 11: "internal", 15: "epoch", 17: "expired",
    20: "lifetime", 26: "repeated counter",
}  # fmt: skip
"""The faults after which Tesla's own client signs once more (Fleet API: signed commands), and 26, which is 6 again."""
FINAL: dict[int, ErrorSpec] = {
    3: errors.VIRTUAL_KEY_REQUIRED,
    4: errors.VEHICLE_STATE_UNKNOWN,
    7: errors.VEHICLE_STATE_UNKNOWN,
    8: errors.VEHICLE_STATE_UNKNOWN,
    9: errors.VEHICLE_STATE_UNKNOWN,
    10: errors.VEHICLE_STATE_UNKNOWN,
    12: errors.VEHICLE_STATE_UNKNOWN,
    13: errors.VEHICLE_STATE_UNKNOWN,
    14: errors.VIRTUAL_KEY_REQUIRED,
    16: errors.VEHICLE_STATE_UNKNOWN,
    18: errors.VEHICLE_STATE_UNKNOWN,
    19: errors.VEHICLE_STATE_UNKNOWN,
    21: errors.REMOTE_ACCESS_DISABLED,
    22: errors.VEHICLE_STATE_UNKNOWN,
    23: errors.VEHICLE_STATE_UNKNOWN,
    24: errors.VEHICLE_STATE_UNKNOWN,
    27: errors.VEHICLE_STATE_UNKNOWN,
    28: errors.VEHICLE_STATE_UNKNOWN,
}
"""The faults that end a command, and what the caller is told."""


@pytest.fixture
def grant(signed: VehicleGrant, no_pause: None) -> VehicleGrant:
    """The car that takes signed commands only, never waited for."""
    return signed


@EITHER_COMPUTER
@pytest.mark.parametrize("fault", SENT_AGAIN, ids=SENT_AGAIN.get)
def test_after_a_passing_fault_the_command_is_signed_again_and_carried_out_once(
    simulator: SimulatorServer, grant: VehicleGrant, fault: int, control: str, command: str
) -> None:
    car_of(simulator, grant).security.disturb(fault=fault)
    assert issue(grant, control).outcome == "succeeded"
    assert executed(simulator, grant) == [command]
    assert calls_to_the_car(simulator) == HANDSHAKE + COMMAND + COMMAND


@pytest.mark.parametrize("fault", SENT_AGAIN, ids=SENT_AGAIN.get)
def test_a_passing_fault_that_stays_ends_the_command_without_effect(
    simulator: SimulatorServer, grant: VehicleGrant, fault: int
) -> None:
    car_of(simulator, grant).security.disturb(fault=fault, times=99)
    assert refused(grant).spec is errors.VEHICLE_STATE_UNKNOWN
    row = Command.objects.get()
    assert (row.outcome, row.error) == ("failed", "VEHICLE_STATE:UNKNOWN")
    assert f"({fault})" in row.reason
    assert executed(simulator, grant) == []
    assert calls_to_the_car(simulator) == HANDSHAKE + signed_delivery.ATTEMPTS * COMMAND


@pytest.mark.parametrize("fault", FINAL)
def test_any_other_fault_ends_the_command_at_once(
    simulator: SimulatorServer, grant: VehicleGrant, fault: int
) -> None:
    car_of(simulator, grant).security.disturb(fault=fault)
    assert refused(grant).spec is FINAL[fault]
    row = Command.objects.get()
    assert (row.outcome, row.error) == ("failed", FINAL[fault].name)
    assert executed(simulator, grant) == []
    assert calls_to_the_car(simulator) == HANDSHAKE + COMMAND


def test_every_documented_fault_is_in_one_of_the_tables() -> None:
    assert {*SENT_AGAIN, *FINAL, 25} == set(range(1, 29))


@EITHER_COMPUTER
@pytest.mark.parametrize("disturbance", [{"fault": 25}, {"fault": 99}, {"operation_status": 2}])
def test_a_fault_that_leaves_it_open_is_an_unknown_outcome_and_nothing_is_sent_again(
    simulator: SimulatorServer, grant: VehicleGrant, disturbance: dict[str, int], control: str, command: str
) -> None:
    car_of(simulator, grant).security.disturb(**disturbance, executes=True)
    error = refused(grant, control)
    row = Command.objects.get()
    assert (error.spec, error.command_id) == (errors.UPSTREAM_NO_RESPONSE, str(row.pk))
    assert (row.outcome, row.error) == ("unknown", "UPSTREAM:NO_RESPONSE")
    assert executed(simulator, grant) == [command]


@pytest.mark.parametrize(("times", "outcome"), [(1, "succeeded"), (3, "succeeded"), (4, "failed")])
def test_a_busy_car_is_asked_a_few_times(
    simulator: SimulatorServer, grant: VehicleGrant, times: int, outcome: str
) -> None:
    car_of(simulator, grant).security.disturb(operation_status=1, times=times)
    if outcome == "succeeded":
        issue(grant)
    else:
        assert refused(grant).spec is errors.VEHICLE_STATE_UNKNOWN
    assert Command.objects.get().outcome == outcome
    assert len(executed(simulator, grant)) == (outcome == "succeeded")


def test_a_car_that_is_busy_after_a_resync_keeps_its_session(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    security = car_of(simulator, grant).security
    security.disturb(fault=15)
    security.disturb(operation_status=1)
    issue(grant)
    assert calls_to_the_car(simulator) == HANDSHAKE + 3 * COMMAND


def test_mobile_access_switched_off_in_the_car_is_told(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    car_of(simulator, grant).mobile_access = False
    assert refused(grant).spec is errors.REMOTE_ACCESS_DISABLED
    assert executed(simulator, grant) == []


def test_a_key_of_a_lesser_role_is_refused_what_it_may_not_do(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    issue(grant)
    car = car_of(simulator, grant)
    assert simulator.world.operator and simulator.world.operator.current_key
    car.operators.clear()
    car.add_key(simulator.world.operator.current_key, role=5)
    assert refused(grant, "unlock").spec is errors.VEHICLE_STATE_UNKNOWN
    assert "(7)" in Command.objects.latest("created_at").reason
    assert executed(simulator, grant) == ["door_lock"]
