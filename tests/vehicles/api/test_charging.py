"""Battery and charging over the API: limits in every spelling, and what a car answers that cannot charge."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import calls, car_of, executed
from vehicles.tesla.simulator.server import SimulatorServer

LIMIT, CHARGE = "/v2.0/vehicles/{id}/charge/limit", "/v2.0/vehicles/{id}/charge"


@pytest.mark.parametrize(
    ("limit", "percent"), [(0.5, 50), (1, 100), (0.57, 57), ("0.8", 80), ("1", 100), (0.625, 62)]
)
def test_a_limit_may_be_a_number_or_written_as_text(
    simulator: SimulatorServer, signed: Calls, limit: Any, percent: int
) -> None:
    car_of(simulator, signed.grant).sections["charge_state"]["charge_limit_soc"] = 90
    assert signed.post(LIMIT, json.dumps({"limit": limit})).status_code == 200
    assert car_of(simulator, signed.grant).executed[-1].arguments == {"percent": percent}
    assert signed.get(LIMIT).json() == {"limit": percent / 100}


@pytest.mark.parametrize(
    "limit",
    [
        "0.49",
        "1.01",
        "80",
        '"80%"',
        '""',
        "null",
        "true",
        "[0.8]",
        "NaN",
        '"nan"',
        "Infinity",
        '"1e999"',
        "9" * 400,
    ],
)
def test_any_other_limit_is_refused_and_not_sent(
    simulator: SimulatorServer, signed: Calls, limit: str
) -> None:
    before = calls(simulator)
    answer = signed.post(LIMIT, f'{{"limit": {limit}}}')
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    assert [each["field"] for each in answer.json()["detail"]] == ["limit"]
    assert calls(simulator) == before


def test_a_limit_that_is_set_already_is_a_success(simulator: SimulatorServer, signed: Calls) -> None:
    assert signed.post(LIMIT, '{"limit": 0.8}').status_code == 200
    assert executed(simulator, signed.grant) == []


def test_starting_and_stopping_shows_in_the_charge_state(simulator: SimulatorServer, signed: Calls) -> None:
    for action, state in (("START", "CHARGING"), ("START", "CHARGING"), ("STOP", "NOT_CHARGING")):
        assert signed.post(CHARGE, json.dumps({"action": action})).status_code == 200
        assert signed.get(CHARGE).json() == {"isPluggedIn": True, "state": state}
    assert executed(simulator, signed.grant) == ["charge_start", "charge_stop"]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("Disconnected", "CHARGING_PLUG_NOT_CONNECTED"),
        ("NoPower", "CHARGE_FAULT"),
        ("Complete", "FULLY_CHARGED"),
    ],
)
def test_a_car_that_cannot_charge_says_why(
    simulator: SimulatorServer, signed: Calls, state: str, code: str
) -> None:
    car_of(simulator, signed.grant).sections["charge_state"]["charging_state"] = state
    answer = signed.post(CHARGE, '{"action": "START"}')
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (409, "VEHICLE_STATE", code)


def test_the_size_of_the_battery_is_read_from_the_badge(simulator: SimulatorServer, signed: Calls) -> None:
    battery = "/v2.0/vehicles/{id}/battery"
    assert signed.get(f"{battery}/capacity").json() == {"capacity": 74.0}
    assert signed.get(f"{battery}/nominal_capacity").json() == {
        "availableCapacities": [{"capacity": 74.0, "description": None}],
        "capacity": {"nominal": 74.0, "source": "SMARTCAR"},
        "url": None,
    }
    car_of(simulator, signed.grant).sections["vehicle_config"]["trim_badging"] = "plaid"
    answer = signed.get(f"{battery}/capacity")
    assert (answer.status_code, answer.json()["code"]) == (500, "RECORD_NOT_FOUND")
    unknown = {"availableCapacities": [], "capacity": None, "url": None}
    assert signed.get(f"{battery}/nominal_capacity").json() == unknown
