"""Signed commands: meeting a car's computer, signing under a session that all processes share, and sending once.

Whose turn it is and which counter comes next is decided in `signing_sessions`.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from vehicles import access, errors, evidence, signing_sessions, upstream, virtual_key
from vehicles.bulkhead import let_go_of_database
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.models import Vehicle, VehicleGrant
from vehicles.signing_sessions import Outlook
from vehicles.sources import Source
from vehicles.tesla import errors as tesla
from vehicles.tesla import vehicle_commands
from vehicles.tesla.client import CommandResult
from vehicles.tesla.signing import (
    Domain,
    KeychainIsFull,
    KeyNotOnVehicle,
    PrivateKey,
    RemoteAccessDisabled,
    Response,
    SessionInfo,
    SigningError,
    SubsystemBusy,
    Succeeded,
    Wait,
    authorize,
    handshake_request,
    open_handshake,
    open_response,
)

ATTEMPTS: Final = 4
"""A stale session costs one more round; a car that is still not content after this many is not going to be."""
BUSY_SECONDS: Final = 1.0
TURN_WAIT_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05

ANSWERS: Final[tuple[tuple[type[SigningError], ErrorSpec], ...]] = (
    (KeyNotOnVehicle, errors.VIRTUAL_KEY_REQUIRED),
    (RemoteAccessDisabled, errors.REMOTE_ACCESS_DISABLED),
    (KeychainIsFull, errors.VIRTUAL_KEY_REQUIRED),
    (SigningError, errors.VEHICLE_STATE_UNKNOWN),
)
"""What the caller is told about a fault that stays; first match wins."""


class SessionOvertaken(SigningError):
    """Another process dropped the session before its first counter was taken; nothing was sent under it."""

    is_temporary = True
    resync = True


@dataclass(frozen=True, slots=True)
class Sender:
    """On whose behalf a command is signed and sent.

    `holder` is the id of its command row, which holds the turn at the car. `before_waiting` is called before anything
    that takes time; `before_sending` before each signed command leaves, in the transaction that takes its counter, and
    not for handshakes, which change nothing.
    """

    grant: VehicleGrant
    scope: str
    holder: uuid.UUID
    before_waiting: Callable[[], None]
    before_sending: Callable[[], None]

    @property
    def vehicle(self) -> Vehicle:
        return self.grant.connection.vehicle


def send(sender: Sender, name: str, arguments: Mapping[str, Any]) -> CommandResult:
    """Sign and deliver one command, once, and return the car's own answer.

    Signs again only when the car says that it did not carry the command out. Raises `CatalogueError` when the car will
    not take it, and `TeslaError` as the transport does; `NoAnswer` when an answer came that proves nothing.
    """
    key = virtual_key.private_key()
    if key is None:
        raise CatalogueError(errors.SMARTCAR_NOT_CAPABLE, reason="no virtual key is configured")
    payload = vehicle_commands.encode(name, arguments)
    domain = vehicle_commands.command_named(name).domain
    try:
        result = _exchange(sender, key, domain, payload)
    except KeyNotOnVehicle as fault:
        evidence.key_refused(sender.vehicle, now=timezone.now())
        raise access.refuse(sender.grant, errors.VIRTUAL_KEY_REQUIRED, reason=str(fault)) from fault
    except SigningError as fault:
        if fault.may_have_happened:
            raise tesla.NoAnswer(str(fault)) from fault
        if isinstance(fault, RemoteAccessDisabled):
            evidence.remote_access_refused(sender.vehicle, now=timezone.now(), source=Source.CAR_REFUSAL)
        spec = next(spec for kind, spec in ANSWERS if isinstance(fault, kind))
        raise access.refuse(sender.grant, spec, reason=str(fault)) from fault
    evidence.key_used(sender.vehicle, now=timezone.now())
    return result


def _exchange(sender: Sender, key: PrivateKey, domain: Domain, payload: bytes) -> CommandResult:
    """Sign and send until the car has answered for good; only what it surely did not carry out is signed again."""
    fault: SigningError = SubsystemBusy("the car stayed busy")
    for _ in range(ATTEMPTS):
        try:
            return _attempt(sender, key, domain, payload)
        except SigningError as failed:
            if not failed.is_temporary or failed.may_have_happened:
                raise
            fault = failed
        if not fault.resync:
            time.sleep(BUSY_SECONDS)
    raise fault


def _attempt(sender: Sender, key: PrivateKey, domain: Domain, payload: bytes) -> CommandResult:
    session = _begin(sender, domain) or _begin_later(sender, key, domain)
    response = _deliver(sender, session, key, payload)
    if response.session is not None:
        signing_sessions.remember(sender.vehicle, response.session)
    elif response.fault is not None and response.fault.resync:
        signing_sessions.forget(sender.vehicle, session)
    if response.fault is not None:
        raise response.fault
    if isinstance(response.result, Wait):
        raise SubsystemBusy("the car asks to wait")
    return CommandResult(isinstance(response.result, Succeeded), getattr(response.result, "reason", ""))


def _begin(sender: Sender, domain: Domain) -> SessionInfo | None:
    """Counter, turn, rate budget, and that the command is sent: all of it committed, or nothing. None: not now."""
    try:
        with transaction.atomic():
            session = signing_sessions.next_counter(sender.vehicle, domain, sender.holder)
            if session is not None:
                upstream.spend_command(sender.grant)
                sender.before_sending()
            return session
    except signing_sessions.Crowded:
        return None


def _begin_later(sender: Sender, key: PrivateKey, domain: Domain) -> SessionInfo:
    """Wait for our turn, and meet the computer where there is no session: once for everybody who is about to, since
    Tesla bills a handshake like a command.
    """
    sender.before_waiting()
    end = time.monotonic() + TURN_WAIT_SECONDS
    while time.monotonic() < end:
        outlook = signing_sessions.outlook(sender.vehicle, domain, sender.holder)
        if outlook is Outlook.MEET and signing_sessions.take_handshake(sender.vehicle, domain, sender.holder):
            _shake_hands(sender, key, domain)
            return _begin_met(sender, domain)
        if outlook is Outlook.GO and (session := _begin(sender, domain)):
            return session
        let_go_of_database()
        time.sleep(_POLL_SECONDS)
    raise CatalogueError(errors.RATE_LIMIT_VEHICLE, retry_after=5, reason="other commands are still running")


def _begin_met(sender: Sender, domain: Domain) -> SessionInfo:
    session = _begin(sender, domain)
    if session is None:
        raise SessionOvertaken("another process dropped the session while it was made")
    return session


def _deliver(sender: Sender, session: SessionInfo, key: PrivateKey, payload: bytes) -> Response:
    request = authorize(session, payload, key=key, counter=session.counter, now=time.time())
    message = base64.b64encode(request.message).decode()
    answer = upstream.signed_message(sender.grant, message, sender.scope)
    return open_response(base64.b64decode(answer), request, session, key=key, now=time.time())


def _shake_hands(sender: Sender, key: PrivateKey, domain: Domain) -> None:
    """Meet the car's computer and remember the session."""
    with transaction.atomic():
        upstream.spend_command(sender.grant)
    request = handshake_request(domain, key.public_key)
    message = base64.b64encode(request.message).decode()
    answer = base64.b64decode(upstream.signed_message(sender.grant, message, sender.scope))
    vin, now = sender.vehicle.vin, time.time()
    session = open_handshake(answer, uuid=request.uuid, vin=vin, domain=domain, key=key, now=now)
    signing_sessions.remember(sender.vehicle, session)
