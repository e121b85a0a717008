"""Unsigned commands: which cars take them, their arguments, their effects and the cars' refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vehicles.tesla.signing.any_command import acceptable_arguments
from tests.vehicles.tesla.simulator.visitors import Application, Control, error
from vehicles.tesla import scopes
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.car.car import Car, new_car
from vehicles.tesla.simulator.effects import commands
from vehicles.tesla.simulator.samples.scenarios import (
    ANNAS_MODEL_3,
    BERNDS_MODEL_S,
    DIETERS_MODEL_3,
    ScenarioVehicle,
)
from vehicles.tesla.vehicle_commands import COMMANDS

BERND = "bernd@owners.example"
TO_LAKE = {"type": "share_ext_content_raw", "value": {"android.intent.extra.TEXT": "47.5,9.4"}}


@pytest.fixture
def bernd(application: Application) -> Application:
    return application.connect(BERND)


def outcome(application: Application, name: str, **arguments: Any) -> tuple[bool, str]:
    answer = application.command(BERNDS_MODEL_S, name, **arguments)
    assert answer.status == 200, answer.data
    told = answer.json()["response"]
    return told["result"], told["reason"]


def section(control: Control, name: str) -> dict[str, Any]:
    found: dict[str, Any] = control("GET", f"/vehicles/{BERNDS_MODEL_S}")["sections"][name]
    return found


def test_a_command_changes_the_car_and_is_recorded(bernd: Application, control: Control) -> None:
    assert outcome(bernd, "door_unlock") == (True, "")
    assert outcome(bernd, "set_charge_limit", percent=65) == (True, "")
    assert section(control, "vehicle_state")["locked"] is False
    assert section(control, "charge_state")["charge_limit_soc"] == 65
    done = control("GET", f"/vehicles/{BERNDS_MODEL_S}/executed")
    assert [(row["command"], row["arguments"]) for row in done] == [
        ("door_unlock", {}),
        ("set_charge_limit", {"percent": 65}),
    ]


@pytest.mark.parametrize("email", ["anna@owners.example", "dieter@owners.example"])
def test_cars_that_need_signing_refuse_every_command_but_navigation(
    application: Application, control: Control, email: str
) -> None:
    vin = {"anna@owners.example": ANNAS_MODEL_3, "dieter@owners.example": DIETERS_MODEL_3}[email]
    application.connect(email)
    status, text = error(application.command(vin, "door_lock"))
    assert status == 403 and text.startswith("Tesla Vehicle Command Protocol required")
    answer = application.command(vin, "navigation_request", **TO_LAKE)
    assert answer.json()["response"] == {"result": True, "reason": "", "queued": True}
    assert [row["command"] for row in control("GET", f"/vehicles/{vin}/executed")] == ["navigation_request"]


def test_a_car_that_does_not_require_the_protocol_takes_unsigned_commands(
    application: Application, control: Control
) -> None:
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"protocol_required": False})
    application.connect("clara@owners.example")
    assert application.command(ANNAS_MODEL_3, "flash_lights").json()["response"]["result"] is True


def test_charging_commands_take_either_scope_and_others_only_one(application: Application) -> None:
    application.connect(BERND, scopes.VEHICLE_CHARGING_CMDS)
    assert outcome(application, "set_charging_amps", charging_amps=10) == (True, "")
    refused = application.command(BERNDS_MODEL_S, "door_lock")
    assert error(refused) == (403, "Unauthorized missing scopes")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("set_charge_limit", {}),
        ("set_charge_limit", {"percent": "eighty"}),
        ("set_temps", {"driver_temp": 90, "passenger_temp": 21}),
        ("actuate_trunk", {"which_trunk": "middle"}),
        ("set_pin_to_drive", {"on": True, "password": "12345"}),
        ("navigation_request", {"value": {}}),
    ],
)
def test_wrong_arguments_are_refused_and_nothing_happens(
    bernd: Application, control: Control, name: str, arguments: dict[str, Any]
) -> None:
    status, text = error(bernd.command(BERNDS_MODEL_S, name, **arguments))
    assert status == 400 and text.startswith("invalid_field") and "12345" not in text
    assert control("GET", f"/vehicles/{BERNDS_MODEL_S}/executed") == []


@pytest.mark.parametrize("name", ["no_such_command", "ping"])
def test_a_command_that_does_not_exist_is_invalid(bernd: Application, name: str) -> None:
    assert error(bernd.command(BERNDS_MODEL_S, name)) == (400, "invalid_command")


def test_a_sleeping_car_takes_no_command(bernd: Application, control: Control) -> None:
    control("PATCH", f"/vehicles/{BERNDS_MODEL_S}", {"state": "asleep"})
    assert bernd.command(BERNDS_MODEL_S, "door_lock").status == 408


def test_a_car_in_service_refuses(bernd: Application, control: Control) -> None:
    control("PATCH", f"/vehicles/{BERNDS_MODEL_S}", {"in_service": True})
    assert outcome(bernd, "door_lock") == (False, commands.IN_SERVICE)


REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("charge_start", {}, {"charging_state": "Disconnected"}, "disconnected"),
    ("charge_start", {}, {"charging_state": "NoPower"}, "no_power"),
    ("charge_start", {}, {"charging_state": "Charging"}, "is_charging"),
    ("charge_start", {}, {"charging_state": "Starting"}, "requested"),
    ("charge_start", {}, {"charging_state": "Complete"}, "complete"),
    ("charge_start", {}, {"battery_level": 80}, "complete"),
    ("charge_stop", {}, {"charging_state": "Stopped"}, "not_charging"),
    ("charge_standard", {}, {"charge_limit_soc": 90}, "already_standard"),
    ("charge_max_range", {}, {"charge_limit_soc": 100}, "already_started"),
    ("set_charge_limit", {"percent": 80}, {}, "already_set"),
    ("charge_port_door_close", {}, {"charge_port_door_open": False}, "already closed"),
    ("charge_port_door_close", {}, {}, "cable connected"),
    ("charge_port_door_close", {}, {"charging_state": "Disconnected"}, "not_supported"),
    ("charge_port_door_open", {}, {"vehicle_state": {"car_wash_mode": True}}, "car_wash_mode"),
    ("remove_charge_schedule", {"id": 7}, {}, "not_found"),
    ("remote_steering_wheel_heater_request", {"on": True}, {}, "cabin comfort remote settings not enabled"),
    (
        "remote_seat_heater_request",
        {"seat_position": 0, "level": 3},
        {},
        "cabin comfort remote settings not enabled",
    ),
    ("door_lock", {}, {"df": 1}, "closures_open"),
    ("remote_start_drive", {}, {"remote_start_enabled": False}, "disabled_for_user_command"),
    ("actuate_trunk", {"which_trunk": "rear"}, {"rt": 16, "plg": False}, "not_supported"),
    ("open_tonneau", {}, {}, "not_supported"),
    ("sun_roof_control", {"state": "vent"}, {}, "not_supported"),
    ("flash_lights", {}, {"shift_state": "D"}, "vehicle_not_in_park"),
    ("honk_horn", {}, {"shift_state": "D"}, "vehicle_not_in_park"),
    ("erase_user_data", {}, {}, "not_in_guest_mode"),
    ("schedule_software_update", {"offset_sec": 60}, {}, "no_update_available"),
    ("cancel_software_update", {}, {}, "no_update_scheduled"),
    ("media_next_track", {}, {}, "user_not_present"),
    ("adjust_volume", {"volume": 3}, {}, "user_not_present"),
    ("set_pin_to_drive", {"on": True}, {}, "invalid_pin"),
    ("speed_limit_deactivate", {"pin": "1234"}, {}, "invalid_pin"),
    ("remote_boombox", {"sound": 1}, {}, "not_supported"),
]


@pytest.mark.parametrize(("name", "arguments", "state", "reason"), REFUSALS)
def test_the_car_refuses_with_its_reason_and_records_nothing(
    bernd: Application,
    control: Control,
    name: str,
    arguments: dict[str, Any],
    state: dict[str, Any],
    reason: str,
) -> None:
    control("PATCH", f"/vehicles/{BERNDS_MODEL_S}", {"battery_level": 50} | state)
    assert outcome(bernd, name, **arguments) == (False, reason)
    assert control("GET", f"/vehicles/{BERNDS_MODEL_S}/executed") == []


EFFECTS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("charge_start", {}, "charge_state", {"charging_state": "Charging", "charger_voltage": 230}),
    ("charge_max_range", {}, "charge_state", {"charge_limit_soc": 100}),
    ("set_charge_limit", {"percent": 10}, "charge_state", {"charge_limit_soc": 50}),
    ("set_charging_amps", {"charging_amps": 200}, "charge_state", {"charge_amps": 16}),
    ("charge_port_door_open", {}, "charge_state", {"charge_port_latch": "Disengaged"}),
    (
        "set_scheduled_charging",
        {"enable": True, "time": 60},
        "charge_state",
        {"scheduled_charging_mode": "StartAt"},
    ),
    (
        "set_scheduled_departure",
        {"enable": True, "departure_time": 480, "preconditioning_enabled": True, "end_off_peak_time": 300},
        "charge_state",
        {"scheduled_charging_mode": "DepartBy", "preconditioning_enabled": True},
    ),
    ("auto_conditioning_start", {}, "climate_state", {"is_climate_on": True}),
    (
        "set_temps",
        {"driver_temp": 22.5, "passenger_temp": 30},
        "climate_state",
        {"driver_temp_setting": 22.5},
    ),
    (
        "set_temps",
        {"driver_temp": 22.5, "passenger_temp": 30},
        "climate_state",
        {"passenger_temp_setting": 28},
    ),
    ("set_preconditioning_max", {"on": True}, "climate_state", {"defrost_mode": 2, "is_climate_on": True}),
    ("set_climate_keeper_mode", {"climate_keeper_mode": 2}, "climate_state", {"climate_keeper_mode": "dog"}),
    ("set_cabin_overheat_protection", {"on": True}, "climate_state", {"cabin_overheat_protection": "On"}),
    ("set_cop_temp", {"cop_temp": 1}, "climate_state", {"cop_activation_temperature": "Medium"}),
    ("actuate_trunk", {"which_trunk": "front"}, "vehicle_state", {"ft": 16}),
    ("actuate_trunk", {}, "vehicle_state", {"rt": 16}),
    ("window_control", {"command": "vent", "lat": 0, "lon": 0}, "vehicle_state", {"rp_window": 1}),
    ("set_sentry_mode", {"on": True}, "vehicle_state", {"sentry_mode": True}),
    ("set_valet_mode", {"on": True, "password": "1234"}, "vehicle_state", {"valet_mode": True}),
    ("set_vehicle_name", {"vehicle_name": "Bee"}, "vehicle_state", {"vehicle_name": "Bee"}),
    ("navigation_gps_request", {"lat": 47.5, "lon": 9.4}, "drive_state", {"active_route_latitude": 47.5}),
    ("navigation_request", TO_LAKE, "drive_state", {"active_route_destination": "47.5,9.4"}),
    ("set_pin_to_drive", {"on": True, "password": "1234"}, "vehicle_state", {"pin_to_drive_enabled": True}),
]


@pytest.mark.parametrize(("name", "arguments", "where", "expected"), EFFECTS)
def test_the_effect_shows_in_the_cars_data(
    bernd: Application,
    control: Control,
    name: str,
    arguments: dict[str, Any],
    where: str,
    expected: dict[str, Any],
) -> None:
    control("PATCH", f"/vehicles/{BERNDS_MODEL_S}", {"battery_level": 50})
    assert outcome(bernd, name, **arguments) == (True, "")
    assert section(control, where).items() >= expected.items()


def test_the_rear_trunk_toggles_where_the_lift_gate_has_a_motor(bernd: Application, control: Control) -> None:
    positions = []
    for _ in range(2):
        outcome(bernd, "actuate_trunk", which_trunk="rear")
        positions.append(section(control, "vehicle_state")["rt"])
    assert positions == [16, 0]


def test_an_old_pin_is_kept_until_it_is_cleared(bernd: Application, tesla: Any) -> None:
    car = tesla.world.car(BERNDS_MODEL_S)
    outcome(bernd, "set_pin_to_drive", on=True, password="1111")
    outcome(bernd, "set_pin_to_drive", on=False)
    outcome(bernd, "set_pin_to_drive", on=True, password="2222")
    assert car.pins["drive"] == "1111"
    assert outcome(bernd, "reset_pin_to_drive_pin") == (False, "pin_to_drive_enabled")
    assert outcome(bernd, "clear_pin_to_drive_admin") == (True, "")
    outcome(bernd, "set_pin_to_drive", on=True, password="2222")
    assert car.pins["drive"] == "2222"


def test_a_speed_limit_opens_only_with_its_pin(bernd: Application) -> None:
    assert outcome(bernd, "speed_limit_activate", pin="1234") == (True, "")
    assert outcome(bernd, "speed_limit_activate", pin="1234") == (False, "already_on")
    assert outcome(bernd, "speed_limit_deactivate", pin="9999") == (False, "invalid_pin")
    assert outcome(bernd, "speed_limit_deactivate", pin="1234") == (True, "")
    assert outcome(bernd, "speed_limit_clear_pin", pin="1234") == (True, "")


def test_a_new_schedule_gets_a_number_and_can_be_removed(bernd: Application, tesla: Any) -> None:
    schedules = tesla.world.car(BERNDS_MODEL_S).schedules["charge"]
    schedule = {
        "days_of_week": "Weekdays",
        "lat": 47.5,
        "lon": 9.4,
        "start_enabled": True,
        "end_enabled": False,
    }
    assert outcome(bernd, "add_charge_schedule", **schedule, start_time=120, end_time=0, enabled=True)[0]
    [number] = schedules
    assert outcome(bernd, "remove_charge_schedule", id=number) == (True, "") and schedules == {}


@pytest.mark.parametrize("kind", ["charge", "precondition"])
@pytest.mark.parametrize(
    "ticked", [set(), {"home"}, {"work"}, {"other"}, {"home", "other"}, {"home", "work", "other"}]
)
def test_a_batch_removal_takes_the_schedules_of_the_places_that_are_ticked(
    bernd: Application, tesla: Any, kind: str, ticked: set[str]
) -> None:
    car = tesla.world.car(BERNDS_MODEL_S)
    places = car.places | {"other": (-33.9, 18.4)}
    times = {
        "charge": {"start_enabled": True, "end_enabled": False},
        "precondition": {"precondition_time": 60},
    }
    for number, (latitude, longitude) in enumerate(places.values(), 1):
        added = {"id": number, "lat": latitude, "lon": longitude, "days_of_week": "All", "enabled": True}
        assert outcome(bernd, f"add_{kind}_schedule", **added, **times[kind]) == (True, "")
    assert outcome(bernd, f"batch_remove_{kind}_schedules", **dict.fromkeys(ticked, True)) == (True, "")
    left = {place for number, place in enumerate(places, 1) if number in car.schedules[kind]}
    assert left == places.keys() - ticked


def test_valet_mode_ends_without_a_pin_as_teslas_programs_end_it(
    bernd: Application, control: Control
) -> None:
    assert outcome(bernd, "set_valet_mode", on=True, password="1234") == (True, "")
    assert outcome(bernd, "set_valet_mode", on=False, password="9999") == (False, "invalid_pin")
    assert outcome(bernd, "set_valet_mode", on=False, password="") == (True, "")
    assert section(control, "vehicle_state")["valet_mode"] is False
    assert outcome(bernd, "set_valet_mode", on=False) == (False, "already off")


def test_charging_that_reaches_a_lowered_limit_is_complete(bernd: Application, control: Control) -> None:
    control("PATCH", f"/vehicles/{BERNDS_MODEL_S}", {"battery_level": 70})
    outcome(bernd, "charge_start")
    outcome(bernd, "set_charge_limit", percent=60)
    assert section(control, "charge_state")["charging_state"] == "Complete"
    outcome(bernd, "set_charge_limit", percent=90)
    assert section(control, "charge_state")["charging_state"] == "Charging"


@pytest.fixture
def car(client: Client) -> Car:
    return new_car(ScenarioVehicle(BERNDS_MODEL_S, "OWNER", "not_required"), client.client_id)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_of_the_table_ends_in_an_effect_or_a_reason(car: Car, name: str) -> None:
    arguments = commands.checked_arguments(name, acceptable_arguments(name), 0.0)
    result = commands.carry_out(car, name, arguments, 0.0)
    assert result.result is (not result.reason)
    assert [done.command for done in car.executed] == ([name] if result.result else [])


def test_less_than_5_amperes_is_taken_when_it_is_said_a_second_time(
    application: Application, control: Control
) -> None:
    application.connect(BERND, scopes.VEHICLE_CMDS)
    for amps, taken in ((3, 5), (3, 3), (2, 5), (2, 2), (8, 8), (2, 5), (0, 5), (0, 0)):
        assert outcome(application, "set_charging_amps", charging_amps=amps) == (True, "")
        assert (
            control("GET", f"/vehicles/{BERNDS_MODEL_S}")["sections"]["charge_state"]["charge_amps"] == taken
        )
