"""Signed commands: sessions with the cars' computers that all processes share, and sending under them.

Counters come from the database, so two processes never use the same one. The vehicle security computer gets one
message at a time, in order; infotainment takes messages out of order within a window of 32, so only the handshake
with it needs a lease.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from vehicles import access, errors, evidence, upstream, virtual_key
from vehicles.bulkhead import let_go_of_database
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.models import SigningSession, Vehicle, VehicleGrant
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
    SignedRequest,
    SigningError,
    SubsystemBusy,
    Succeeded,
    Wait,
    authorize,
    handshake_request,
    open_handshake,
    open_response,
)
from vehicles.tesla.signing.requests import HIGHEST_COUNTER

ATTEMPTS: Final = 4
"""A stale session costs one more round; a car that is still not content after this many is not going to be."""
BUSY_SECONDS: Final = 1.0
TURN: Final = timedelta(seconds=60)
"""Longer than a handshake and a command can take together; each further attempt renews it."""
_IN_TURN: Final = frozenset({Domain.VEHICLE_SECURITY})
"""The computers that take one message at a time; infotainment takes all comers."""
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


def send(
    grant: VehicleGrant,
    name: str,
    arguments: Mapping[str, Any],
    scope: str,
    *,
    before_sending: Callable[[], None],
) -> CommandResult:
    """Sign and deliver one command, once, and return the car's own answer.

    `before_sending` is called before each signed command leaves, not for handshakes, which change nothing.

    Signs again only when the car says that it did not carry the command out. Raises `CatalogueError` when the car will
    not take it, and `TeslaError` as the transport does; `NoAnswer` when an answer came that proves nothing.
    """
    key = virtual_key.private_key()
    if key is None:
        raise CatalogueError(errors.SMARTCAR_NOT_CAPABLE, reason="no virtual key is configured")
    payload = vehicle_commands.encode(name, arguments)
    domain = vehicle_commands.command_named(name).domain
    vehicle = grant.connection.vehicle
    try:
        with _turn(vehicle, domain) if domain in _IN_TURN else nullcontext(_nothing) as renew_turn:
            result = _exchange(grant, key, domain, payload, scope, before_sending, renew_turn)
    except KeyNotOnVehicle as fault:
        evidence.key_refused(vehicle, now=timezone.now())
        raise access.refuse(grant, errors.VIRTUAL_KEY_REQUIRED, reason=str(fault)) from fault
    except SigningError as fault:
        if fault.may_have_happened:
            raise tesla.NoAnswer(str(fault)) from fault
        spec = next(spec for kind, spec in ANSWERS if isinstance(fault, kind))
        raise access.refuse(grant, spec, reason=str(fault)) from fault
    evidence.key_used(vehicle, now=timezone.now())
    return result


def _exchange(
    grant: VehicleGrant,
    key: PrivateKey,
    domain: Domain,
    payload: bytes,
    scope: str,
    before_sending: Callable[[], None],
    renew_turn: Callable[[], None],
) -> CommandResult:
    """Sign and send until the car has answered for good; only what it surely did not carry out is signed again."""
    fault: SigningError = SubsystemBusy("the car stayed busy")
    for attempt in range(ATTEMPTS):
        if attempt:
            renew_turn()
        try:
            return _attempt(grant, key, domain, payload, scope, before_sending)
        except SigningError as failed:
            if not failed.is_temporary or failed.may_have_happened:
                raise
            fault = failed
        if not fault.resync:
            time.sleep(BUSY_SECONDS)
    raise fault


def _attempt(
    grant: VehicleGrant,
    key: PrivateKey,
    domain: Domain,
    payload: bytes,
    scope: str,
    before_sending: Callable[[], None],
) -> CommandResult:
    vehicle = grant.connection.vehicle
    session = _next(vehicle, domain) or _meet(grant, key, domain, scope)
    before_sending()
    request = authorize(session, payload, key=key, counter=session.counter, now=time.time())
    response = _deliver(grant, request, session, key, scope)
    if response.session is not None:
        _remember(vehicle, response.session)
    elif response.fault is not None and response.fault.resync:
        _forget(vehicle, session)
    if response.fault is not None:
        raise response.fault
    if isinstance(response.result, Wait):
        raise SubsystemBusy("the car asks to wait")
    return CommandResult(isinstance(response.result, Succeeded), getattr(response.result, "reason", ""))


def _deliver(
    grant: VehicleGrant, request: SignedRequest, session: SessionInfo, key: PrivateKey, scope: str
) -> Response:
    answer = upstream.signed_message(grant, base64.b64encode(request.message).decode(), scope)
    return open_response(base64.b64decode(answer), request, session, key=key, now=time.time())


def _meet(grant: VehicleGrant, key: PrivateKey, domain: Domain, scope: str) -> SessionInfo:
    """Shake hands, once for everybody who is about to: Tesla bills a handshake like a command."""
    if domain in _IN_TURN:
        return _shake_hands(grant, key, domain, scope)
    with _turn(grant.connection.vehicle, domain):
        return _next(grant.connection.vehicle, domain) or _shake_hands(grant, key, domain, scope)


def _shake_hands(grant: VehicleGrant, key: PrivateKey, domain: Domain, scope: str) -> SessionInfo:
    """Meet the car's computer, remember the session, and take its first counter."""
    vehicle = grant.connection.vehicle
    request = handshake_request(domain, key.public_key)
    answer = upstream.signed_message(grant, base64.b64encode(request.message).decode(), scope)
    session = open_handshake(
        base64.b64decode(answer),
        uuid=request.uuid,
        vin=vehicle.vin,
        domain=domain,
        key=key,
        now=time.time(),
    )
    _remember(vehicle, session)
    taken = _next(vehicle, domain)
    if taken is None:
        raise SessionOvertaken("another process dropped the session while it was made")
    return taken


def _next(vehicle: Vehicle, domain: Domain) -> SessionInfo | None:
    """The session with the next counter, which nobody else gets; None when there is none to go on with."""
    sessions = SigningSession.objects.filter(vehicle=vehicle, domain=domain.value)
    while (row := sessions.first()) is not None and row.epoch:
        unchanged = sessions.filter(epoch=bytes(row.epoch), counter=row.counter)
        row.counter += 1
        if row.counter >= HIGHEST_COUNTER:
            unchanged.update(epoch=b"")
        elif unchanged.update(counter=row.counter):
            return _as_session(row, vehicle, domain)
    return None


def _as_session(row: SigningSession, vehicle: Vehicle, domain: Domain) -> SessionInfo:
    return SessionInfo(
        vin=vehicle.vin,
        domain=domain,
        vehicle_public_key=bytes(row.vehicle_public_key),
        epoch=bytes(row.epoch),
        counter=row.counter,
        clock_time=row.clock_time,
        observed_at=row.observed_at,
        last_authenticated_clock=row.last_authenticated_clock,
    )


def _remember(vehicle: Vehicle, session: SessionInfo) -> None:
    """Store what the car proved; within an epoch the counter is never lowered, since others may have taken more."""
    with transaction.atomic():
        row, _ = SigningSession.objects.select_for_update().get_or_create(
            vehicle=vehicle, domain=session.domain.value
        )
        same_epoch = bytes(row.epoch) == session.epoch
        if same_epoch and session.last_authenticated_clock < row.last_authenticated_clock:
            return
        row.counter = max(row.counter, session.counter) if same_epoch else session.counter
        row.vehicle_public_key, row.epoch = session.vehicle_public_key, session.epoch
        row.clock_time, row.observed_at = session.clock_time, session.observed_at
        row.last_authenticated_clock = session.last_authenticated_clock
        row.save()


def _forget(vehicle: Vehicle, session: SessionInfo) -> None:
    """Drop the session that the car no longer knows, unless another process has made a new one already."""
    known = SigningSession.objects.filter(vehicle=vehicle, domain=session.domain.value, epoch=session.epoch)
    known.update(epoch=b"")


@contextmanager
def _turn(vehicle: Vehicle, domain: Domain) -> Iterator[Callable[[], None]]:
    """Wait for the turn at a computer, across processes. Gives a function that makes it last for another attempt."""
    computer = SigningSession.objects.filter(vehicle=vehicle, domain=domain.value)
    mine = computer.filter(lease_holder=_take_turn(vehicle, domain))
    try:
        yield lambda: _renew(mine)
    finally:
        mine.update(lease_holder=None, lease_until=None)


def _take_turn(vehicle: Vehicle, domain: Domain) -> uuid.UUID:
    computer = SigningSession.objects.filter(vehicle=vehicle, domain=domain.value)
    holder = uuid.uuid4()
    end = time.monotonic() + TURN_WAIT_SECONDS
    while time.monotonic() < end:
        now = timezone.now()
        free = computer.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
        # Looking is cheap; an update that finds nothing still stops every other writer on SQLite.
        if free.exists() and free.update(lease_holder=holder, lease_until=now + TURN):
            return holder
        if not computer.exists():
            SigningSession.objects.get_or_create(vehicle=vehicle, domain=domain.value)
            continue
        let_go_of_database()
        time.sleep(_POLL_SECONDS)
    raise CatalogueError(errors.RATE_LIMIT_VEHICLE, retry_after=5, reason="other commands are still running")


def _nothing() -> None:
    """There is no turn to renew."""


def _renew(turn: QuerySet[SigningSession]) -> None:
    if not turn.update(lease_until=timezone.now() + TURN):
        raise CatalogueError(errors.RATE_LIMIT_VEHICLE, retry_after=5, reason="the turn at the car was lost")
