"""Control of single cars: their state, their data, their keys, and what they carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from vehicles.tesla.signing.keys import public_key_from_pem
from vehicles.tesla.simulator.car.car import STATES, Car
from vehicles.tesla.simulator.car.security import Role
from vehicles.tesla.simulator.control.requests import BadRequest, NotFound, read_object
from vehicles.tesla.simulator.state import world_of
from vehicles.tesla.simulator.world import World

OPERATOR: Final = "operator"
"""Stands for the first application's current key, whatever it is."""


async def show(request: web.Request) -> web.Response:
    """Everything about a car."""
    return web.json_response(_shown(world_of(request), _car(request)))


async def change(request: web.Request) -> web.Response:
    """Set facts about a car, whole sections of its data, or single fields of them by name."""
    car, body = _car(request), await read_object(request)
    changes = [_change(car, name, value) for name, value in body.items()]
    for apply in changes:
        apply()
    return web.json_response(_shown(world_of(request), car))


async def executed(request: web.Request) -> web.Response:
    """What the car really carried out, oldest first."""
    return web.json_response([asdict(done) for done in _car(request).executed])


async def add_key(request: web.Request) -> web.Response:
    """Put a key on the car: a PEM, or `operator`. The optional `role` is its number in keys.proto."""
    car, body = _car(request), await read_object(request)
    role = body.get("role", int(Role.FLEET_MANAGER))
    if role not in set(Role):
        raise BadRequest("there is no such role")
    if body.get("public_key_pem") == OPERATOR:
        car.operators.add(_operator(world_of(request)))
    else:
        car.add_key(_point(body.get("public_key_pem")), role)
    return web.json_response(_shown(world_of(request), car), status=201)


async def remove_key(request: web.Request) -> web.Response:
    """Take a key off the car: the PEM given, `operator`'s, or without a body every key of applications."""
    car, body, world = _car(request), await read_object(request), world_of(request)
    if "public_key_pem" not in body:
        car.remove_keys()
    elif body["public_key_pem"] == OPERATOR:
        client_id = _operator(world)
        car.operators.discard(client_id)
        car.keys.pop(world.clients[client_id].current_key or b"", None)
    else:
        car.keys.pop(_point(body["public_key_pem"]), None)
    return web.json_response(_shown(world, car))


async def reboot(request: web.Request) -> web.Response:
    """Restart the car's computers: signed-command sessions begin anew."""
    _car(request).security.reboot(world_of(request).clock.now())
    return web.json_response({})


async def disturb(request: web.Request) -> web.Response:
    """Let the next signed commands end in a fault: `fault`, `operation_status`, `times`, `executes`."""
    body = await read_object(request)
    kinds = {"fault": int, "operation_status": int, "times": int, "executes": bool}
    if any(name not in kinds or not isinstance(value, kinds[name]) for name, value in body.items()):
        raise BadRequest(f"give any of {', '.join(kinds)}")
    _car(request).security.disturb(**body)
    return web.json_response({}, status=201)


def _car(request: web.Request) -> Car:
    car = world_of(request).car(request.match_info["vin"])
    if car is None:
        raise NotFound("there is no car with this VIN")
    return car


def _shown(world: World, car: Car) -> dict[str, Any]:
    security = car.security
    return {
        "vin": car.vin,
        "display_name": car.name,
        "state": car.state(world.clock.now()),
        "wake_seconds": car.wake_seconds,
        "firmware": car.firmware,
        "protocol_required": car.protocol_required,
        "protocol_supported": car.protocol_supported,
        "in_service": car.in_service,
        "mobile_access": car.mobile_access,
        "hide_private": car.hide_private,
        "locked": car.sections["vehicle_state"]["locked"],
        "clock_skew_seconds": security.clock_skew_seconds,
        "can_encrypt_answers": security.can_encrypt_answers,
        "faults_on_unknown_handshake": security.faults_on_unknown_handshake,
        "key_slots_used": car.key_slots_used,
        "keys": [_pem(point) for point in car.keys] + [OPERATOR for _ in car.operators],
        "people": car.people,
        "sections": car.sections,
    }


def _attribute(name: str, kind: type | tuple[type, ...]) -> Callable[[Car, Any], Callable[[], None]]:
    def prepare(car: Car, value: Any) -> Callable[[], None]:
        _require(name, value, kind)
        return lambda: setattr(car, name, value)

    return prepare


def _security_switch(name: str, kind: type | tuple[type, ...]) -> Callable[[Car, Any], Callable[[], None]]:
    def prepare(car: Car, value: Any) -> Callable[[], None]:
        _require(name, value, kind)
        return lambda: setattr(car.security, name, value)

    return prepare


def _state(car: Car, value: Any) -> Callable[[], None]:
    if value not in STATES:
        raise BadRequest(f"state must be one of {', '.join(STATES)}")
    return lambda: car.set_state(value)


def _firmware(car: Car, value: Any) -> Callable[[], None]:
    _require("firmware", value, str)
    return lambda: car.set_firmware(value)


def _display_name(car: Car, value: Any) -> Callable[[], None]:
    _require("display_name", value, str)
    return lambda: setattr(car, "name", value)


_FACTS: Final[dict[str, Callable[[Car, Any], Callable[[], None]]]] = {
    "state": _state,
    "firmware": _firmware,
    "display_name": _display_name,
    "wake_seconds": _attribute("wake_seconds", (int, float)),
    "protocol_required": _attribute("protocol_required", bool),
    "protocol_supported": _attribute("protocol_supported", bool),
    "in_service": _attribute("in_service", bool),
    "mobile_access": _attribute("mobile_access", bool),
    "hide_private": _attribute("hide_private", bool),
    "key_slots_used": _attribute("key_slots_used", int),
    "clock_skew_seconds": _security_switch("clock_skew_seconds", (int, float)),
    "can_encrypt_answers": _security_switch("can_encrypt_answers", bool),
    "faults_on_unknown_handshake": _security_switch("faults_on_unknown_handshake", bool),
}


def _change(car: Car, name: str, value: Any) -> Callable[[], None]:
    """What to do for one field of a change, checked but not yet done, so that a bad request changes nothing."""
    if name in _FACTS:
        return _FACTS[name](car, value)
    if name in car.sections:
        _require(name, value, dict)
        return lambda: car.sections[name].update(value)
    section = next((section for section in car.sections.values() if name in section), None)
    if section is None:
        raise BadRequest(f"a car has no {name}")
    return lambda: section.update({name: value})


def _require(name: str, value: Any, kind: type | tuple[type, ...]) -> None:
    is_number_wanted = kind is not bool
    if not isinstance(value, kind) or (is_number_wanted and isinstance(value, bool)):
        raise BadRequest(f"{name} has the wrong type")


def _operator(world: World) -> str:
    if world.operator is None:
        raise BadRequest("no application is registered")
    return world.operator.client_id


def _point(pem: Any) -> bytes:
    try:
        return public_key_from_pem(str(pem).encode())
    except ValueError:
        raise BadRequest("public_key_pem is not a public key on P-256") from None


def _pem(point: bytes) -> str:
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


_CAR: Final = "/_sim/vehicles/{vin}"
ROUTES = (
    web.get(_CAR, show),
    web.patch(_CAR, change),
    web.get(f"{_CAR}/executed", executed),
    web.post(f"{_CAR}/keys", add_key),
    web.delete(f"{_CAR}/keys", remove_key),
    web.post(f"{_CAR}/reboot", reboot),
    web.post(f"{_CAR}/signed_faults", disturb),
)
