"""Signed commands through the whole client: every fault of the car, and sessions that were lost, stale or overtaken."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from tesla_protocol.command import universal_message_pb2

from tests.factories import VehicleGrantFactory
from tests.vehicles.commanding import EVERY_CONTROL, car_of, executed, issue, refused
from vehicles import errors, signed_commands
from vehicles.errors import ErrorSpec
from vehicles.models import Command, SigningSession, Vehicle, VehicleGrant
from vehicles.tesla.signing import Domain
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
EITHER_COMPUTER = pytest.mark.parametrize(
    ("control", "command"), [("lock", "door_lock"), ("start_climate", "auto_conditioning_start")]
)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy car is asked again at once."""
    monkeypatch.setattr(signed_commands, "BUSY_SECONDS", 0)


@pytest.fixture
def grant(sign_in: Any, dieter: Any) -> VehicleGrant:
    """Dieter's Model 3, which has the key and takes signed commands only."""
    account = sign_in(dieter)
    made: VehicleGrant = VehicleGrantFactory(
        account=account, vehicle=Vehicle.objects.get(), requested=list(EVERY_CONTROL)
    )
    return made


def session(domain: Domain = Domain.VEHICLE_SECURITY) -> SigningSession:
    return SigningSession.objects.get(domain=domain.value)


def answer_handshakes(simulator: SimulatorServer, times: int = 1, **status: int) -> None:
    """Let the next signed message be answered with this status and nothing else."""
    message = universal_message_pb2.RoutableMessage()
    for name, value in status.items():
        setattr(message.signedMessageStatus, name, value)
    body = {"response": base64.b64encode(message.SerializeToString()).decode()}
    match = {"path": "/api/1/vehicles/*/signed_command"}
    simulator.world.faults.add({"match": match, "status": 200, "body": body, "times": times})


@EITHER_COMPUTER
@pytest.mark.parametrize("fault", SENT_AGAIN, ids=SENT_AGAIN.get)
def test_after_a_passing_fault_the_command_is_signed_again_and_carried_out_once(
    simulator: SimulatorServer, grant: VehicleGrant, fault: int, control: str, command: str
) -> None:
    car_of(simulator, grant).security.disturb(fault=fault)
    assert issue(grant, control).outcome == "succeeded"
    assert executed(simulator, grant) == [command]
    assert calls_to_the_car(simulator) == HANDSHAKE + COMMAND + COMMAND


def calls_to_the_car(simulator: SimulatorServer) -> int:
    return sum(call["path"].endswith("/signed_command") for call in simulator.world.calls.since(0))


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
    assert calls_to_the_car(simulator) == HANDSHAKE + signed_commands.ATTEMPTS * COMMAND


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


# Handshakes ------------------------------------------------------------------------------------------------------


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
    assert calls_to_the_car(simulator) == signed_commands.ATTEMPTS
    assert Command.objects.get().sent_at is None


def test_session_info_that_the_car_did_not_sign_is_not_believed(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    answer_handshakes(simulator)
    assert refused(grant).spec is errors.VEHICLE_STATE_UNKNOWN
    assert executed(simulator, grant) == []
    assert issue(grant).outcome == "succeeded"


# Sessions --------------------------------------------------------------------------------------------------------


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
    assert session().counter == 2


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
