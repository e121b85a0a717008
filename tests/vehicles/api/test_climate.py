"""Climate over the API: temperatures in the caller's units and within the car's limits, defroster, steering wheel."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import calls, car_of, executed
from vehicles.tesla.simulator.server import SimulatorServer

CABIN = "/v2.0/vehicles/{id}/tesla/climate/cabin"
DEFROSTER = "/v2.0/vehicles/{id}/tesla/climate/defroster"
WHEEL = "/v2.0/vehicles/{id}/tesla/climate/steering_wheel"
IMPERIAL = {"SC-Unit-System": "imperial"}


def climate_state(simulator: SimulatorServer, api: Calls) -> dict[str, Any]:
    state: dict[str, Any] = car_of(simulator, api.grant).sections["climate_state"]
    return state


def test_the_climate_starts_and_stops_and_keeps_its_temperature(
    simulator: SimulatorServer, signed: Calls
) -> None:
    for action, status in (("START", "ON"), ("STOP", "OFF")):
        answer = signed.post(CABIN, json.dumps({"action": action}))
        assert answer.json() == signed.get(CABIN).json() == {"status": status, "temperature": 21.0}
    assert executed(simulator, signed.grant) == ["auto_conditioning_start", "auto_conditioning_stop"]


def test_a_start_may_bring_its_temperature_along(simulator: SimulatorServer, signed: Calls) -> None:
    answer = signed.post(CABIN, '{"action": "START", "temperature": 23}')
    assert answer.json() == {"status": "ON", "temperature": 23.0}
    assert executed(simulator, signed.grant) == ["set_temps", "auto_conditioning_start"]


def test_a_set_temperature_leaves_the_climate_as_it_is(simulator: SimulatorServer, signed: Calls) -> None:
    for is_on, status in ((True, "ON"), (False, "OFF")):
        climate_state(simulator, signed)["is_climate_on"] = is_on
        answer = signed.post(CABIN, f'{{"action": "SET", "temperature": {18 + is_on}}}')
        assert answer.json() == {"status": status, "temperature": 18.0 + is_on}
        assert answer.headers["SC-Unit-System"] == "metric"
    assert executed(simulator, signed.grant) == ["set_temps"] * 2


def test_temperatures_are_in_the_callers_units(simulator: SimulatorServer, signed: Calls) -> None:
    answer = signed.post(CABIN, '{"action": "SET", "temperature": 68}', headers=IMPERIAL)
    assert (answer.json()["temperature"], answer.headers["SC-Unit-System"]) == (68, "imperial")
    assert climate_state(simulator, signed)["driver_temp_setting"] == 20.0
    assert signed.get(CABIN).json()["temperature"] == 20.0
    assert signed.get(CABIN, headers=IMPERIAL).json()["temperature"] == 68.0


@pytest.mark.parametrize(
    ("temperature", "headers", "limits"),
    [
        (14.9, {}, "15 and 28"),
        (28.1, {}, "15 and 28"),
        (68, {}, "15 and 28"),
        (20, IMPERIAL, "59 and 82.4"),
        (82.5, IMPERIAL, "59 and 82.4"),
    ],
)
@pytest.mark.parametrize("action", ["SET", "START"])
def test_a_temperature_that_the_car_does_not_take_is_refused_with_its_limits(
    simulator: SimulatorServer,
    signed: Calls,
    action: str,
    temperature: float,
    headers: dict[str, str],
    limits: str,
) -> None:
    body = json.dumps({"action": action, "temperature": temperature})
    answer = signed.post(CABIN, body, headers=headers)
    message = f"must be between {limits} for this vehicle"
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        [{"field": "temperature", "message": message}],
    )
    assert executed(simulator, signed.grant) == []


@pytest.mark.parametrize(("temperature", "headers"), [(15, {}), (28, {}), (59, IMPERIAL), (82.4, IMPERIAL)])
def test_the_limits_themselves_are_taken(
    simulator: SimulatorServer, signed: Calls, temperature: float, headers: dict[str, str]
) -> None:
    body = json.dumps({"action": "SET", "temperature": temperature})
    assert signed.post(CABIN, body, headers=headers).status_code == 200


@pytest.mark.parametrize("temperature", [None, "NaN", '"warm"', "true", "[]"])
def test_a_set_without_a_temperature_is_refused_before_the_car_is_asked(
    simulator: SimulatorServer, signed: Calls, temperature: str | None
) -> None:
    before = calls(simulator)
    extra = f', "temperature": {temperature}' if temperature else ""
    answer = signed.post(CABIN, f'{{"action": "SET"{extra}}}')
    assert [each["field"] for each in answer.json()["detail"]] == ["temperature"]
    assert calls(simulator) == before


def test_the_defroster_echoes_the_action_and_shows_both_windows(
    simulator: SimulatorServer, signed: Calls
) -> None:
    for action, status in (("START", "ON"), ("STOP", "OFF")):
        assert signed.post(DEFROSTER, json.dumps({"action": action})).json() == {"status": action}
        assert signed.get(DEFROSTER).json() == {"frontStatus": status, "rearStatus": status}


def test_the_steering_wheel_is_heated_while_the_climate_is_on(
    simulator: SimulatorServer, signed: Calls
) -> None:
    refused = signed.post(WHEEL, '{"action": "START"}')
    assert (refused.status_code, refused.json()["type"]) == (409, "VEHICLE_STATE")
    assert "climate" in refused.json()["description"]
    signed.post(CABIN, '{"action": "START"}')
    for action, status in (("START", "ON"), ("START", "ON"), ("STOP", "OFF"), ("STOP", "OFF")):
        assert signed.post(WHEEL, json.dumps({"action": action})).json() == {"status": action}
        assert signed.get(WHEEL).json() == {"status": status}
    assert executed(simulator, signed.grant)[1:] == ["remote_steering_wheel_heater_request"] * 2


def test_a_car_without_a_heated_wheel_says_so(simulator: SimulatorServer, signed: Calls) -> None:
    climate_state(simulator, signed).update(steering_wheel_heater=None, is_climate_on=True)
    assert signed.get(WHEEL).json() == {"status": "UNAVAILABLE"}
    assert signed.post(WHEEL, '{"action": "START"}').json() == {"status": "UNAVAILABLE"}
    assert executed(simulator, signed.grant) == []


@pytest.mark.parametrize("told", [False, True])
def test_a_wheel_is_not_judged_before_the_car_is_asked(
    simulator: SimulatorServer, signed: Calls, told: bool
) -> None:
    """With its climate off a car may tell nothing of the heater; it refuses, and that is what the caller hears."""
    if not told:
        del climate_state(simulator, signed)["steering_wheel_heater"]
    before = len(calls_to_the_car_of(simulator))
    answer = signed.post(WHEEL, '{"action": "START"}')
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (
        409,
        "VEHICLE_STATE",
        "UNKNOWN",
    )
    assert "remote comfort settings are not enabled" in answer.json()["description"]
    assert len(calls_to_the_car_of(simulator)) > before


def calls_to_the_car_of(simulator: SimulatorServer) -> list[dict[str, Any]]:
    return [call for call in simulator.world.calls.since(0) if call["path"].endswith("/signed_command")]


def test_the_thermometers_show_the_callers_units(simulator: SimulatorServer, signed: Calls) -> None:
    climate_state(simulator, signed).update(inside_temp=20.0, outside_temp=-5.0)
    thermometer = "/v2.0/vehicles/{id}/tesla/thermometer"
    assert signed.get(f"{thermometer}/interior").json() == {"temperature": 20.0}
    assert signed.get(f"{thermometer}/exterior").json() == {"temperature": -5.0}
    imperial = signed.get(f"{thermometer}/exterior", headers=IMPERIAL)
    assert (imperial.json(), imperial.headers["SC-Unit-System"]) == ({"temperature": 23.0}, "imperial")
