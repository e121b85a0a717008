"""Charging as only Teslas have it: meters, the current within what the charger gives, schedules, the charge port."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import calls, car_of, executed
from vehicles.models import Command
from vehicles.tesla.simulator.server import SimulatorServer

TESLA = "/v2.0/vehicles/{id}/tesla/charge"
AMMETER, SCHEDULE, PORT = f"{TESLA}/ammeter", f"{TESLA}/schedule", f"{TESLA}/charge_port_door"
METERS = ["ammeter", "voltmeter", "wattmeter", "completion"]


def charge_state(simulator: SimulatorServer, api: Calls) -> dict[str, Any]:
    state: dict[str, Any] = car_of(simulator, api.grant).sections["charge_state"]
    return state


def test_the_meters_show_what_flows(simulator: SimulatorServer, signed: Calls) -> None:
    charge_state(simulator, signed).update(battery_level=50)
    signed.post("/v2.0/vehicles/{id}/charge", '{"action": "START"}')
    state = charge_state(simulator, signed)
    assert signed.get(AMMETER).json() == {"amperage": 16}
    assert signed.get(f"{TESLA}/voltmeter").json() == {"voltage": 230}
    assert signed.get(f"{TESLA}/wattmeter").json() == {"wattage": 11}
    answer = signed.get(f"{TESLA}/completion")
    left = datetime.fromisoformat(answer.json()["time"]) - datetime.fromisoformat(
        answer.headers["SC-Data-Age"]
    )
    assert left.total_seconds() == state["minutes_to_full_charge"] * 60 > 0
    assert len(answer.json()["time"]) == len("2022-01-13T22:52:55.358Z")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("Disconnected", ["CHARGING_PLUG_NOT_CONNECTED"] * 2 + ["NOT_CHARGING"] * 2),
        ("Stopped", [None, None, "NOT_CHARGING", "NOT_CHARGING"]),
    ],
)
def test_a_meter_that_measures_nothing_says_why(
    simulator: SimulatorServer, signed: Calls, state: str, expected: list[str | None]
) -> None:
    charge_state(simulator, signed)["charging_state"] = state
    answers = [signed.get(f"{TESLA}/{meter}") for meter in METERS]
    assert [answer.json().get("code") for answer in answers] == expected
    assert {answer.status_code for answer, code in zip(answers, expected, strict=True) if code} == {409}


def test_the_details_are_in_the_callers_units_and_null_where_tesla_tells_nothing(
    simulator: SimulatorServer, signed: Calls
) -> None:
    charge_state(simulator, signed).update(charge_energy_added=None, charge_port_color="<invalid>")
    answer = signed.get(TESLA)
    body = answer.json()
    assert len(body) == 25
    assert (body["isPluggedIn"], body["state"], body["socLimit"]) == (True, "NOT_CHARGING", 0.8)
    assert (body["socLimitMin"], body["socLimitMax"], body["socLimitDefault"]) == (0.5, 1.0, 0.9)
    assert (body["amperageRequested"], body["amperageMaxVehicle"], body["connector"]) == (16, 16, "IEC")
    assert (body["chargePortOpen"], body["chargePortLatch"], body["rangeAddedRated"]) == (
        True,
        "Engaged",
        49.08,
    )
    nothing = ("energyAdded", "chargePortColor", "fastChargerType", "completionTime", "chargerPhases")
    assert [body[name] for name in nothing] == [None] * 5
    assert answer.headers["SC-Unit-System"] == "metric"
    imperial = signed.get(TESLA, headers={"SC-Unit-System": "imperial"})
    assert imperial.json()["rangeAddedRated"] == 30.5


def test_the_details_of_a_car_that_tells_nothing_are_all_null(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.data(charge_state={})
    assert set(api.get(TESLA).json().values()) == {None}


@pytest.mark.parametrize(
    ("most", "pilot", "used"), [(16, 16, 16), (32, 20, 20), (24, None, 24), (80, 80, 48)]
)
def test_more_than_the_charger_gives_becomes_what_it_gives_and_the_answer_says_so(
    simulator: SimulatorServer, signed: Calls, most: int, pilot: int | None, used: int
) -> None:
    charge_state(simulator, signed).update(charge_current_request_max=most, charger_pilot_current=pilot)
    answer = signed.post(AMMETER, '{"amperage": 48}')
    assert answer.json() == {
        "status": "success",
        "message": f"Successfully sent the following amperage: {used}",
    }
    assert car_of(simulator, signed.grant).executed[-1].arguments == {"charging_amps": used}


def test_the_current_of_a_car_without_a_cable_cannot_be_set(
    simulator: SimulatorServer, signed: Calls
) -> None:
    charge_state(simulator, signed)["charging_state"] = "Disconnected"
    answer = signed.post(AMMETER, '{"amperage": 10}')
    assert (answer.status_code, answer.json()["code"]) == (409, "CHARGING_PLUG_NOT_CONNECTED")
    assert executed(simulator, signed.grant) == [] and not Command.objects.exists()


def test_a_repeat_hears_of_the_first_current_although_the_cable_is_gone_by_now(
    simulator: SimulatorServer, signed: Calls
) -> None:
    key = {"Idempotency-Key": "once"}
    first = signed.post(AMMETER, '{"amperage": 48}', headers=key)
    charge_state(simulator, signed).update(charging_state="Disconnected", charge_current_request_max=6)
    again = signed.post(AMMETER, '{"amperage": 48}', headers=key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert len(executed(simulator, signed.grant)) == 1


@pytest.mark.parametrize("amperage", ["0", "-1", "1.5", "true", '"many"', "null", "NaN", "[]", "1e9"])
def test_a_current_that_is_no_whole_number_is_refused(
    simulator: SimulatorServer, signed: Calls, amperage: str
) -> None:
    before = calls(simulator)
    answer = signed.post(AMMETER, f'{{"amperage": {amperage}}}')
    assert [each["field"] for each in answer.json()["detail"]] == ["amperage"]
    assert calls(simulator) == before


@pytest.mark.parametrize("switch", ["enabled", "enable"])
@pytest.mark.parametrize(("kind", "key"), [("START_TIME", "startTime"), ("DEPARTURE_TIME", "departureTime")])
@pytest.mark.parametrize("firmware", ["2026.32.6", "2024.20.9"])
def test_a_schedule_reads_back_as_it_was_set(
    simulator: SimulatorServer, signed: Calls, switch: str, kind: str, key: str, firmware: str
) -> None:
    car_of(simulator, signed.grant).set_firmware(firmware)
    answer = signed.post(SCHEDULE, json.dumps({"type": kind, switch: True, "time": "06:05"}))
    other = {"startTime": "departureTime", "departureTime": "startTime"}[key]
    assert answer.json() == {key: {"enabled": True, "time": "06:05"}, other: {"enabled": False, "time": None}}
    read = signed.get(SCHEDULE).json()
    assert (read[key], read[other]["enabled"]) == ({"enabled": True, "time": "06:05"}, False)
    assert signed.post(SCHEDULE, json.dumps({"type": kind, switch: False})).status_code == 200
    read = signed.get(SCHEDULE).json()
    assert (read[key]["enabled"], read[other]["enabled"]) == (False, False)


def test_newer_firmware_gets_one_schedule_that_each_call_replaces(
    simulator: SimulatorServer, signed: Calls
) -> None:
    for kind, time in (("START_TIME", "22:00"), ("DEPARTURE_TIME", "07:30")):
        signed.post(SCHEDULE, json.dumps({"type": kind, "enabled": True, "time": time}))
    car = car_of(simulator, signed.grant)
    assert executed(simulator, signed.grant) == ["add_charge_schedule"] * 2
    (schedule,) = car.schedules["charge"].values()
    assert (schedule["start_enabled"], schedule["end_enabled"], schedule["end_time"]) == (False, True, 450)
    # The message keeps the position as a single-precision number.
    assert schedule["lat"] == pytest.approx(car.sections["drive_state"]["latitude"], abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "command"),
    [("START_TIME", "set_scheduled_charging"), ("DEPARTURE_TIME", "set_scheduled_departure")],
)
def test_older_firmware_gets_the_older_command_which_keeps_what_was_not_asked_for(
    simulator: SimulatorServer, unsigned: Calls, kind: str, command: str
) -> None:
    car_of(simulator, unsigned.grant).set_firmware("2024.20.1")
    charge_state(simulator, unsigned).update(preconditioning_enabled=True, preconditioning_times="weekdays")
    unsigned.post(SCHEDULE, json.dumps({"type": kind, "enabled": True, "time": "06:00"}))
    assert executed(simulator, unsigned.grant) == [command]
    state = charge_state(simulator, unsigned)
    assert (state["preconditioning_enabled"], state["preconditioning_times"]) == (True, "weekdays")


def test_a_car_whose_position_is_not_shown_gets_the_older_command(
    simulator: SimulatorServer, sign_in: Any, signed: Calls, dieter: Any
) -> None:
    sign_in(dieter, scopes=["openid", "offline_access", "vehicle_device_data", "vehicle_charging_cmds"])
    answer = signed.post(SCHEDULE, '{"type": "START_TIME", "enabled": true, "time": "06:00"}')
    assert (answer.status_code, executed(simulator, signed.grant)) == (200, ["set_scheduled_charging"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "START_TIME", "time": "06:00"}, "enabled"),
        ({"type": "START_TIME", "enabled": True, "enable": False, "time": "06:00"}, "enabled"),
        ({"type": "START_TIME", "enabled": "true", "time": "06:00"}, "enabled"),
        ({"type": "START_TIME", "enabled": 1, "time": "06:00"}, "enabled"),
        ({"type": "START_TIME", "enabled": True}, "time"),
        ({"type": "START_TIME", "enabled": True, "time": "24:00"}, "time"),
        ({"type": "START_TIME", "enabled": True, "time": "6:00"}, "time"),
        ({"type": "START_TIME", "enabled": True, "time": 600}, "time"),
        ({"type": "NOON", "enabled": True, "time": "06:00"}, "type"),
    ],
)
def test_a_schedule_that_says_nothing_sensible_is_refused(
    simulator: SimulatorServer, signed: Calls, body: dict[str, Any], field: str
) -> None:
    before = calls(simulator)
    answer = signed.post(SCHEDULE, json.dumps(body))
    assert answer.status_code == 400
    assert [each["field"] for each in answer.json()["detail"]] == [field]
    assert calls(simulator) == before


def test_the_charge_port_opens_and_closes_and_says_why_it_does_not(
    simulator: SimulatorServer, signed: Calls
) -> None:
    answer = signed.post(PORT, '{"action": "CLOSE"}')
    assert (answer.status_code, answer.json()["code"]) == (409, "CHARGING_PLUG_CONNECTED")
    charge_state(simulator, signed)["charging_state"] = "Disconnected"
    for action, is_open in (("CLOSE", False), ("CLOSE", False), ("OPEN", True)):
        assert signed.post(PORT, json.dumps({"action": action})).status_code == 200
        assert charge_state(simulator, signed)["charge_port_door_open"] is is_open
    assert executed(simulator, signed.grant) == ["charge_port_door_close", "charge_port_door_open"]


def test_a_flap_without_a_motor_cannot_be_closed(simulator: SimulatorServer, unsigned: Calls) -> None:
    charge_state(simulator, unsigned)["charging_state"] = "Disconnected"
    answer = unsigned.post(PORT, '{"action": "CLOSE"}')
    assert (answer.status_code, answer.json()["code"]) == (501, "VEHICLE_NOT_CAPABLE")


@pytest.mark.parametrize(("amps", "sends"), [(5, 1), (16, 1), (4, 2), (1, 2)])
def test_a_current_that_the_car_takes_only_with_a_second_command_arrives_with_one_row(
    simulator: SimulatorServer, signed: Calls, amps: int, sends: int
) -> None:
    assert signed.post(AMMETER, f'{{"amperage": {amps}}}').status_code == 200
    assert charge_state(simulator, signed)["charge_amps"] == amps
    assert executed(simulator, signed.grant) == ["set_charging_amps"] * sends
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    ("word", "cable", "expected"),
    [
        ("Stopped", "<invalid>", False),
        ("Complete", "<invalid>", False),
        ("Disconnected", "IEC", False),
        ("Charging", "<invalid>", True),
        ("Stopped", "IEC", True),
        ("Stopped", None, True),
    ],
)
def test_a_cable_that_is_invalid_is_not_plugged_in(
    simulator: SimulatorServer, signed: Calls, word: str, cable: str | None, expected: bool
) -> None:
    charge_state(simulator, signed).update(charging_state=word, conn_charge_cable=cable)
    assert signed.get("/v2.0/vehicles/{id}/charge").json()["isPluggedIn"] is expected
    assert signed.get(TESLA).json()["isPluggedIn"] is expected
    assert (signed.get(AMMETER).json().get("code") == "CHARGING_PLUG_NOT_CONNECTED") is not expected
