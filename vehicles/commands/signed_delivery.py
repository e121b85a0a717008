"""Signed commands: meeting a car's computer, signing under a session that all processes share, and sending once.

Whose turn it is and which counter comes next is decided in `signing_sessions`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from vehicles import access, errors, evidence
from vehicles.commands import signing_sessions, virtual_key
from vehicles.commands.rows import PendingCommand
from vehicles.commands.signing_sessions import Readiness
from vehicles.db.connections import let_go_of_database
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.facts.sources import Source
from vehicles.tesla import errors as tesla
from vehicles.tesla import vehicle_commands
from vehicles.tesla.results import CommandResult
from vehicles.tesla.signing import (
    Domain,
    KeychainIsFull,
    KeyNotOnVehicle,
    PrivateKey,
    RemoteAccessDisabled,
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
from vehicles.upstream import calls

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


def send(pending: PendingCommand, name: str, arguments: Mapping[str, Any]) -> CommandResult:
    """Sign and deliver one command, once, and return the car's own answer.

    Signs again only when the car says that it did not carry the command out. Raises `CatalogueError` when the car will
    not take it, and `TeslaError` as the transport does; `NoAnswer` when an answer came that proves nothing.
    """
    key = virtual_key.private_key()
    if key is None:
        raise CatalogueError(errors.SMARTCAR_NOT_CAPABLE, reason="no virtual key is configured")
    payload = vehicle_commands.encode(name, arguments)
    domain = vehicle_commands.command_named(name).domain
    fault: SigningError = SubsystemBusy("the car stayed busy")
    for _ in range(ATTEMPTS):
        try:
            result = _attempt(pending, key, domain, payload)
        except SigningError as failed:
            fault = failed
            if not failed.is_temporary or failed.may_have_happened:
                break
            if not failed.resync:
                time.sleep(BUSY_SECONDS)
        else:
            evidence.key_used(pending.vehicle, now=timezone.now())
            return result
    raise _refused(pending, fault) from fault


def _refused(pending: PendingCommand, fault: SigningError) -> Exception:
    """What the caller is told about a fault that stays; one that tells something about the car is evidence."""
    now = timezone.now()
    if isinstance(fault, KeyNotOnVehicle):
        evidence.key_refused(pending.vehicle, now=now)
    elif fault.may_have_happened:
        return tesla.NoAnswer(str(fault))
    elif isinstance(fault, RemoteAccessDisabled):
        evidence.remote_access_refused(pending.vehicle, now=now, source=Source.CAR_REFUSAL)
    spec = next(spec for kind, spec in ANSWERS if isinstance(fault, kind))
    return access.refuse(pending.grant, spec, reason=str(fault))


def _attempt(pending: PendingCommand, key: PrivateKey, domain: Domain, payload: bytes) -> CommandResult:
    session = _begin(pending, domain) or _begin_later(pending, key, domain)
    request = authorize(session, payload, key=key, counter=session.counter, now=time.time())
    answer = calls.signed_message(pending.grant, request.message, pending.permission.tesla_scope)
    response = open_response(answer, request, session, key=key, now=time.time())
    if response.session is not None:
        signing_sessions.remember(pending.vehicle, response.session)
    elif response.fault is not None and response.fault.resync:
        signing_sessions.forget(pending.vehicle, session)
    if response.fault is not None:
        raise response.fault
    if isinstance(response.result, Wait):
        raise SubsystemBusy("the car asks to wait")
    return CommandResult(isinstance(response.result, Succeeded), getattr(response.result, "reason", ""))


def _begin(pending: PendingCommand, domain: Domain) -> SessionInfo | None:
    """Counter, turn, rate budget, and that the command is sent: all of it committed, or nothing. None: not now."""
    try:
        with transaction.atomic():
            session = signing_sessions.next_counter(pending.vehicle, domain, pending.row.pk)
            if session is not None:
                calls.spend_command(pending.grant)
                pending.mark_sent()
            return session
    except signing_sessions.Crowded:
        return None


def _begin_later(pending: PendingCommand, key: PrivateKey, domain: Domain) -> SessionInfo:
    """Wait for our turn, and meet the computer where there is no session: once for everybody who is about to, since
    Tesla bills a handshake like a command.
    """
    vehicle, holder = pending.vehicle, pending.row.pk
    pending.intend()
    end = time.monotonic() + TURN_WAIT_SECONDS
    while time.monotonic() < end:
        outlook = signing_sessions.readiness(vehicle, domain, holder)
        if outlook is Readiness.MEET and signing_sessions.take_handshake(vehicle, domain, holder):
            _shake_hands(pending, key, domain)
            if session := _begin(pending, domain):
                return session
            raise SessionOvertaken("another process dropped the session while it was made")
        if outlook is Readiness.GO and (session := _begin(pending, domain)):
            return session
        let_go_of_database()
        time.sleep(_POLL_SECONDS)
    raise CatalogueError(errors.RATE_LIMIT_VEHICLE, retry_after=5, reason="other commands are still running")


def _shake_hands(pending: PendingCommand, key: PrivateKey, domain: Domain) -> None:
    """Meet the car's computer and remember the session."""
    with transaction.atomic():
        calls.spend_command(pending.grant)
    request = handshake_request(domain, key.public_key)
    answer = calls.signed_message(pending.grant, request.message, pending.permission.tesla_scope)
    vin, now = pending.vehicle.vin, time.time()
    session = open_handshake(answer, uuid=request.uuid, vin=vin, domain=domain, key=key, now=now)
    signing_sessions.remember(pending.vehicle, session)
