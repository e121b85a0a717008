"""No signed message, however odd, ends a car's computer, and no value that no car takes is stored."""

from __future__ import annotations

import base64
from random import Random
from typing import Any

import pytest
from tesla_protocol.command import car_server_pb2

from tests.vehicles.tesla.simulator.odd_messages import a_crowd_of_odd_messages, an_odd_car, odd_payload
from tests.vehicles.tesla.simulator.secured_car import SecuredCar, number
from tests.vehicles.tesla.simulator.signer import Signer
from tests.vehicles.tesla.simulator.visitors import Application
from vehicles.tesla import paths
from vehicles.tesla.signing import Domain, PrivateKey, Refused, Response, Succeeded, authorize
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.effects import commands
from vehicles.tesla.simulator.samples.scenarios import DIETERS_MODEL_3

DIETER = "dieter@owners.example"
INFINITE, NOT_A_NUMBER = float("inf"), float("nan")
PLACE = {"latitude": 47.5, "longitude": 9.4}


@pytest.fixture
def driven() -> Car:
    return an_odd_car()


@pytest.fixture
def car(driven: Car, monkeypatch: pytest.MonkeyPatch) -> SecuredCar:
    car = SecuredCar(vin=driven.vin)
    monkeypatch.setattr(
        car, "execute", lambda name, arguments: commands.carry_out(driven, name, arguments, car.now)
    )
    return car


def sent(car: SecuredCar, action: str, **fields: Any) -> Response:
    """The car's answer to a signed action with these very fields."""
    return sent_bytes(car, payload_of(action, **fields))


def payload_of(action: str, **fields: Any) -> bytes:
    message = car_server_pb2.Action(vehicleAction=car_server_pb2.VehicleAction(**{action: fields}))
    return bytes(message.SerializeToString())


def sent_bytes(car: SecuredCar, payload: bytes) -> Response:
    session = car.shake_hands(Domain.INFOTAINMENT)
    request = authorize(session, payload, key=car.key, counter=session.counter + 1, now=car.now)
    return car.send(session, request)


OUT_OF_RANGE: list[tuple[str, dict[str, Any]]] = [
    ("setChargingAmpsAction", {"charging_amps": -1}),
    ("setChargingAmpsAction", {"charging_amps": 256}),
    ("chargingSetLimitAction", {"percent": -1}),
    ("chargingSetLimitAction", {"percent": 101}),
    ("hvacTemperatureAdjustmentAction", {"driver_temp_celsius": 99.0}),
    ("hvacTemperatureAdjustmentAction", {"passenger_temp_celsius": NOT_A_NUMBER}),
    ("hvacClimateKeeperAction", {"ClimateKeeperAction": 4}),
    ("hvacClimateKeeperAction", {"ClimateKeeperAction": -1}),
    ("setCopTempAction", {"copActivationTemp": 4}),
    ("setCopTempAction", {"copActivationTemp": -1}),
    ("autoSeatClimateAction", {"carseat": [{"on": True, "seat_position": 3}]}),
    ("autoSeatClimateAction", {}),
    ("hvacSeatCoolerActions", {"hvacSeatCoolerAction": [{"seat_cooler_level": 99, "seat_position": 1}]}),
    ("hvacSeatCoolerActions", {"hvacSeatCoolerAction": [{"seat_cooler_level": 1}]}),
    ("scheduledChargingAction", {"enabled": True, "charging_time": 1441}),
    ("scheduledChargingAction", {"enabled": True, "charging_time": -(2**31)}),
    ("scheduledDepartureAction", {"enabled": True, "departure_time": 2**31 - 1}),
    ("scheduledDepartureAction", {"enabled": True, "off_peak_hours_end_time": -1}),
    ("addChargeScheduleAction", {"id": 1, "days_of_week": 128, **PLACE}),
    ("addChargeScheduleAction", {"id": 1, "days_of_week": -1, **PLACE}),
    ("addChargeScheduleAction", {"id": 1, "days_of_week": 1, "start_time": 9999, **PLACE}),
    ("addPreconditionScheduleAction", {"id": 0, "days_of_week": 1, **PLACE}),
    ("addPreconditionScheduleAction", {"id": 1, "days_of_week": 1, "latitude": 91.0}),
    ("vehicleControlSetPinToDriveAction", {"on": True, "password": "abcd"}),
    ("vehicleControlSetPinToDriveAction", {"on": True, "password": "٣٣٣٣"}),
    ("vehicleControlSetValetModeAction", {"on": True, "password": "12345"}),
    ("drivingSpeedLimitAction", {"activate": True, "pin": ""}),
    ("drivingSetSpeedLimitAction", {"limit_mph": INFINITE}),
    ("drivingSetSpeedLimitAction", {"limit_mph": -1.0}),
    ("mediaUpdateVolume", {"volume_absolute_float": 11.5}),
    ("vehicleControlScheduleSoftwareUpdateAction", {"offset_sec": -1}),
    ("vehicleControlTriggerHomelinkAction", {"location": {"latitude": 0.0, "longitude": 181.0}}),
    ("navigationGpsRequest", {"lat": NOT_A_NUMBER, "lon": 0.0}),
]


@pytest.mark.parametrize(("action", "fields"), OUT_OF_RANGE)
def test_a_value_that_no_car_takes_is_refused_and_changes_nothing(
    car: SecuredCar, driven: Car, action: str, fields: dict[str, Any]
) -> None:
    before = repr((driven.sections, driven.pins, driven.schedules))
    assert sent(car, action, **fields).result == Refused("invalid_value")
    assert repr((driven.sections, driven.pins, driven.schedules)) == before
    assert driven.executed == []


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("mediaUpdateVolume", {}),
        (
            "hvacSeatHeaterActions",
            {"hvacSeatHeaterAction": [{"SEAT_HEATER_LOW": {}, "CAR_SEAT_UNKNOWN": {}}]},
        ),
        ("hvacSeatHeaterActions", {}),
        ("vehicleControlWindowAction", {}),
        ("chargingStartStopAction", {}),
        ("boomboxAction", {}),
    ],
)
def test_an_action_that_says_nothing_the_car_knows_is_no_command(
    car: SecuredCar, driven: Car, action: str, fields: dict[str, Any]
) -> None:
    assert number(sent(car, action, **fields)) == 9
    assert driven.executed == []


SEVERAL_SEATS: list[tuple[str, str, list[dict[str, Any]], dict[str, Any]]] = [
    (
        "hvacSeatHeaterActions",
        "hvacSeatHeaterAction",
        [{"CAR_SEAT_FRONT_LEFT": {}, "SEAT_HEATER_HIGH": {}}, {"CAR_SEAT_REAR_RIGHT": {}, "SEAT_HEATER_LOW": {}}],
        {"seat_heater_left": 3, "seat_heater_rear_right": 1},
    ),
    (
        "hvacSeatCoolerActions",
        "hvacSeatCoolerAction",
        [{"seat_position": 1, "seat_cooler_level": 4}, {"seat_position": 2, "seat_cooler_level": 2}],
        {"seat_fan_front_left": 3, "seat_fan_front_right": 1},
    ),
    (
        "autoSeatClimateAction",
        "carseat",
        [{"seat_position": 1, "on": True}, {"seat_position": 2, "on": True}],
        {"auto_seat_climate_left": True, "auto_seat_climate_right": True},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("action", "field", "seats", "expected"), SEVERAL_SEATS)
def test_every_seat_of_a_message_is_set(
    car: SecuredCar,
    driven: Car,
    action: str,
    field: str,
    seats: list[dict[str, Any]],
    expected: dict[str, Any],
) -> None:
    assert sent(car, action, **{field: seats}).result == Succeeded()
    assert driven.sections["climate_state"].items() >= expected.items()
    assert len(driven.executed) == 2


@pytest.mark.parametrize(("action", "field", "seats", "expected"), SEVERAL_SEATS[1:])
def test_one_seat_that_there_is_not_spoils_the_message_for_all(
    car: SecuredCar,
    driven: Car,
    action: str,
    field: str,
    seats: list[dict[str, Any]],
    expected: dict[str, Any],
) -> None:
    odd = [*seats, {"seat_position": 3}]
    assert sent(car, action, **{field: odd}).result == Refused("invalid_value")
    assert driven.executed == []


def test_odd_messages_are_answered() -> None:
    seen = a_crowd_of_odd_messages(400, seed=20_261_129)
    assert seen["done"] > 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_odd_messages_are_answered(seed: int) -> None:
    seen = a_crowd_of_odd_messages(2000, seed)
    assert seen["done"] > 100
    assert {"fault 5", "fault 7", "fault 9", "fault 10"} <= seen.keys()


def test_odd_messages_are_answered_over_http(application: Application, operators_key: PrivateKey) -> None:
    """Tesla's servers read the message before the car does; they stand what the car stands."""
    signer, chance = Signer(application.connect(DIETER), DIETERS_MODEL_3, operators_key), Random(22)
    session = signer.shake_hands("flash_lights")
    for counter in range(1, 120):
        payload = odd_payload(Domain.INFOTAINMENT, chance)
        request = authorize(session, payload, counter=counter, now=signer.now, key=operators_key)
        assert signer.deliver(request.message).status == 200
    for _ in range(60):
        body = {"routable_message": base64.b64encode(chance.randbytes(chance.randrange(80))).decode()}
        answer = application.call("POST", paths.SIGNED_COMMAND.format(vin=DIETERS_MODEL_3), body)
        assert answer.status in (200, 403)
    assert application.call("GET", paths.VEHICLE_DATA.format(vin=DIETERS_MODEL_3)).status == 200
