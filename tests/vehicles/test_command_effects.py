"""Whether a car's state shows a command's effect: a car stores what it was told in its own way, and takes its time."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vehicles.commands import effects
from vehicles.commands.controls import ASKED, CONTROLS
from vehicles.reads.charge_schedule import SCHEDULE_NUMBER

DAY_START = {"type": "START_TIME", "minutes": 1439, "enabled": True}
OURS = {
    "id": SCHEDULE_NUMBER,
    "enabled": True,
    "start_enabled": True,
    "start_time": 1439,
    "end_enabled": False,
}


def charge(**values: Any) -> dict[str, Any]:
    return {"charge_state": values}


def climate(**values: Any) -> dict[str, Any]:
    return {"climate_state": values}


def scheduled(*schedules: Any) -> dict[str, Any]:
    return {"charge_schedule_data": {"charge_schedules": list(schedules)}}


SHOWN: list[tuple[str, dict[str, Any], dict[str, Any], bool | None]] = [
    # As float32, rounded, in the car's own steps; a whole degree off is another setting.
    ("set_temperature", {"celsius": 21.3}, climate(driver_temp_setting=21.299999237060547), True),
    ("set_temperature", {"celsius": 21.11}, climate(driver_temp_setting=21.1), True),
    ("set_temperature", {"celsius": 21.3}, climate(driver_temp_setting=21.5), True),
    ("set_temperature", {"celsius": 21}, climate(driver_temp_setting=21.0), True),
    ("set_temperature", {"celsius": 29.0}, climate(driver_temp_setting=28.0, max_avail_temp=28.0), True),
    ("set_temperature", {"celsius": 21.3}, climate(driver_temp_setting=20.3), False),
    ("set_temperature", {"celsius": 21.3}, climate(driver_temp_setting=21.0), False),
    # Near, but that is where it stood before: nobody can tell.
    ("set_temperature", {"celsius": 21.3, "was": 21.5}, climate(driver_temp_setting=21.5), None),
    ("set_temperature", {"celsius": 21.3, "was": 21.5}, climate(driver_temp_setting=21.3), True),
    ("set_temperature", {"celsius": 21.3, "was": 19.0}, climate(driver_temp_setting=21.5), True),
    ("set_temperature", {"celsius": 21.4, "was": 19.0}, climate(driver_temp_setting=21.0), True),
    ("set_temperature", {"celsius": 21.4, "was": 21.0}, climate(driver_temp_setting=21.0), None),
    ("set_temperature", {"celsius": 21.4, "was": 19.0}, climate(driver_temp_setting=19.0), False),
    ("set_temperature", {"celsius": 21.3}, climate(driver_temp_setting="<invalid>"), None),
    ("set_temperature", {}, climate(driver_temp_setting=21.0), None),
    ("set_charge_limit", {"percent": 70}, charge(charge_limit_soc=70.0), True),
    ("set_charge_limit", {"percent": 70}, charge(charge_limit_soc=69.99999), True),
    ("set_charge_limit", {"percent": 40}, charge(charge_limit_soc=50, charge_limit_soc_min=50), True),
    ("set_charge_limit", {"percent": 70}, charge(charge_limit_soc=80), False),
    ("set_amperage", {"charging_amps": 12}, charge(charge_amps=12.0), True),
    ("set_amperage", {"charging_amps": 12}, charge(charge_amps=None, charge_current_request=12), True),
    ("set_amperage", {"charging_amps": 32}, charge(charge_amps=16, charge_current_request_max=16), True),
    ("set_amperage", {"charging_amps": 3}, charge(charge_amps=5), False),
    ("start_charge", {}, charge(charging_state="Charging"), True),
    ("start_charge", {}, charge(charging_state="Starting"), True),
    ("start_charge", {}, charge(charging_state="Stopped"), False),
    ("start_charge", {}, charge(charging_state="Complete"), None),
    ("start_charge", {}, charge(charging_state="NoPower"), None),
    ("start_charge", {}, charge(charging_state="Calibrating"), None),
    ("start_charge", {}, charge(charging_state="<invalid>"), None),
    ("stop_charge", {}, charge(charging_state="Stopped"), True),
    ("stop_charge", {}, charge(charging_state="Complete"), True),
    ("stop_charge", {}, charge(charging_state="Disconnected"), True),
    ("stop_charge", {}, charge(charging_state="Charging"), False),
    ("stop_charge", {}, charge(charging_state="Starting"), False),
    ("open_charge_port", {}, charge(charge_port_door_open=True, charge_port_latch="Engaged"), True),
    ("open_charge_port", {}, charge(charge_port_door_open="Opening"), True),
    ("open_charge_port", {}, charge(charge_port_door_open=False), False),
    ("close_charge_port", {}, charge(charge_port_door_open=False), True),
    ("close_charge_port", {}, charge(charge_port_door_open="closing"), True),
    ("close_charge_port", {}, charge(charge_port_door_open=1), False),
    ("lock", {}, {"vehicle_state": {"locked": True}}, True),
    ("lock", {}, {"vehicle_state": {"locked": 0}}, False),
    ("unlock", {}, {"vehicle_state": {"locked": False}}, True),
    ("unlock", {}, {"vehicle_state": {}}, None),
    ("lock", {}, {}, None),
    ("start_climate", {}, climate(is_climate_on=True), True),
    ("stop_climate", {}, climate(is_climate_on=True), False),
    ("start_steering_wheel", {}, climate(steering_wheel_heater=True), True),
    ("start_steering_wheel", {}, climate(steering_wheel_heater=None, steering_wheel_heat_level=3), True),
    ("stop_steering_wheel", {}, climate(steering_wheel_heater=None, steering_wheel_heat_level=0), True),
    ("start_defroster", {}, climate(defrost_mode=2), True),
    ("stop_defroster", {}, climate(defrost_mode=0), True),
    ("set_charge_schedule", {"command": "add_charge_schedule", ASKED: DAY_START}, scheduled(OURS), True),
    (
        "set_charge_schedule",
        {"command": "add_charge_schedule", ASKED: DAY_START},
        scheduled(OURS | {"start_time": 1439.0}, {"id": 1, "enabled": True}),
        True,
    ),
    # One minute to midnight, and midnight.
    (
        "set_charge_schedule",
        {"command": "add_charge_schedule", ASKED: DAY_START},
        scheduled(OURS | {"start_time": 0}),
        True,
    ),
    (
        "set_charge_schedule",
        {"command": "add_charge_schedule", ASKED: DAY_START},
        scheduled(OURS | {"start_time": 480}),
        False,
    ),
    (
        "set_charge_schedule",
        {"command": "add_charge_schedule", ASKED: DAY_START | {"enabled": False}},
        scheduled(OURS | {"enabled": False}),
        True,
    ),
    ("set_charge_schedule", {"command": "add_charge_schedule", ASKED: DAY_START}, scheduled(), False),
    ("set_charge_schedule", {"command": "add_charge_schedule", ASKED: DAY_START}, {}, None),
    (
        "set_charge_schedule",
        {"command": "set_scheduled_charging", ASKED: DAY_START},
        charge(scheduled_charging_mode="StartAt", scheduled_charging_start_time_minutes=1439),
        True,
    ),
    (
        "set_charge_schedule",
        {"command": "set_scheduled_charging", ASKED: DAY_START},
        charge(scheduled_charging_mode="Off"),
        False,
    ),
    ("set_charge_schedule", {"command": "set_scheduled_charging", ASKED: DAY_START}, charge(), None),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "seen", "expected"), SHOWN)
def test_the_state_shows_what_it_shows(
    name: str, arguments: dict[str, Any], seen: dict[str, Any], expected: bool | None
) -> None:
    assert effects.shows(name, arguments, seen) is expected


def test_every_kind_of_control_that_can_be_observed_is_in_the_table_and_nothing_that_toggles() -> None:
    for name in effects.EFFECTS:
        assert not CONTROLS[name].toggles
    assert {name for name, *_ in SHOWN} == set(effects.EFFECTS)


@given(st.floats(15, 28, allow_nan=False))
def test_any_temperature_is_found_again_as_the_car_stores_it(celsius: float) -> None:
    stored = struct.unpack("f", struct.pack("f", celsius))[0]
    for kept in (stored, round(celsius, 1), round(celsius * 2) / 2, celsius):
        assert effects.shows("set_temperature", {"celsius": celsius}, climate(driver_temp_setting=kept))


ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@given(st.sampled_from(sorted(effects.EFFECTS)), st.dictionaries(st.text(), ANYTHING), st.data())
def test_no_state_however_odd_breaks_it(name: str, arguments: dict[str, Any], data: st.DataObject) -> None:
    fields = st.dictionaries(
        st.sampled_from(
            [
                "locked",
                "charging_state",
                "charge_amps",
                "driver_temp_setting",
                "charge_limit_soc",
                "charge_schedules",
            ]
        ),
        ANYTHING,
    )
    seen = {section: data.draw(fields | ANYTHING) for section in effects.EFFECTS[name].sections}
    assert effects.shows(name, arguments, seen) in (True, False, None)
