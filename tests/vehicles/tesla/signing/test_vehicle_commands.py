"""Commands become exactly the bytes that Tesla's own client makes, and are read back as what they were."""

from typing import Any

import pytest
from hypothesis import given, settings
from tesla_protocol.command import car_server_pb2

from tests.vehicles.tesla.signing.any_command import any_command
from vehicles.tesla import scopes
from vehicles.tesla.signing import Domain
from vehicles.tesla.vehicle_commands import (
    COMMANDS,
    InvalidArguments,
    UnknownCommand,
    UnreadablePayload,
    decode,
    encode,
)

OBSERVED = [
    ("door_lock", {}, "1001"),
    ("door_unlock", {}, "1000"),
    ("remote_start_drive", {}, "1014"),
    ("actuate_trunk", {"which_trunk": "rear"}, "22022801"),
    ("actuate_trunk", {}, "22022801"),
    ("actuate_trunk", {"which_trunk": "front"}, "22023001"),
    ("auto_conditioning_start", {}, "120452020801"),
    ("auto_conditioning_stop", {}, "12025200"),
    ("charge_start", {}, "120432021200"),
    ("charge_stop", {}, "120432022a00"),
    ("charge_standard", {}, "120432021a00"),
    ("charge_max_range", {}, "120432022200"),
    ("set_charge_limit", {"percent": 80}, "12042a020850"),
    ("set_charge_limit", {"percent": 80.0}, "12042a020850"),
    ("set_charging_amps", {"charging_amps": 16}, "1205da02020810"),
    ("charge_port_door_open", {}, "1203f20300"),
    ("charge_port_door_close", {}, "1203ea0300"),
    ("set_temps", {"driver_temp": 21, "passenger_temp": 21}, "1210720e2a021a00350000a8413d0000a841"),
    ("set_preconditioning_max", {"on": True, "manual_override": False}, "120462020801"),
    ("flash_lights", {}, "1203d20100"),
    ("honk_horn", {}, "1203da0100"),
    ("remote_steering_wheel_heater_request", {"on": True}, "12046a020801"),
    ("set_sentry_mode", {"on": True}, "1205f201020801"),
    ("window_control", {"command": "vent", "lat": 1.5, "lon": 2.5}, "12059202021a00"),
    ("window_control", {"command": "close"}, "12059202022200"),
    ("set_pin_to_drive", {"on": True, "password": "1234"}, "120bea04080801120431323334"),
    ("clear_pin_to_drive_admin", {}, "1203ca0500"),
    ("ping", {"ping_id": 1}, "1205f202020801"),
    (
        "navigation_gps_request",
        {"lat": 37.5, "lon": -122.25, "order": 1},
        "1217aa0314090000000000c04240110000000000905ec01801",
    ),
]


@pytest.mark.parametrize("name, arguments, payload", OBSERVED)
def test_a_command_has_the_bytes_that_tesla_s_client_sends(
    name: str, arguments: dict[str, Any], payload: str
) -> None:
    assert encode(name, arguments).hex() == payload
    assert decode(COMMANDS[name].domain, bytes.fromhex(payload))[0] == name


@settings(deadline=None)
@given(any_command())
def test_every_command_is_read_back_as_what_was_written(command: tuple[str, dict[str, Any]]) -> None:
    name, arguments = command
    payload = encode(name, arguments)
    read_name, read = decode(COMMANDS[name].domain, payload)
    assert read_name == name
    assert {key: read[key] for key in arguments} == arguments
    assert encode(read_name, read) == payload


def test_the_catalogue_covers_every_control_of_the_api() -> None:
    needed = {
        "door_lock", "door_unlock", "actuate_trunk", "charge_start", "charge_stop", "set_charge_limit",
        "set_charging_amps", "charge_port_door_open", "charge_port_door_close", "set_scheduled_charging",
        "set_scheduled_departure", "add_charge_schedule", "remove_charge_schedule", "add_precondition_schedule",
        "remove_precondition_schedule", "auto_conditioning_start", "auto_conditioning_stop", "set_temps",
        "set_preconditioning_max", "remote_steering_wheel_heater_request", "set_pin_to_drive",
        "clear_pin_to_drive_admin", "ping", "navigation_gps_request",
    }  # fmt: skip
    assert needed <= COMMANDS.keys()
    assert not any(
        COMMANDS[name].domain is Domain.INFOTAINMENT for name in ("door_lock", "door_unlock", "actuate_trunk")
    )


def test_an_action_number_in_a_payload_is_the_one_of_the_specification() -> None:
    numbers = {
        "set_charge_limit": 5, "charge_start": 6, "speed_limit_clear_pin": 7, "speed_limit_set_limit": 8,
        "speed_limit_activate": 9, "auto_conditioning_start": 10, "set_preconditioning_max": 12,
        "remote_steering_wheel_heater_request": 13, "set_temps": 14, "navigation_sc_request": 22,
        "cancel_software_update": 25, "reset_valet_pin": 28, "schedule_software_update": 29, "set_valet_mode": 31,
        "sun_roof_control": 32, "trigger_homelink": 33, "window_control": 34, "set_bioweapon_mode": 35,
        "remote_seat_heater_request": 36, "set_scheduled_charging": 41, "set_scheduled_departure": 42,
        "set_charging_amps": 43, "set_climate_keeper_mode": 44, "remote_auto_seat_climate_request": 48,
        "remote_seat_cooler_request": 49, "set_cabin_overheat_protection": 50, "set_vehicle_name": 54, "guest_mode": 65,
        "set_cop_temp": 66, "erase_user_data": 72, "set_pin_to_drive": 77, "reset_pin_to_drive_pin": 78,
        "speed_limit_clear_pin_admin": 79, "navigation_waypoints_request": 90, "add_charge_schedule": 97,
        "remove_charge_schedule": 98, "add_precondition_schedule": 99, "remove_precondition_schedule": 100,
        "set_low_power_mode": 130, "keep_accessory_power_mode": 138,
    }  # fmt: skip
    fields = car_server_pb2.VehicleAction.DESCRIPTOR.fields_by_name
    assert {name: fields[COMMANDS[name].action].number for name in numbers} == numbers


@pytest.mark.parametrize(
    "name, arguments, argument",
    [
        ("set_charge_limit", {}, "percent"),
        ("set_charge_limit", {"percent": "80"}, "percent"),
        ("set_charge_limit", {"percent": 80.5}, "percent"),
        ("set_charge_limit", {"percent": True}, "percent"),
        ("set_charge_limit", {"percent": 101}, "percent"),
        ("set_charge_limit", {"percent": -1}, "percent"),
        ("set_charge_limit", {"percent": float("nan")}, "percent"),
        ("set_charge_limit", {"percent": 10**400}, "percent"),
        ("set_temps", {"driver_temp": -(10**400)}, "driver_temp"),
        ("set_pin_to_drive", {"on": True, "password": "٣٣٣٣"}, "password"),
        ("set_vehicle_name", {"vehicle_name": "\ud800"}, "vehicle_name"),
        ("set_temps", {"driver_temp": float("inf")}, "driver_temp"),
        ("set_sentry_mode", {"on": 1}, "on"),
        ("actuate_trunk", {"which_trunk": "side"}, "which_trunk"),
        ("remote_seat_heater_request", {"seat_position": True, "level": 1}, "seat_position"),
        ("remote_seat_heater_request", {"seat_position": [], "level": 1}, "seat_position"),
        ("set_pin_to_drive", {"on": True, "password": "12345"}, "password"),
        ("door_lock", {"percent": 1}, "percent"),
        ("schedule_software_update", {"offset_sec": 2**40}, "offset_sec"),
        ("add_charge_schedule", {"id": 1, "days_of_week": "Someday"}, "days_of_week"),
    ],
)
def test_a_wrong_argument_is_named(name: str, arguments: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArguments) as refused:
        encode(name, arguments)
    assert refused.value.argument == argument


def test_a_refused_pin_does_not_appear_in_the_error() -> None:
    with pytest.raises(InvalidArguments) as refused:
        encode("set_pin_to_drive", {"on": True, "password": "98765"})
    assert "98765" not in repr(refused.value)


@pytest.mark.parametrize(
    "days, bits", [("All", 127), ("weekdays", 62), ("Monday, Sunday", 3), ("SAT", 64), ("Tues,THURS", 20)]
)
def test_days_are_written_as_bits_from_sunday(days: str, bits: int) -> None:
    arguments = {"id": 1, "lat": 0, "lon": 0, "days_of_week": days, "enabled": True, "precondition_time": 60}
    _, read = decode(Domain.INFOTAINMENT, encode("add_precondition_schedule", arguments))
    action = car_server_pb2.Action.FromString(encode("add_precondition_schedule", arguments)).vehicleAction
    assert action.addPreconditionScheduleAction.days_of_week == bits
    assert encode("add_precondition_schedule", read) == encode("add_precondition_schedule", arguments)


def test_the_trigger_temperature_of_overheat_protection_counts_from_one_on_the_wire() -> None:
    assert encode("set_cop_temp", {"cop_temp": 2}).hex() == "12059204020803"


def test_charging_commands_accept_the_charging_scope_and_others_do_not() -> None:
    assert COMMANDS["charge_start"].scopes == {scopes.VEHICLE_CMDS, scopes.VEHICLE_CHARGING_CMDS}
    assert COMMANDS["door_lock"].scopes == {scopes.VEHICLE_CMDS}


def test_an_unknown_name_and_an_unknown_action_are_told_apart_from_nonsense() -> None:
    with pytest.raises(UnknownCommand):
        encode("remote_boombox", {"sound": 1})
    with pytest.raises(UnknownCommand):
        decode(Domain.INFOTAINMENT, b"")
    with pytest.raises(UnknownCommand):
        decode(Domain.VEHICLE_SECURITY, bytes.fromhex("101d"))
    with pytest.raises(UnreadablePayload):
        decode(Domain.INFOTAINMENT, b"\xff")
