"""Signed messages as nobody in his right mind would write them, and a car whose owner can still read it afterwards."""

from __future__ import annotations

import json
import re
from collections import Counter
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from tesla_protocol.command import car_server_pb2, universal_message_pb2, vcsec_pb2

from tests.vehicles.tesla.simulator.secured_car import SecuredCar, altered
from vehicles.tesla.signing import Domain, SignatureType, authorize
from vehicles.tesla.simulator.car.car import Car, new_car
from vehicles.tesla.simulator.car.security import Outcome, Role, required_scopes
from vehicles.tesla.simulator.effects import commands
from vehicles.tesla.simulator.samples.scenarios import ScenarioVehicle
from vehicles.tesla.vehicle_commands import COMMANDS

ENVELOPES: dict[Domain, type[Any]] = {
    Domain.INFOTAINMENT: car_server_pb2.Action,
    Domain.VEHICLE_SECURITY: vcsec_pb2.UnsignedMessage,
}
TEXTS = ("", "abcd", "1234", "12345", "0", "\0", "東🚗" * 40, "x" * 3000, "\uff19" * 4)
FLOATS = (0.0, -1.0, 0.5, 21.0, 99.0, 1e9, -1e9, 3e38, float("nan"), float("inf"), float("-inf"))
INTEGERS = (0, 1, -1, 2, 3, 4, 7, 99, 101, 127, 128, 1440, 1441, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
KNOWN_ACTIONS = sorted({row.action for row in COMMANDS.values() if row.domain is Domain.INFOTAINMENT})
INTEGER_BITS = {
    FieldDescriptor.CPPTYPE_INT32: (32, True),
    FieldDescriptor.CPPTYPE_INT64: (64, True),
    FieldDescriptor.CPPTYPE_UINT32: (32, False),
    FieldDescriptor.CPPTYPE_UINT64: (64, False),
    FieldDescriptor.CPPTYPE_ENUM: (32, True),
}
DEEPEST = 4
BOUNDS: dict[str, tuple[float, float]] = {
    "charge_amps": (0, 255),
    "charge_limit_soc": (50, 100),
    "driver_temp_setting": (15, 28),
    "passenger_temp_setting": (15, 28),
    "seat_fan_front_left": (0, 3),
    "seat_fan_front_right": (0, 3),
    "seat_heater_left": (0, 3),
    "scheduled_departure_time_minutes": (0, 1440),
    "off_peak_hours_end_time": (0, 1440),
}
"""What the data of a car can show."""


def an_odd_car() -> Car:
    """A car on which as many commands as possible do something."""
    car = new_car(ScenarioVehicle("5YJ3E7EA7KF000101", "OWNER", "present"), "")
    car.sections["climate_state"]["is_climate_on"] = True
    car.sections["vehicle_config"]["sun_roof_installed"] = 1
    car.sections["vehicle_state"] |= {"is_user_present": True, "guest_mode": True}
    car.sections["vehicle_state"]["software_update"]["status"] = "available"
    return car


def filled(message: Message, chance: Random, depth: int = 0) -> Message:
    """The message with fields of any value, most of them in the first level."""
    for field in message.DESCRIPTOR.fields:
        if chance.random() < (0.6 if depth else 0.3):
            fill(message, field, chance, depth)
    return message


def fill(message: Message, field: FieldDescriptor, chance: Random, depth: int) -> None:
    values = getattr(message, field.name)
    if field.message_type and depth >= DEEPEST:
        return
    if field.message_type and field.is_repeated:
        for _ in range(chance.randrange(4)):
            filled(values.add(), chance, depth + 1)
    elif field.message_type:
        values.SetInParent()
        filled(values, chance, depth + 1)
    elif field.is_repeated:
        values.extend(scalar(field, chance) for _ in range(chance.randrange(4)))
    else:
        setattr(message, field.name, scalar(field, chance))


def scalar(field: FieldDescriptor, chance: Random) -> Any:
    if field.cpp_type in INTEGER_BITS:
        bits, signed = INTEGER_BITS[field.cpp_type]
        value = chance.choice(INTEGERS) if chance.random() < 0.9 else chance.getrandbits(63)
        value %= 2**bits
        return value - 2**bits if signed and value >= 2 ** (bits - 1) else value
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return chance.random() < 0.5
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        text = chance.choice(TEXTS)
        return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
    return chance.choice(FLOATS)


def odd_payload(domain: Domain, chance: Random) -> bytes:
    """The bytes of an action: mostly one that the car knows, sometimes with a piece missing, changed or too much."""
    envelope = ENVELOPES[domain]()
    if domain is Domain.VEHICLE_SECURITY:
        filled(envelope, chance)
    else:
        fields = envelope.vehicleAction.DESCRIPTOR.fields_by_name
        name = chance.choice(KNOWN_ACTIONS if chance.random() < 0.9 else sorted(fields))
        fill(envelope.vehicleAction, fields[name], chance, 0)
    return spoiled(bytes(envelope.SerializeToString()), chance)


def spoiled(data: bytes, chance: Random) -> bytes:
    fate = chance.random()
    position = chance.randrange(len(data) + 1)
    if fate < 0.04:
        return data[:position]
    if fate < 0.08:
        return data[:position] + chance.randbytes(chance.randrange(1, 6)) + data[position + 1 :]
    if fate < 0.12:
        return data + b"\xda\xff\x07\x03odd"
    return data


def odd_message(car: SecuredCar, payload: bytes, domain: Domain, chance: Random) -> bytes:
    """The payload, signed; every tenth with an envelope that was filled at random as well."""
    request = authorize(
        car.shake_hands(domain),
        payload,
        key=car.key,
        counter=next_counter(car, domain),
        now=car.now,
        flags=chance.choice([0, 2]),
        lifetime_seconds=20,
        signature_type=chance.choice([SignatureType.HMAC_PERSONALIZED, SignatureType.AES_GCM_PERSONALIZED]),
    )
    if chance.random() < 0.9:
        return request.message
    message = altered(request.message)
    field = chance.choice(message.DESCRIPTOR.fields)
    fill(message, field, chance, 1)
    return spoiled(bytes(message.SerializeToString()), chance)


def next_counter(car: SecuredCar, domain: Domain) -> int:
    return car.security.computer(domain, car.now)._window(car.key.public_key).highest + 1


def is_sound(car: Car) -> None:
    """The car's data can be sent as JSON, holds what a car can hold, and its PINs are PINs."""
    json.dumps(car.sections, allow_nan=False)
    data = car.sections["charge_state"] | car.sections["climate_state"]
    for field, (lowest, highest) in BOUNDS.items():
        assert lowest <= data[field] <= highest, field
    assert 0 <= car.sections["vehicle_state"]["media_info"]["audio_volume"] <= 11
    assert all(re.fullmatch(r"[0-9]{4}", pin) for pin in car.pins.values()), car.pins


def a_crowd_of_odd_messages(number: int, seed: int) -> Counter[str]:
    """Send that many to a car; how many it answered with which fault, did, or refused for which reason."""
    chance, seen = Random(seed), Counter[str]()
    driven = an_odd_car()
    car = SecuredCar(vin=driven.vin)

    def execute(name: str, arguments: dict[str, Any]) -> Outcome:
        done = commands.carry_out(driven, name, arguments, car.now)
        seen[done.reason or "done"] += 1
        return done

    car.execute = execute  # type: ignore[method-assign]
    for _ in range(number):
        if chance.random() < 0.02 or len(driven.executed) > 500:
            driven = an_odd_car()
        car.keys[car.key.public_key] = chance.choice([Role.OWNER] * 9 + list(Role))
        domain = chance.choice([Domain.INFOTAINMENT] * 4 + [Domain.VEHICLE_SECURITY])
        message = odd_message(car, odd_payload(domain, chance), domain, chance)
        required_scopes(message)
        answer = universal_message_pb2.RoutableMessage.FromString(car.deliver(message))
        if fault := answer.signedMessageStatus.signed_message_fault:
            seen[f"fault {fault}"] += 1
        is_sound(driven)
    return seen
