"""Sessions with a car's computers: the handshake, and what has to be remembered between commands.

Tesla's rules: the challenge is the uuid of the request being answered, the tag must fit, the clock never goes
back within an epoch, the counter is never lowered, and the car's key stays the same (Fleet API: signed
commands).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from google.protobuf.message import DecodeError
from tesla_protocol.command import signatures_pb2, universal_message_pb2

from vehicles.tesla.signing import faults
from vehicles.tesla.signing.keys import PrivateKey
from vehicles.tesla.signing.metadata import Domain, session_info_metadata

Randomness = Callable[[int], bytes]

UUID_BYTES: Final = 16
EPOCH_BYTES: Final = 16
_KEY_NOT_ON_WHITELIST: Final = 1


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of one computer of one car. Holds no secret: everything may be stored as plain columns."""

    vin: str
    domain: Domain
    vehicle_public_key: bytes
    """Uncompressed point, 65 bytes."""
    epoch: bytes
    """16 bytes, new at every start of the computer."""
    counter: int
    """The highest counter the car has seen from our key in this epoch."""
    clock_time: int
    """The car's clock in seconds since the epoch began, as it was at `observed_at`."""
    observed_at: float
    """Our clock in seconds when that was received."""
    last_authenticated_clock: int
    """The latest clock the car has proved in this epoch; anything earlier is a replay."""

    def vehicle_clock(self, now: float) -> int:
        """The car's clock in whole seconds at our time `now`."""
        return self.clock_time + int(max(0.0, now - self.observed_at))


class HandshakeRequest(NamedTuple):
    """A handshake to send, and the uuid that its answer has to prove."""

    message: bytes
    uuid: bytes


def handshake_request(
    domain: Domain, public_key: bytes, *, random: Randomness = secrets.token_bytes
) -> HandshakeRequest:
    """Ask a computer for its session info on behalf of the holder of `public_key` (65 bytes)."""
    message = universal_message_pb2.RoutableMessage()
    message.to_destination.domain = domain.value  # type: ignore[assignment]
    message.from_destination.routing_address = random(UUID_BYTES)
    message.session_info_request.public_key = public_key
    message.uuid = random(UUID_BYTES)
    return HandshakeRequest(message.SerializeToString(), message.uuid)


def open_handshake(
    answer: bytes,
    *,
    uuid: bytes,
    vin: str,
    domain: Domain,
    key: PrivateKey,
    now: float,
    previous: SessionInfo | None = None,
) -> SessionInfo:
    """The session that the answer to `handshake_request` establishes, merged with the `previous` one if any.

    Pass only the uuid of the request that was just answered: that makes the answer fresh. Raises
    `KeyNotOnVehicle`, any other `MessageFault`, `SubsystemBusy`, `InvalidSessionInfo`, `ClockWentBack` or
    `VehicleKeyChanged`.
    """
    message = _parse(answer)
    _raise_status(message.signedMessageStatus)
    info = _decode(message.session_info)
    if info.status == _KEY_NOT_ON_WHITELIST:
        raise faults.KeyNotOnVehicle()
    if message.request_uuid not in (b"", uuid):
        raise faults.InvalidSessionInfo("the answer belongs to another request")
    if not is_authentic(message, info.publicKey, uuid=uuid, vin=vin, key=key):
        raise faults.InvalidSessionInfo("the tag of the session info is wrong")
    return adopt(info, vin=vin, domain=domain, now=now, previous=previous)


def is_authentic(
    message: universal_message_pb2.RoutableMessage,
    vehicle_public_key: bytes,
    *,
    uuid: bytes,
    vin: str,
    key: PrivateKey,
) -> bool:
    """Whether the holder of that car key made the attached session info for the request `uuid` and this VIN."""
    try:
        keys = key.session_keys(vehicle_public_key)
    except ValueError:
        return False
    expected = keys.session_info_tag(session_info_metadata(vin, uuid), message.session_info)
    return hmac.compare_digest(expected, message.signature_data.session_info_tag.tag)


def adopt(
    info: signatures_pb2.SessionInfo,
    *,
    vin: str,
    domain: Domain,
    now: float,
    previous: SessionInfo | None = None,
) -> SessionInfo:
    """Authentic session info as the session to remember. Raises `ClockWentBack` or `VehicleKeyChanged`."""
    if len(info.epoch) != EPOCH_BYTES:
        raise faults.InvalidSessionInfo("the epoch does not have 16 bytes")
    fresh = SessionInfo(
        vin, domain, info.publicKey, info.epoch, info.counter, info.clock_time, now, info.clock_time
    )
    if previous is None:
        return fresh
    if previous.vehicle_public_key != fresh.vehicle_public_key:
        raise faults.VehicleKeyChanged("the vehicle presents another key than before")
    if previous.epoch != fresh.epoch:
        return fresh
    if fresh.clock_time < previous.last_authenticated_clock:
        raise faults.ClockWentBack("the session info is older than what is known")
    return replace(fresh, counter=max(previous.counter, fresh.counter))


def _parse(answer: bytes) -> universal_message_pb2.RoutableMessage:
    try:
        message: universal_message_pb2.RoutableMessage = universal_message_pb2.RoutableMessage.FromString(
            answer
        )
    except DecodeError:
        raise faults.InvalidSessionInfo("the answer to a handshake cannot be read") from None
    return message


def _decode(session_info: bytes) -> signatures_pb2.SessionInfo:
    if not session_info:
        raise faults.InvalidSessionInfo("the answer to a handshake carries no session info")
    try:
        info: signatures_pb2.SessionInfo = signatures_pb2.SessionInfo.FromString(session_info)
    except DecodeError:
        raise faults.InvalidSessionInfo("the session info cannot be read") from None
    return info


def _raise_status(status: universal_message_pb2.MessageStatus) -> None:
    failure = faults.fault(status.signed_message_fault)
    if failure:
        raise failure
    if status.operation_status == universal_message_pb2.OPERATIONSTATUS_WAIT:
        raise faults.SubsystemBusy("the vehicle asks to wait")
