"""Sessions with a car's computers: met, lost, stale, overtaken by a restart, or with another computer altogether."""

from __future__ import annotations

import base64

import pytest
from tesla_protocol.command import universal_message_pb2

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
from vehicles.models import Command, SigningSession, Vehicle, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db

HANDSHAKE, COMMAND = 1, 1


@pytest.fixture
def grant(signed: VehicleGrant, no_pause: None) -> VehicleGrant:
    """The car that takes signed commands only, never waited for."""
    return signed


def answer_handshakes(simulator: SimulatorServer, times: int = 1, **status: int) -> None:
    """Let the next signed message be answered with this status and nothing else."""
    message = universal_message_pb2.RoutableMessage()
    for name, value in status.items():
        setattr(message.signedMessageStatus, name, value)
    body = {"response": base64.b64encode(message.SerializeToString()).decode()}
    match = {"path": "/api/1/vehicles/*/signed_command"}
    simulator.world.faults.add({"match": match, "status": 200, "body": body, "times": times})


@pytest.mark.parametrize("is_told_by_fault", [True, False])
def test_a_handshake_tells_that_the_key_is_not_on_the_car(
    simulator: SimulatorServer, grant: VehicleGrant, is_told_by_fault: bool
) -> None:
    car = car_of(simulator, grant)
    car.remove_keys()
    car.security.faults_on_unknown_handshake = is_told_by_fault
    error = refused(grant)
    assert error.spec is errors.VIRTUAL_KEY_REQUIRED
    assert "/_ak/" in (error.resolution_url or "")
    row = Command.objects.get()
    assert (row.outcome, row.sent_at) == ("failed", None)
    assert Vehicle.objects.get().key == "absent"


@pytest.mark.parametrize(
    "status", [{"operation_status": 1}, *({"signed_message_fault": fault} for fault in (1, 2, 11))]
)
def test_a_car_that_is_still_starting_is_greeted_again(
    simulator: SimulatorServer, grant: VehicleGrant, status: dict[str, int]
) -> None:
    answer_handshakes(simulator, **status)
    assert issue(grant).outcome == "succeeded"
    assert executed(simulator, grant) == ["door_lock"]


def test_a_car_that_never_ends_starting_is_given_up_and_nothing_was_sent(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    answer_handshakes(simulator, times=99, signed_message_fault=11)
    assert refused(grant).spec is errors.VEHICLE_STATE_UNKNOWN
    assert calls_to_the_car(simulator) == signed_delivery.ATTEMPTS
    assert Command.objects.get().sent_at is None


def test_session_info_that_the_car_did_not_sign_is_not_believed(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    answer_handshakes(simulator)
    assert refused(grant).spec is errors.VEHICLE_STATE_UNKNOWN
    assert executed(simulator, grant) == []
    assert issue(grant).outcome == "succeeded"


@EITHER_COMPUTER
def test_a_lost_session_costs_one_handshake(
    simulator: SimulatorServer, grant: VehicleGrant, control: str, command: str
) -> None:
    issue(grant, control)
    SigningSession.objects.all().delete()
    before = calls_to_the_car(simulator)
    issue(grant, control)
    assert executed(simulator, grant) == [command, command]
    assert calls_to_the_car(simulator) == before + HANDSHAKE + COMMAND


@EITHER_COMPUTER
def test_a_counter_behind_the_cars_is_corrected_by_its_fault(
    simulator: SimulatorServer, grant: VehicleGrant, control: str, command: str
) -> None:
    for _ in range(3):
        issue(grant, control)
    SigningSession.objects.update(counter=0)
    before = calls_to_the_car(simulator)
    issue(grant, control)
    assert executed(simulator, grant) == [command] * 4
    assert calls_to_the_car(simulator) == before + 2 * COMMAND


@EITHER_COMPUTER
def test_a_counter_ahead_of_the_cars_is_simply_taken(
    simulator: SimulatorServer, grant: VehicleGrant, control: str, command: str
) -> None:
    issue(grant, control)
    SigningSession.objects.update(counter=100_000)
    before = calls_to_the_car(simulator)
    issue(grant, control)
    assert executed(simulator, grant) == [command, command]
    assert calls_to_the_car(simulator) == before + COMMAND


def test_a_used_up_counter_begins_a_new_session(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    issue(grant)
    SigningSession.objects.update(counter=0xFFFFFFFE)
    issue(grant)
    assert executed(simulator, grant) == ["door_lock", "door_lock"]
    assert SigningSession.objects.get().counter == 2


@EITHER_COMPUTER
@pytest.mark.parametrize("skew", [-3600, -60, 60, 3600])
def test_a_clock_that_jumped_in_the_car_is_followed(
    simulator: SimulatorServer, grant: VehicleGrant, skew: int, control: str, command: str
) -> None:
    simulator.world.clock.advance(7200)
    car = car_of(simulator, grant)
    car.security.clock_skew_seconds = 0
    issue(grant, control)
    car.security.clock_skew_seconds = skew
    issue(grant, control)
    issue(grant, control)
    assert executed(simulator, grant) == [command] * 3


@EITHER_COMPUTER
def test_a_car_that_restarted_is_followed_without_a_handshake(
    simulator: SimulatorServer, grant: VehicleGrant, control: str, command: str
) -> None:
    issue(grant, control)
    car_of(simulator, grant).security.reboot(simulator.world.clock.now())
    before = calls_to_the_car(simulator)
    issue(grant, control)
    assert executed(simulator, grant) == [command, command]
    assert calls_to_the_car(simulator) == before + 2 * COMMAND


@EITHER_COMPUTER
def test_a_replaced_computer_is_met_anew(
    simulator: SimulatorServer, grant: VehicleGrant, control: str, command: str
) -> None:
    issue(grant, control)
    before = bytes(SigningSession.objects.get().vehicle_public_key)
    car_of(simulator, grant).security._computers.clear()
    issue(grant, control)
    assert executed(simulator, grant) == [command, command]
    assert bytes(SigningSession.objects.get().vehicle_public_key) != before
