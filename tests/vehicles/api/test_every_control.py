"""What holds for every endpoint that sends something to a car: who is refused, in which order; what a repeat gets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import calls, car_of, executed
from vehicles.commands.controls import CONTROLS
from vehicles.models import Command, Vehicle
from vehicles.tesla.simulator.server import SimulatorServer

SENT = {"status": "success", "message": "Successfully sent request to vehicle"}


@dataclass(frozen=True)
class Sends:
    """One request that sends: which control, where, with what, which Tesla commands it becomes, what is answered."""

    control: str
    path: str
    body: Any
    commands: tuple[str, ...]
    permission: str
    answer: Any = None
    method: str = "POST"
    needs_key: bool = True

    def by(self, api: Calls, body: Any = ..., **more: Any) -> Any:
        data = json.dumps(self.body if body is ... else body)
        path = f"/v2.0/vehicles/{{id}}/{self.path}"
        return api(self.method, path, data=data, content_type="application/json", **more)


CHARGE, CLIMATE, TRUNK, PIN = "control_charge", "control_climate", "control_trunk", "control_pin"
TESLA_SCHEDULE = "tesla/charge/schedule"
SENDS = (
    Sends("unlock", "security", {"action": "UNLOCK"}, ("door_unlock",), "control_security"),
    Sends("start_charge", "charge", {"action": "START"}, ("charge_start",), CHARGE),
    Sends("set_charge_limit", "charge/limit", {"limit": 0.7}, ("set_charge_limit",), CHARGE),
    Sends(
        "set_amperage",
        "tesla/charge/ammeter",
        {"amperage": 12},
        ("set_charging_amps",),
        CHARGE,
        {"status": "success", "message": "Successfully sent the following amperage: 12"},
    ),
    Sends(
        "set_charge_schedule",
        TESLA_SCHEDULE,
        {"type": "START_TIME", "enabled": True, "time": "23:30"},
        ("add_charge_schedule",),
        CHARGE,
        {
            "departureTime": {"enabled": False, "time": None},
            "startTime": {"enabled": True, "time": "23:30"},
        },
    ),
    Sends(
        "open_charge_port",
        "tesla/charge/charge_port_door",
        {"action": "OPEN"},
        ("charge_port_door_open",),
        CHARGE,
    ),
    Sends(
        "set_temperature",
        "tesla/climate/cabin",
        {"action": "SET", "temperature": 19.5},
        ("set_temps",),
        CLIMATE,
        {"status": "OFF", "temperature": 19.5},
    ),
    Sends(
        "start_defroster",
        "tesla/climate/defroster",
        {"action": "START"},
        ("set_preconditioning_max",),
        CLIMATE,
        {"status": "START"},
    ),
    Sends("open_trunk", "tesla/security/trunk", {"action": "OPEN"}, ("actuate_trunk",), TRUNK),
    Sends("open_frunk", "tesla/security/frunk", {"action": "OPEN"}, ("actuate_trunk",), TRUNK),
    Sends("set_pin", "tesla/pin", {"pin": "1234"}, ("clear_pin_to_drive_admin", "set_pin_to_drive"), PIN),
    Sends("clear_pin", "tesla/pin", {}, ("clear_pin_to_drive_admin",), PIN, method="DELETE"),
    Sends(
        "send_destination",
        "navigation/destination",
        {"latitude": 47.37, "longitude": -8.54},
        ("navigation_request",),
        "control_navigation",
        needs_key=False,
    ),
)
PORT, CABIN, DEFROSTER = "tesla/charge/charge_port_door", "tesla/climate/cabin", "tesla/climate/defroster"
WHEEL, HEATER = "tesla/climate/steering_wheel", "remote_steering_wheel_heater_request"
WARM: dict[str, dict[str, Any]] = {
    "climate_state": {"is_climate_on": True, "steering_wheel_heater": False},
}
OTHER_DIRECTIONS: dict[str, tuple[Sends, dict[str, dict[str, Any]]]] = {
    sends.control: (sends, state)
    for sends, state in (
        (Sends("lock", "security", {"action": "LOCK"}, ("door_lock",), "control_security"), {}),
        (
            Sends("stop_charge", "charge", {"action": "STOP"}, ("charge_stop",), CHARGE),
            {"charge_state": {"charging_state": "Charging"}},
        ),
        (
            Sends("close_charge_port", PORT, {"action": "CLOSE"}, ("charge_port_door_close",), CHARGE),
            {"charge_state": {"charging_state": "Disconnected", "charge_port_door_open": True}},
        ),
        (Sends("start_climate", CABIN, {"action": "START"}, ("auto_conditioning_start",), CLIMATE), {}),
        (Sends("stop_climate", CABIN, {"action": "STOP"}, ("auto_conditioning_stop",), CLIMATE), {}),
        (Sends("stop_defroster", DEFROSTER, {"action": "STOP"}, ("set_preconditioning_max",), CLIMATE), {}),
        (Sends("start_steering_wheel", WHEEL, {"action": "START"}, (HEATER,), CLIMATE), WARM),
        (
            Sends("stop_steering_wheel", WHEEL, {"action": "STOP"}, (HEATER,), CLIMATE),
            {"climate_state": {**WARM["climate_state"], "steering_wheel_heater": True}},
        ),
        (
            Sends("close_trunk", "tesla/security/trunk", {"action": "CLOSE"}, ("actuate_trunk",), TRUNK),
            {"vehicle_state": {"rt": 16}, "vehicle_config": {"plg": True}},
        ),
    )
}
"""Controls of the same endpoints, and the state of the car in which they are sent."""
EVERY = pytest.mark.parametrize("sends", SENDS, ids=lambda sends: f"{sends.method} {sends.path}")


def test_every_control_has_a_request_that_sends_it() -> None:
    sent = {sends.control for sends in SENDS} | set(OTHER_DIRECTIONS)
    assert set(CONTROLS) - sent == set(), (
        "give each a row of SENDS; OTHER_DIRECTIONS is for a second one there"
    )
    assert sent - set(CONTROLS) == set(), "these are no controls any more"


@pytest.mark.parametrize("name", OTHER_DIRECTIONS)
def test_the_other_direction_reaches_the_car_too(
    simulator: SimulatorServer, signed: Calls, name: str
) -> None:
    sends, state = OTHER_DIRECTIONS[name]
    for section, values in state.items():
        car_of(simulator, signed.grant).sections[section].update(values)
    answer = sends.by(signed)
    assert answer.status_code == 200, answer.json()
    assert executed(simulator, signed.grant) == list(sends.commands)
    assert Command.objects.get().name == name


@EVERY
@pytest.mark.parametrize("which", ["signed", "unsigned"])
@pytest.mark.django_db
def test_it_reaches_the_car_and_is_answered_as_the_original_api_does(
    simulator: SimulatorServer, request: pytest.FixtureRequest, sends: Sends, which: str
) -> None:
    api = request.getfixturevalue(which)
    answer = sends.by(api)
    assert (answer.status_code, answer.json()) == (200, sends.answer or SENT)
    assert executed(simulator, api.grant) == list(sends.commands)
    command = Command.objects.get()
    assert (command.name, command.request_id) == (sends.control, answer.headers["SC-Request-Id"])


@EVERY
def test_what_was_never_granted_is_refused_before_the_body_is_read(
    simulator: SimulatorServer, signed: Calls, sends: Sends
) -> None:
    signed.grant.approved = [name for name in signed.grant.approved if name != sends.permission]
    signed.grant.save()
    before = calls(simulator)
    answer = sends.by(signed, ["nonsense"])
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (403, "PERMISSION", None)
    assert calls(simulator) == before and not Command.objects.exists()


@EVERY
def test_somebody_without_a_token_is_refused(db: None, api: Calls, sends: Sends) -> None:
    assert sends.by(api, token="garbage").status_code == 401


@pytest.mark.parametrize(
    "sends",
    [sends for sends in SENDS if sends.method == "POST"],
    ids=lambda sends: f"{sends.method} {sends.path}",
)
@pytest.mark.parametrize("body", [{}, [], {"action": "EXPLODE"}, {"action": None}])
def test_a_wrong_body_is_named_before_the_state_of_the_account_and_nothing_is_sent(
    simulator: SimulatorServer, signed: Calls, sends: Sends, body: Any
) -> None:
    signed.account.consent = "revoked"
    signed.account.save()
    before = calls(simulator)
    answer = sends.by(signed, body)
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (400, "VALIDATION", None)
    assert answer.json()["detail"]
    assert calls(simulator) == before and not Command.objects.exists()


@EVERY
def test_access_removed_at_tesla_is_told_before_the_car_is_looked_at(
    simulator: SimulatorServer, signed: Calls, sends: Sends
) -> None:
    signed.account.consent = "revoked"
    signed.account.save()
    before = calls(simulator)
    body = sends.by(signed).json()
    assert (body["type"], body["code"]) == ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION")
    assert calls(simulator) == before


@EVERY
def test_a_missing_key_stops_what_must_be_signed_and_nothing_else(
    simulator: SimulatorServer, keyless: Calls, sends: Sends
) -> None:
    Vehicle.objects.filter(pk=keyless.grant.connection.vehicle_id).update(key="absent")
    answer = sends.by(keyless)
    if not sends.needs_key:
        assert (answer.status_code, executed(simulator, keyless.grant)) == (200, list(sends.commands))
        return
    assert (answer.status_code, answer.json()["code"]) == (400, "VIRTUAL_KEY_REQUIRED")
    assert answer.json()["resolution"]["url"]
    assert executed(simulator, keyless.grant) == []


@EVERY
def test_a_repeat_under_its_key_gets_the_first_outcome_and_sends_nothing(
    simulator: SimulatorServer, signed: Calls, sends: Sends
) -> None:
    key = {"Idempotency-Key": "once"}
    first, again = sends.by(signed, headers=key), sends.by(signed, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert executed(simulator, signed.grant) == list(sends.commands)
    assert Command.objects.count() == 1


OTHERS: list[tuple[str, Any, Any]] = [
    ("security", {"action": "UNLOCK"}, {"action": "LOCK"}),
    ("charge/limit", {"limit": 0.7}, {"limit": 0.8}),
    ("tesla/charge/ammeter", {"amperage": 12}, {"amperage": 13}),
    ("tesla/climate/cabin", {"action": "SET", "temperature": 19}, {"action": "SET", "temperature": 20}),
    ("tesla/climate/cabin", {"action": "START"}, {"action": "STOP"}),
    ("tesla/security/trunk", {"action": "OPEN"}, {"action": "CLOSE"}),
    ("tesla/pin", {"pin": "1234"}, {"pin": "4321"}),
    ("navigation/destination", {"latitude": 1, "longitude": 2}, {"latitude": 1, "longitude": 3}),
]


@pytest.mark.parametrize(("path", "first", "other"), OTHERS)
def test_another_body_under_a_used_key_is_refused_and_not_sent(
    simulator: SimulatorServer, signed: Calls, path: str, first: Any, other: Any
) -> None:
    key, address = {"Idempotency-Key": "once"}, f"/v2.0/vehicles/{{id}}/{path}"
    assert signed.post(address, json.dumps(first), headers=key).status_code == 200
    done = executed(simulator, signed.grant)
    refused = signed.post(address, json.dumps(other), headers=key)
    assert (refused.status_code, refused.json()["detail"][0]["field"]) == (400, "Idempotency-Key")
    assert executed(simulator, signed.grant) == done


@EVERY
def test_a_sleeping_car_is_woken_for_it(simulator: SimulatorServer, signed: Calls, sends: Sends) -> None:
    car_of(simulator, signed.grant).set_state("asleep")
    assert sends.by(signed).status_code == 200
    assert executed(simulator, signed.grant) == list(sends.commands)
    assert [call for call in simulator.world.calls.since(0) if call["path"].endswith("/wake_up")]


@EVERY
def test_a_sleeping_car_stays_asleep_where_the_application_does_not_wake_cars(
    simulator: SimulatorServer, signed: Calls, sends: Sends
) -> None:
    signed.application.wakes_for_commands = False
    signed.application.save()
    car_of(simulator, signed.grant).set_state("asleep")
    assert (sends.by(signed).json()["type"], executed(simulator, signed.grant)) == ("VEHICLE_STATE", [])


@EVERY
def test_a_car_in_service_refuses_it(simulator: SimulatorServer, signed: Calls, sends: Sends) -> None:
    car_of(simulator, signed.grant).in_service = True
    answer = sends.by(signed)
    assert (answer.status_code, answer.json()["type"]) == (409, "VEHICLE_STATE")
    assert executed(simulator, signed.grant) == []
