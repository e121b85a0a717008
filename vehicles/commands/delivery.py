"""Delivery: one command to the car the way this car takes it, signed or as plain REST, waking it where it sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from django.utils import timezone

from vehicles import access, errors, evidence, facts
from vehicles.commands import car_refusals, signed_delivery
from vehicles.commands.rows import PendingCommand
from vehicles.db.connections import let_go_of_database
from vehicles.errors import CatalogueError
from vehicles.models import Integration, VehicleGrant
from vehicles.tesla import errors as tesla
from vehicles.tesla.results import CommandResult
from vehicles.upstream import calls

T = TypeVar("T")

WAKE_SECONDS: Final = 60.0
WAKE_AGAIN_SECONDS: Final = 10.0
"""Until a car is asked once more to wake, after Tesla failed to take that; Tesla's own client waits as long."""
_WAKE_POLL_SECONDS: Final = 2.0
_MOST_WAKES: Final = 3
"""Tesla takes no more in a minute."""
_TRIES_ONCE_AWAKE: Final = 4
"""A car that Tesla calls online may take a few seconds more until its computers answer."""
_STUMBLES: Final = (
    errors.UNREACHABLE,
    errors.UPSTREAM_NO_RESPONSE,
    errors.UPSTREAM_INVALID_DATA,
    errors.UPSTREAM_RATE_LIMIT,
    errors.UPSTREAM_UNKNOWN_ISSUE,
)
"""What says nothing about whether the car wakes."""


def send(pending: PendingCommand, name: str, arguments: Mapping[str, Any]) -> CommandResult:
    """Deliver one Tesla command and return the car's answer. Raises `CatalogueError` or `TeslaError`."""
    try:
        result = _deliver(pending, name, arguments)
    except tesla.VehicleUnavailable:
        result = once_awake(
            pending.grant, pending.row.deadline_at, lambda: _deliver(pending, name, arguments)
        )
    pending.was_answered = True
    return result


def _deliver(pending: PendingCommand, name: str, arguments: Mapping[str, Any]) -> CommandResult:
    """The way that this car takes. Where that is not known, it is signed: the handshake then tells, without anything
    having been carried out.
    """
    grant, vehicle = pending.grant, pending.vehicle
    scope, needs_key = pending.permission.tesla_scope, pending.permission.needs_key
    # The Owner API delivers nothing signed; the same person's consent to the Fleet API may.
    can_be_signed = grant.integration != Integration.LEGACY or facts.fleet_covers(grant.account, scope)
    if needs_key and vehicle.protocol_required is not False and can_be_signed:
        try:
            return _of_one_awake(signed_delivery.send(pending, name, arguments))
        except tesla.ProtocolUnsupported:
            evidence.protocol_unsupported(vehicle, now=timezone.now())
    try:
        pending.mark_sent()
        return _of_one_awake(calls.unsigned_command(grant, name, arguments, scope))
    except tesla.ProtocolRequired:
        evidence.protocol_demanded(vehicle, now=timezone.now())
        if not can_be_signed:
            raise access.refuse(grant, errors.PLATFORM_NOT_CAPABLE) from None
        return _of_one_awake(signed_delivery.send(pending, name, arguments))


def _of_one_awake(result: CommandResult) -> CommandResult:
    """A car whose computers are not up yet says so in a refusal; nothing was done, as when it sleeps."""
    if not result.done and car_refusals.word_of(result.reason) in car_refusals.STILL_ASLEEP:
        raise tesla.VehicleUnavailable(result.reason)
    return result


def once_awake(grant: VehicleGrant, deadline: datetime, ask: Callable[[], T]) -> T:
    """Wake the car and return what it then answers to `ask`, which it may not take for some seconds more.

    Raises what `wake` and `ask` raise.
    """
    wake(grant, deadline)
    for _ in range(_TRIES_ONCE_AWAKE - 1):
        try:
            return ask()
        except tesla.VehicleUnavailable:
            pass
        except CatalogueError as error:
            if error.spec not in (errors.ASLEEP, errors.UNREACHABLE):
                raise
        _pause()
        wake(grant, deadline, was_asked=True)
    return ask()


def wake(grant: VehicleGrant, deadline: datetime, *, was_asked: bool = False) -> None:
    """Wait until the car is awake; raises VEHICLE_STATE:ASLEEP when it may not be woken or will not wake in time.

    Tesla failing in between says nothing of the car: it is looked at again, and asked again where it `was_asked` in
    vain. Raises what stands in the way for longer.
    """
    if not grant.connection.application.wakes_for_commands:
        raise CatalogueError(errors.ASLEEP, reason="the application does not wake cars")
    now = time.monotonic()
    end, asks = now + WAKE_SECONDS, 0
    due: float | None = now + WAKE_AGAIN_SECONDS if was_asked else now
    while (now := time.monotonic()) < end and timezone.now() < deadline:
        if due is not None and due <= now and asks < _MOST_WAKES:
            asks += 1
            due = _ask_to_wake(grant, is_first=asks == 1 and not was_asked)
        if _is_online(grant):
            return
        _pause()
    raise CatalogueError(errors.ASLEEP, reason="the car did not wake in time")


def _ask_to_wake(grant: VehicleGrant, *, is_first: bool) -> float | None:
    """None once Tesla has taken it, else when to ask again."""
    try:
        calls.wake_up(grant)
    except CatalogueError as error:
        # Our own budget may be used up by the first attempts; the car is looked at all the same.
        if error.spec not in _STUMBLES and (is_first or error.spec is not errors.RATE_LIMIT_VEHICLE):
            raise
        return time.monotonic() + max(WAKE_AGAIN_SECONDS, error.retry_after or 0)
    return None


def _is_online(grant: VehicleGrant) -> bool:
    try:
        return calls.vehicle_state(grant) == "online"
    except CatalogueError as error:
        if error.spec not in _STUMBLES:
            raise
        return False


def _pause() -> None:
    let_go_of_database()
    time.sleep(_WAKE_POLL_SECONDS)
