"""How a simulated car takes signed commands: handshakes, checks, roles, and answers, encrypted if asked for.

`CarSecurity.handle` takes and gives the bytes that travel as base64 in `signed_command` (Fleet API: signed
commands). What a command does to the car is the caller's `execute`, so that signed and unsigned commands
share their effects.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from tesla_protocol.command import signatures_pb2, universal_message_pb2

from vehicles.tesla import scopes, vehicle_commands
from vehicles.tesla.signing.faults import FAULTS
from vehicles.tesla.signing.keys import NONCE_BYTES
from vehicles.tesla.signing.metadata import Domain, Flag, request_hash, response_metadata
from vehicles.tesla.signing.session import UUID_BYTES, Randomness
from vehicles.tesla.simulator.car.security_answers import (
    INVALID_VALUE,
    Outcome,
    answered_ping,
    carried_out,
    faulty,
)
from vehicles.tesla.simulator.car.security_roles import KEY_SLOTS, Role, add_key, refusal
from vehicles.tesla.simulator.car.security_verifier import CarComputer, Refusal, Verified

__all__ = ["KEY_SLOTS", "CarSecurity", "Execute", "Outcome", "Role", "add_key", "required_scopes"]

Execute = Callable[[str, dict[str, Any]], Outcome]
"""Carries out a command given by its REST name and arguments, every default filled in."""


@dataclass(frozen=True, slots=True)
class _Disturbance:
    fault: int
    operation_status: int
    executes: bool


class CarSecurity:
    """The signed-command side of one car. Changes nothing about the car except through `execute`.

    Switches, to be set at any time: `remote_access` (False: fault 21), `can_encrypt_answers` (False: older
    firmware), `faults_on_unknown_handshake` (True: fault 3 instead of the status "not on the list"),
    `clock_skew_seconds` (how far the car's clocks run ahead, negative for behind).
    """

    def __init__(
        self,
        *,
        random: Randomness = secrets.token_bytes,
        computers: Mapping[Domain, CarComputer] | None = None,
    ) -> None:
        self.remote_access = True
        self.clock_skew_seconds = 0.0
        self.can_encrypt_answers = True
        self.faults_on_unknown_handshake = False
        self._random = random
        self._computers: dict[Domain, CarComputer] = dict(computers or {})
        self._disturbances: deque[_Disturbance] = deque()

    def handle(
        self, request: bytes, *, allowed_keys: Mapping[bytes, int], vin: str, now: float, execute: Execute
    ) -> bytes:
        """The car's answer to a serialised `RoutableMessage`.

        `allowed_keys` are the keys on the car at this moment: uncompressed points (65 bytes) and their
        `Role`. `now` is the simulator's clock in seconds. `execute` is called only for an authentic, fresh and
        permitted command whose values are within their bounds, once or for each seat that it names until one is
        refused; a ping is answered without it. Never raises for anything a client may send.
        """
        try:
            message = universal_message_pb2.RoutableMessage.FromString(request)
        except DecodeError:
            unread: bytes = faulty(universal_message_pb2.MESSAGEFAULT_ERROR_DECODING).SerializeToString()
            return unread
        exchange = _Exchange(self, message, allowed_keys, vin, now, execute)
        answer: bytes = exchange.answer().SerializeToString()
        return answer

    def reboot(self, now: float) -> None:
        """Both computers start a new epoch: signed messages made before are refused with fault 15."""
        for computer in self._computers.values():
            computer.restart(now)

    def disturb(
        self, *, fault: int = 0, operation_status: int = 0, times: int = 1, executes: bool = False
    ) -> None:
        """Answer the next commands (not handshakes) with this fault or operation status (1 wait, 2 error).

        With `executes` the command is checked and carried out all the same, as with fault 25.
        """
        self._disturbances.extend([_Disturbance(fault, operation_status, executes)] * times)

    def next_disturbance(self) -> _Disturbance | None:
        """The disturbance that is due for the command being handled, taken off the list."""
        return self._disturbances.popleft() if self._disturbances else None

    def computer(self, domain: Domain, now: float) -> CarComputer:
        """The computer of a domain; its keys and epoch are made when first needed."""
        if domain not in self._computers:
            self._computers[domain] = CarComputer(domain, started_at=now, random=self._random)
        computer = self._computers[domain]
        computer.restart_if_due(now + self.clock_skew_seconds)
        return computer

    def nonce(self) -> bytes:
        """Randomness for one encrypted answer."""
        return self._random(NONCE_BYTES)


def required_scopes(request: bytes) -> frozenset[str]:
    """The Tesla scopes of which one lets Tesla's backend pass a message on to the car.

    It reads the payload to find out, so a message it cannot read (AES-GCM), unsigned chatter and nonsense
    never pass: the answer is then empty, and no scope suffices.
    """
    try:
        message = universal_message_pb2.RoutableMessage.FromString(request)
    except DecodeError:
        return frozenset()
    if message.HasField("session_info_request"):
        return frozenset({scopes.VEHICLE_CMDS, scopes.VEHICLE_CHARGING_CMDS})
    domain = _domain(message)
    if domain is None or not message.signature_data.HasField("HMAC_Personalized_data"):
        return frozenset()
    try:
        name, _ = vehicle_commands.decode(domain, message.protobuf_message_as_bytes)
    except (vehicle_commands.UnknownCommand, vehicle_commands.UnreadablePayload):
        return frozenset({scopes.VEHICLE_CMDS})
    return vehicle_commands.COMMANDS[name].scopes


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request on its way through the car."""

    car: CarSecurity
    request: universal_message_pb2.RoutableMessage
    allowed_keys: Mapping[bytes, int]
    vin: str
    now: float
    execute: Execute

    @property
    def car_time(self) -> float:
        return self.now + self.car.clock_skew_seconds

    def answer(self) -> universal_message_pb2.RoutableMessage:
        if len(self.request.uuid) > UUID_BYTES:
            return faulty(universal_message_pb2.MESSAGEFAULT_ERROR_BAD_PARAMETER)
        is_handshake = self.request.HasField("session_info_request")
        answer = self._handshake() if is_handshake else self._command()
        if self.request.HasField("from_destination"):
            answer.to_destination.CopyFrom(self.request.from_destination)
        answer.from_destination.domain = self.request.to_destination.domain
        # VCSEC leaves the uuid out, except where the client needs it as the challenge of session info.
        if answer.session_info or _domain(self.request) is not Domain.VEHICLE_SECURITY:
            answer.request_uuid = self.request.uuid
        return answer

    def _handshake(self) -> universal_message_pb2.RoutableMessage:
        domain, client = _domain(self.request), self.request.session_info_request.public_key
        if domain is None:
            return faulty(universal_message_pb2.MESSAGEFAULT_ERROR_INVALID_DOMAINS)
        if client in self.allowed_keys:
            return self._with_session_info(universal_message_pb2.RoutableMessage(), domain, client)
        if self.car.faults_on_unknown_handshake:
            return faulty(universal_message_pb2.MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID)
        refusal = signatures_pb2.SessionInfo(status=signatures_pb2.SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST)
        return universal_message_pb2.RoutableMessage(session_info=refusal.SerializeToString())

    def _command(self) -> universal_message_pb2.RoutableMessage:
        client = self.request.signature_data.signer_identity.public_key
        try:
            return self._checked_command(client)
        except Refusal as refusal:
            answer, domain = faulty(refusal.fault), _domain(self.request)
            if refusal.tells_session and domain is not None:
                return self._with_session_info(answer, domain, client)
            return answer

    def _checked_command(self, client: bytes) -> universal_message_pb2.RoutableMessage:
        domain = self._addressee(client)
        disturbance = self.car.next_disturbance()
        if disturbance and not disturbance.executes:
            return self._disturbed(disturbance)
        computer = self.car.computer(domain, self.now)
        verified = computer.verify(self.request, client=client, vin=self.vin, now=self.car_time)
        answer = self._carry_out(domain, verified.payload, self.allowed_keys[client])
        if disturbance:
            answer = self._disturbed(disturbance)
        if self.request.flags & Flag.ENCRYPT_RESPONSE and self.car.can_encrypt_answers:
            self._encrypt(answer, computer, client, verified)
        return answer

    def _addressee(self, client: bytes) -> Domain:
        if not self.vin:
            raise Refusal(universal_message_pb2.MESSAGEFAULT_ERROR_NOT_PROVISIONED_WITH_IDENTITY)
        if self.request.signature_data.signer_identity.HasField("handle"):
            raise Refusal(universal_message_pb2.MESSAGEFAULT_ERROR_INVALID_KEY_HANDLE)
        if client not in self.allowed_keys:
            raise Refusal(universal_message_pb2.MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID)
        domain = _domain(self.request)
        if domain is None:
            raise Refusal(universal_message_pb2.MESSAGEFAULT_ERROR_INVALID_DOMAINS)
        return domain

    def _carry_out(self, domain: Domain, payload: bytes, role: int) -> universal_message_pb2.RoutableMessage:
        try:
            commands = vehicle_commands.decode_all(domain, payload)
        except vehicle_commands.UnreadablePayload:
            return faulty(universal_message_pb2.MESSAGEFAULT_ERROR_DECODING)
        except vehicle_commands.UnknownCommand:
            return faulty(universal_message_pb2.MESSAGEFAULT_ERROR_INVALID_COMMAND)
        if not self.car.remote_access:
            return faulty(universal_message_pb2.MESSAGEFAULT_ERROR_REMOTE_ACCESS_DISABLED)
        for name, _ in commands:
            if fault := refusal(role, name):
                return faulty(fault)
        return self._execute(domain, commands)

    def _execute(
        self, domain: Domain, commands: list[tuple[str, dict[str, Any]]]
    ) -> universal_message_pb2.RoutableMessage:
        try:
            for name, arguments in commands:
                vehicle_commands.check(name, arguments)
        except vehicle_commands.InvalidArguments:
            return carried_out(domain, Outcome(False, INVALID_VALUE))
        name, arguments = commands[0]
        if name == vehicle_commands.PING:
            return answered_ping(arguments["ping_id"])
        outcomes = (self.execute(name, arguments) for name, arguments in commands)
        refused = next((outcome for outcome in outcomes if not outcome.result), None)
        return carried_out(domain, refused or Outcome(True))

    def _disturbed(self, disturbance: _Disturbance) -> universal_message_pb2.RoutableMessage:
        known = FAULTS.get(disturbance.fault)
        if known and known.resync:
            raise Refusal(disturbance.fault, tells_session=True)
        answer = universal_message_pb2.RoutableMessage()
        answer.signedMessageStatus.signed_message_fault = disturbance.fault  # type: ignore[assignment]
        answer.signedMessageStatus.operation_status = disturbance.operation_status  # type: ignore[assignment]
        return answer

    def _with_session_info(
        self, answer: universal_message_pb2.RoutableMessage, domain: Domain, client: bytes
    ) -> universal_message_pb2.RoutableMessage:
        computer = self.car.computer(domain, self.now)
        info = computer.session_info(client, self.car_time)
        tag = computer.session_info_tag(client, self.vin, self.request.uuid, info)
        answer.session_info = info
        answer.signature_data.session_info_tag.tag = tag
        return answer

    def _encrypt(
        self,
        answer: universal_message_pb2.RoutableMessage,
        computer: CarComputer,
        client: bytes,
        verified: Verified,
    ) -> None:
        # The only answer to this request, so its counter cannot repeat.
        counter, nonce = 1, self.car.nonce()
        hashed = request_hash(verified.signature_type, verified.tag, computer.domain)
        fault = answer.signedMessageStatus.signed_message_fault
        metadata = response_metadata(computer.domain, self.vin, counter, answer.flags, hashed, fault)
        payload = answer.protobuf_message_as_bytes
        ciphertext, tag = computer.keys(client).encrypt(nonce, payload, metadata)
        answer.protobuf_message_as_bytes = ciphertext
        seal = answer.signature_data.AES_GCM_Response_data
        seal.nonce, seal.counter, seal.tag = nonce, counter, tag


def _domain(message: universal_message_pb2.RoutableMessage) -> Domain | None:
    try:
        return Domain(message.to_destination.domain)
    except ValueError:
        return None
