"""Waking cars and sending them commands, unsigned and signed (Fleet API: vehicle commands)."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web
from google.protobuf.message import DecodeError
from tesla_protocol.command import universal_message_pb2

from vehicles.tesla import paths
from vehicles.tesla.scopes import VEHICLE_CMDS, VEHICLE_DEVICE_DATA
from vehicles.tesla.simulator.account import key_lookup
from vehicles.tesla.simulator.api import answers
from vehicles.tesla.simulator.api.answers import ApiError, json_object, success, vehicle_object
from vehicles.tesla.simulator.api.callers import Caller
from vehicles.tesla.simulator.api.fleet_api import require_reachable
from vehicles.tesla.simulator.car import security
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.effects import commands
from vehicles.tesla.simulator.state import admitted
from vehicles.tesla.vehicle_commands import InvalidArguments


async def wake_up(request: web.Request) -> web.Response:
    """Begin to wake the car; answers with the state known at this moment."""
    caller = admitted(request, VEHICLE_DEVICE_DATA, VEHICLE_CMDS)
    await json_object(request)
    car = caller.car(request.match_info["vin"])
    _count(caller, "wakes", car)
    if not car.mobile_access:
        raise ApiError(401, "mobile_access_disabled")
    now = caller.world.clock.now()
    shown = vehicle_object(car, caller.require_user(), now)
    car.wake(now)
    return success(shown)


async def command(request: web.Request) -> web.Response:
    """An unsigned command. A refusal by the car is an answer like any other."""
    caller = admitted(request)
    car, name = caller.car(request.match_info["vin"]), request.match_info["name"]
    given = await json_object(request)
    if not commands.exists(name):
        raise ApiError(400, "invalid_command")
    caller.require_any(*commands.required_scopes(name))
    _count(caller, "commands", car)
    if car.protocol_required and name not in commands.SERVER_SIDE:
        raise ApiError(403, answers.PROTOCOL_REQUIRED)
    now = caller.world.clock.now()
    try:
        arguments = commands.checked_arguments(name, given, now)
    except InvalidArguments as problem:
        raise ApiError(400, f"invalid_field: {problem}") from None
    require_reachable(car, now)
    outcome = commands.carry_out(car, name, arguments, now)
    queued = {"queued": True} if name == "navigation_request" and outcome.result else {}
    return success({"result": outcome.result, "reason": outcome.reason} | queued)


async def signed_command(request: web.Request) -> web.Response:
    """A signed message for the car: Tesla's servers check scopes by its content, the car checks all the rest."""
    caller = admitted(request)
    car = caller.car(request.match_info["vin"])
    message = _message(await json_object(request))
    _count(caller, "commands", car)
    if not car.protocol_supported:
        raise ApiError(422, answers.PROTOCOL_UNSUPPORTED)
    caller.require_any(*security.required_scopes(message))
    now = caller.world.clock.now()
    if car.state(now) != "online":
        raise ApiError(408, answers.UNAVAILABLE)
    clients = caller.world.clients.values()
    keys = await key_lookup.allowed_keys(request, car, clients, _signer(message))
    answer = car.security.handle(
        message,
        allowed_keys=keys,
        vin=car.vin,
        now=now,
        execute=lambda name, arguments: commands.carry_out(car, name, arguments, now),
    )
    return success(base64.b64encode(answer).decode())


def _count(caller: Caller, kind: str, car: Car) -> None:
    if excess := caller.world.rate_limits.take(kind, car.vin):
        raise answers.too_many(excess)


def _message(body: dict[str, object]) -> bytes:
    text = body.get("routable_message")
    try:
        return base64.b64decode(text if isinstance(text, str) else "*", validate=True)
    except binascii.Error:
        raise ApiError(400, "invalid_field: routable_message") from None


def _signer(message: bytes) -> bytes:
    """The public key that a message names; empty for nonsense, which the car answers itself."""
    try:
        read = universal_message_pb2.RoutableMessage.FromString(message)
    except DecodeError:
        return b""
    if read.HasField("session_info_request"):
        return bytes(read.session_info_request.public_key)
    return bytes(read.signature_data.signer_identity.public_key)


ROUTES = (
    web.post(paths.WAKE_UP, wake_up),
    web.post(paths.COMMAND, command),
    web.post(paths.SIGNED_COMMAND, signed_command),
)
