"""Vehicle commands as the messages that are signed, in both directions.

Our client encodes a command by its REST name and arguments, the simulated car decodes it with the same table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    "check",
    "command_named",
    "decode",
    "decode_all",
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
    """Name and arguments of the first command in a payload, as `decode_all`."""
    return decode_all(domain, payload)[0]


def decode_all(domain: Domain, payload: bytes) -> list[tuple[str, Arguments]]:
    """Name and arguments of each command in a payload, defaults filled in: one, or one for each of several seats.

    The values are as they were sent; `check` holds them against their bounds. Raises `UnreadablePayload`,
    `UnknownCommand`.
    """
    try:
        envelope = _ENVELOPES[domain].FromString(payload)
    except DecodeError:
        raise UnreadablePayload("not a message of this computer") from None
    container = envelope.vehicleAction if domain is Domain.INFOTAINMENT else envelope
    action = container.WhichOneof(_ONEOFS[domain])
    rows = _BY_ACTION.get((domain, action or ""), ())
    if not action or not rows:
        raise UnknownCommand(action or "no action")
    message = envelope if domain is Domain.VEHICLE_SECURITY else getattr(container, action)
    return [_read_first(rows, single, action) for single in _one_by_one(message)]


def check(name: str, arguments: Arguments) -> None:
    """Hold the arguments that were read from a message against the table's bounds. Raises `InvalidArguments`."""
    for part in command_named(name).parts:
        part.check(arguments)


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
    """The message that a command's paths start from, made present for writing."""
    if command.domain is Domain.VEHICLE_SECURITY:
        message: Message = envelope
        return message
    action: Message = getattr(envelope.vehicleAction, command.action)
    action.SetInParent()
    return action


def _one_by_one(action: Message) -> list[Message]:
    """The action once for each element of its list, with that element alone; as it is where it has no list."""
    for field in action.DESCRIPTOR.fields:
        if field.is_repeated and len(getattr(action, field.name)) > 1:
            return [_with_only(action, field.name, element) for element in getattr(action, field.name)]
    return [action]


def _with_only(action: Message, name: str, element: Message) -> Message:
    single = type(action)()
    single.CopyFrom(action)
    single.ClearField(name)
    getattr(single, name).append(element)
    return single


def _read_first(rows: Sequence[VehicleCommand], message: Message, action: str) -> tuple[str, Arguments]:
    for command in rows:
        arguments = _read(command, message)
        if arguments is not None:
            return command.name, arguments
    raise UnknownCommand(action)


def _read(command: VehicleCommand, message: Message) -> Arguments | None:
    arguments: Arguments = {}
    for part in command.parts:
        found = part.read(message)
        if found is None:
            return None
        arguments |= found
    return arguments
