"""Trunks over the API: Tesla's command toggles, so it is sent only where the trunk is not as wanted."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import car_of, executed
from vehicles.commands import preconditions
from vehicles.models import Command
from vehicles.tesla.simulator.server import SimulatorServer

TRUNK = "/v2.0/vehicles/{id}/tesla/security/trunk"
FRUNK = "/v2.0/vehicles/{id}/tesla/security/frunk"
SENT = {"status": "success", "message": "Successfully sent request to vehicle"}


def put(simulator: SimulatorServer, api: Calls, section: str, **fields: object) -> None:
    car_of(simulator, api.grant).sections[section].update(fields)


def code(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "field", "action", "state", "sends"),
    [
        (TRUNK, "rt", "OPEN", 0, True),
        (TRUNK, "rt", "OPEN", 16, False),
        (TRUNK, "rt", "CLOSE", 0, False),
        (TRUNK, "rt", "CLOSE", 16, True),
        (FRUNK, "ft", "OPEN", 0, True),
        (FRUNK, "ft", "OPEN", 16, False),
    ],
)
def test_a_trunk_that_is_as_wanted_is_a_success_with_nothing_sent(
    simulator: SimulatorServer, signed: Calls, path: str, field: str, action: str, state: int, sends: bool
) -> None:
    put(simulator, signed, "vehicle_config", plg=True)
    put(simulator, signed, "vehicle_state", **{field: state})
    answer = signed.post(path, json.dumps({"action": action}))
    assert (answer.status_code, answer.json()) == (200, SENT)
    assert executed(simulator, signed.grant) == ["actuate_trunk"] * sends
    assert bool(car_of(simulator, signed.grant).sections["vehicle_state"][field]) == (action == "OPEN")


def test_only_a_power_lift_gate_closes_by_itself(simulator: SimulatorServer, signed: Calls) -> None:
    put(simulator, signed, "vehicle_config", plg=False)
    put(simulator, signed, "vehicle_state", rt=16)
    assert code(signed.post(TRUNK, '{"action": "CLOSE"}')) == (501, "VEHICLE_NOT_CAPABLE")
    assert executed(simulator, signed.grant) == []


def test_a_car_without_actuators_cannot_open(simulator: SimulatorServer, signed: Calls) -> None:
    put(simulator, signed, "vehicle_config", can_actuate_trunks=False)
    assert code(signed.post(TRUNK, '{"action": "OPEN"}')) == (501, "VEHICLE_NOT_CAPABLE")


def test_no_front_trunk_closes_by_itself(simulator: SimulatorServer, signed: Calls) -> None:
    assert code(signed.post(FRUNK, '{"action": "CLOSE"}')) == (501, "VEHICLE_NOT_CAPABLE")
    signed.account.consent = "revoked"
    signed.account.save()
    assert code(signed.post(FRUNK, '{"action": "CLOSE"}')) == (400, "PERMISSION")


def test_a_trunk_that_tells_nothing_is_not_moved_blindly(simulator: SimulatorServer, signed: Calls) -> None:
    put(simulator, signed, "vehicle_state", rt="<invalid>")
    assert code(signed.post(TRUNK, '{"action": "OPEN"}')) == (502, "INVALID_DATA")
    assert executed(simulator, signed.grant) == []


def test_a_repeat_does_not_move_a_trunk_that_was_shut_by_hand_since(
    simulator: SimulatorServer, signed: Calls
) -> None:
    key = {"Idempotency-Key": "once"}
    signed.post(TRUNK, '{"action": "OPEN"}', headers=key)
    put(simulator, signed, "vehicle_state", rt=0)
    assert signed.post(TRUNK, '{"action": "OPEN"}', headers=key).status_code == 200
    assert executed(simulator, signed.grant) == ["actuate_trunk"]
    assert signed.post(TRUNK, '{"action": "OPEN"}').status_code == 200
    assert executed(simulator, signed.grant) == ["actuate_trunk"] * 2


def test_a_trunk_that_another_call_moves_meanwhile_is_looked_at_again(
    simulator: SimulatorServer, signed: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first call has looked and not yet sent, a second one opens the trunk."""
    read, seen = preconditions._read_state, []

    def slow(*args: object) -> object:
        found = read(*args)  # type: ignore[arg-type]
        seen.append(found["vehicle_state"]["rt"])
        if len(seen) == 1:
            assert signed.post(TRUNK, '{"action": "OPEN"}').status_code == 200
        return found

    monkeypatch.setattr(preconditions, "_read_state", slow)
    assert signed.post(TRUNK, '{"action": "OPEN"}').status_code == 200
    assert executed(simulator, signed.grant) == ["actuate_trunk"]
    assert seen == [0, 0, 16]


def test_a_repeat_that_came_while_the_first_call_ran_hears_its_outcome_and_not_the_trunk(
    simulator: SimulatorServer, signed: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first call's answer is lost; the trunk is open when its repeat looks."""
    read, key, first = preconditions._read_state, {"Idempotency-Key": "once"}, []
    cut = {"match": {"path": "*signed_command*"}, "cut": True, "effect_happens": True}

    def after_the_first_call(*args: object) -> object:
        if not first:
            first.append(None)
            simulator.world.faults.add({**cut, "times": 1})
            first.append(signed.post(TRUNK, '{"action": "OPEN"}', headers=key))
        return read(*args)  # type: ignore[arg-type]

    signed.post("/v2.0/vehicles/{id}/security", '{"action": "LOCK"}')  # from here on no handshake is needed
    monkeypatch.setattr(preconditions, "_read_state", after_the_first_call)
    repeat = signed.post(TRUNK, '{"action": "OPEN"}', headers=key)
    assert code(repeat) == code(first[1]) == (502, "NO_RESPONSE")
    assert executed(simulator, signed.grant) == ["door_lock", "actuate_trunk"]


@pytest.mark.django_db(transaction=True)
def test_many_calls_at_once_open_a_trunk_once(simulator: SimulatorServer, signed: Calls) -> None:
    put(simulator, signed, "vehicle_config", plg=True)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: signed.post(TRUNK, '{"action": "OPEN"}').status_code, range(8)))
    assert answers == [200] * 8
    assert car_of(simulator, signed.grant).sections["vehicle_state"]["rt"]
    assert Command.objects.filter(outcome="succeeded").count() == len(executed(simulator, signed.grant)) == 1
