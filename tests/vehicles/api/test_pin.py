"""PIN to drive over the API: set, replaced, removed, and never kept or repeated by us."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import calls, car_of
from vehicles.models import Command, Event
from vehicles.tesla.simulator.server import SimulatorServer

PIN = "/v2.0/vehicles/{id}/tesla/pin"


def test_a_pin_is_set_replaced_and_removed(simulator: SimulatorServer, signed: Calls) -> None:
    car = car_of(simulator, signed.grant)
    for pin in ("0123", "9876"):
        assert signed.post(PIN, json.dumps({"pin": pin})).status_code == 200
        assert (car.pins["drive"], car.sections["vehicle_state"]["pin_to_drive_enabled"]) == (pin, True)
    assert signed("DELETE", PIN).status_code == 200
    assert ("drive" in car.pins, car.sections["vehicle_state"]["pin_to_drive_enabled"]) == (False, False)
    assert signed("DELETE", PIN).status_code == 200


@pytest.mark.parametrize(
    "pin", ["123", "12345", "12 4", "abcd", "", "\uff11\uff12\uff13\uff14", "1234\n5", True, 12.5, None, []]
)
def test_anything_but_four_digits_is_refused_and_not_repeated_in_the_answer(
    simulator: SimulatorServer, signed: Calls, pin: Any
) -> None:
    before = calls(simulator)
    answer = signed.post(PIN, json.dumps({"pin": pin}))
    assert (answer.status_code, [each["field"] for each in answer.json()["detail"]]) == (400, ["pin"])
    assert calls(simulator) == before
    if isinstance(pin, str) and len(pin) > 2:
        assert pin not in str(answer.json()["detail"])


def test_the_pin_is_nowhere_afterwards(
    simulator: SimulatorServer, signed: Calls, caplog: pytest.LogCaptureFixture
) -> None:
    answer = signed.post(PIN, '{"pin": "4711"}', headers={"Idempotency-Key": "once"})
    kept = [*Command.objects.values_list("arguments", "reason", "result"), *Event.objects.values_list("data")]
    assert "4711" not in f"{kept}{caplog.text}{answer.json()}"
