"""A simulated car's security and a client with a key to it, on one clock that only moves when told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tesla_protocol.command import universal_message_pb2

from vehicles.tesla.signing import (
    Domain,
    PrivateKey,
    Response,
    SessionInfo,
    SignatureType,
    SignedRequest,
    authorize,
    handshake_request,
    open_handshake,
    open_response,
)
from vehicles.tesla.signing.metadata import command_metadata
from vehicles.tesla.simulator.car.security import CarSecurity, Outcome, Role
from vehicles.tesla.vehicle_commands import COMMANDS, encode

VIN = "5YJ3E7EA7KF000101"
KEY = PrivateKey.from_scalar(4242)
STRANGER = PrivateKey.from_scalar(99)
BOTH = pytest.mark.parametrize(
    "name", ["door_lock", "charge_start"], ids=["vehicle security", "infotainment"]
)
"""One command for each computer of the car."""


@dataclass
class SecuredCar:
    """`executed` is what the car really carried out; `outcome` is what it says about the next command."""

    security: CarSecurity = field(default_factory=CarSecurity)
    vin: str = VIN
    key: PrivateKey = KEY
    keys: dict[bytes, int] = field(default_factory=lambda: {KEY.public_key: Role.FLEET_MANAGER})
    now: float = 1_800_000_000.0
    outcome: Outcome = field(default_factory=lambda: Outcome(True))
    executed: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def execute(self, name: str, arguments: dict[str, Any]) -> Outcome:
        self.executed.append((name, arguments))
        return self.outcome

    def deliver(self, message: bytes) -> bytes:
        return self.security.handle(
            message, allowed_keys=self.keys, vin=self.vin, now=self.now, execute=self.execute
        )

    def shake_hands(self, domain: Domain, previous: SessionInfo | None = None) -> SessionInfo:
        request = handshake_request(domain, self.key.public_key)
        answer = self.deliver(request.message)
        return open_handshake(
            answer,
            uuid=request.uuid,
            vin=self.vin,
            domain=domain,
            key=self.key,
            now=self.now,
            previous=previous,
        )

    def sign(
        self, session: SessionInfo, name: str, arguments: Mapping[str, Any] = {}, **options: Any
    ) -> SignedRequest:
        defaults: dict[str, Any] = {"counter": session.counter + 1, "now": self.now, "key": self.key}
        return authorize(session, encode(name, arguments), **(defaults | options))

    def sign_without_counter(
        self, session: SessionInfo, name: str, lifetime: int, signature_type: SignatureType
    ) -> universal_message_pb2.RoutableMessage:
        """A command with counter 0, as our client never sends one."""
        message = altered(self.sign(session, name, signature_type=signature_type).message)
        expires_at = session.vehicle_clock(self.now) + lifetime
        covered = command_metadata(
            signature_type, session.domain, session.vin, session.epoch, expires_at, 0, message.flags
        )
        keys = self.key.session_keys(session.vehicle_public_key)
        payload = encode(name, {})
        if signature_type is SignatureType.HMAC_PERSONALIZED:
            stated = message.signature_data.HMAC_Personalized_data
            stated.tag = keys.command_tag(covered, payload)
        else:
            stated = message.signature_data.AES_GCM_Personalized_data
            message.protobuf_message_as_bytes, stated.tag = keys.encrypt(stated.nonce, payload, covered)
        stated.counter, stated.expires_at = 0, expires_at
        return message

    def send(self, session: SessionInfo, request: SignedRequest, message: bytes | None = None) -> Response:
        answer = self.deliver(request.message if message is None else message)
        return open_response(answer, request, session, key=self.key, now=self.now)

    def command(
        self,
        name: str,
        arguments: Mapping[str, Any] = {},
        *,
        session: SessionInfo | None = None,
        **options: Any,
    ) -> Response:
        """Shake hands unless a session is given, sign and send."""
        session = session or self.shake_hands(COMMANDS[name].domain)
        return self.send(session, self.sign(session, name, arguments, **options))


def altered(message: bytes) -> universal_message_pb2.RoutableMessage:
    """A message to be changed on its way."""
    parsed: universal_message_pb2.RoutableMessage = universal_message_pb2.RoutableMessage.FromString(message)
    return parsed


def number(response: Response) -> int:
    """The fault number of an answer, 0 for none."""
    return response.fault.number if response.fault else 0
