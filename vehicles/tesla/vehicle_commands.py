"""Vehicle commands as the messages that are signed, in both directions.

Our client encodes a command by its REST name and arguments, the simulated car decodes it with the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.message import DecodeError, Message
from tesla_protocol.command import car_server_pb2, vcsec_pb2

from vehicles.tesla.command_fields import Arguments, InvalidArguments
from vehicles.tesla.command_table import COMMANDS, PING, VehicleCommand
from vehicles.tesla.signing.metadata import Domain

__all__ = [
    "COMMANDS",
    "PING",
    "Arguments",
    "InvalidArguments",
    "UnknownCommand",
    "UnreadablePayload",
    "VehicleCommand",
    "command_named",
    "decode",
    "encode",
]


class UnknownCommand(LookupError):
    """No command of that name, or no known command in that message."""


class UnreadablePayload(ValueError):
    """The bytes are not a message of that computer."""


_BY_ACTION: Final[dict[tuple[Domain, str], list[VehicleCommand]]] = {}
for _row in COMMANDS.values():
    _BY_ACTION.setdefault((_row.domain, _row.action), []).append(_row)


def encode(name: str, arguments: Mapping[str, Any]) -> bytes:
    """The payload to sign for a command. Raises `UnknownCommand` or `InvalidArguments`."""
    command = command_named(name)
    for argument in arguments:
        if argument not in command.argument_names:
            raise InvalidArguments(argument, "is not an argument of this command")
    envelope = _ENVELOPES[command.domain]()
    message = _open_action(envelope, command)
    for part in command.parts:
        part.write(message, arguments)
    payload: bytes = envelope.SerializeToString()
    return payload


def decode(domain: Domain, payload: bytes) -> tuple[str, Arguments]:
    """Name and arguments of the command in a payload, defaults filled in. Raises `UnreadablePayload`,
    `UnknownCommand`.
    """
    try:
        envelope = _ENVELOPES[domain].FromString(payload)
    except DecodeError:
        raise UnreadablePayload("not a message of this computer") from None
    container = envelope.vehicleAction if domain is Domain.INFOTAINMENT else envelope
    action = container.WhichOneof(_ONEOFS[domain])
    for command in _BY_ACTION.get((domain, action or ""), ()):
        arguments = _read(command, _open_action(envelope, command))
        if arguments is not None:
            return command.name, arguments
    raise UnknownCommand(action or "no action")


def command_named(name: str) -> VehicleCommand:
    """The row of that name. Raises `UnknownCommand`."""
    try:
        return COMMANDS[name]
    except KeyError:
        raise UnknownCommand(name) from None


_ENVELOPES: Final[dict[Domain, Any]] = {
    Domain.VEHICLE_SECURITY: vcsec_pb2.UnsignedMessage,
    Domain.INFOTAINMENT: car_server_pb2.Action,
}
_ONEOFS: Final = {Domain.VEHICLE_SECURITY: "sub_message", Domain.INFOTAINMENT: "vehicle_action_msg"}


def _open_action(envelope: Any, command: VehicleCommand) -> Message:
    """The message that a command's paths start from, made present."""
    if command.domain is Domain.VEHICLE_SECURITY:
        message: Message = envelope
        return message
    action: Message = getattr(envelope.vehicleAction, command.action)
    action.SetInParent()
    return action


def _read(command: VehicleCommand, message: Message) -> Arguments | None:
    arguments: Arguments = {}
    for part in command.parts:
        found = part.read(message)
        if found is None:
            return None
        arguments |= found
    return arguments
