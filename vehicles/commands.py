"""Commands: the intent is written and committed, then the call is made, then the outcome is written.

A command without an answer may have happened. Its outcome is `unknown`, and it is never sent again by itself.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from vehicles import (
    access,
    errors,
    evidence,
    history,
    pairing,
    request_id,
    signed_commands,
    upstream,
)
from vehicles.errors import CatalogueError, ErrorSpec
from vehicles.history import Kind
from vehicles.models import Command, Integration, Outcome, VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.tesla import errors as tesla
from vehicles.tesla.client import CommandResult


@dataclass(frozen=True, slots=True)
class Control:
    """A control of our API: the permission it needs and the Tesla command it becomes."""

    permission: str
    command: str


CONTROLS: Final[dict[str, Control]] = {
    "lock": Control("control_security", "door_lock"),
    "unlock": Control("control_security", "door_unlock"),
}

REFUSALS: Final[dict[str, ErrorSpec]] = {
    "vehicle is in service": errors.VEHICLE_OFFLINE_FOR_SERVICE,
    "closures open": errors.DOOR_OPEN,
    "door_open": errors.DOOR_OPEN,
    "not in park": errors.IN_MOTION,
    "not_in_park": errors.IN_MOTION,
    "mobile_access_disabled": errors.REMOTE_ACCESS_DISABLED,
}
"""What a car's own words of refusal mean for the caller; anything else is VEHICLE_STATE:UNKNOWN with those words."""

WAKE_SECONDS: Final = 60.0
_WAKE_POLL_SECONDS: Final = 2.0


def issue(grant: VehicleGrant, name: str, arguments: Mapping[str, Any], *, now: datetime) -> Command:
    """Carry out a control of our API on the grant's car and return its row, outcome succeeded.

    Raises `CatalogueError`: the diagnosis' error when it may not be sent, the car's refusal, or UPSTREAM:NO_RESPONSE
    with the command's id when nobody can say whether it happened.
    """
    control = CONTROLS[name]
    _require(grant, control, now)
    command = Command.objects.create(
        grant=grant,
        name=name,
        arguments=dict(arguments),
        request_id=request_id.current(),
        created_at=now,
        sent_at=now,
    )
    try:
        result = _send(grant, control, arguments)
    except CatalogueError as error:
        _end(command, Outcome.FAILED, error.spec, error.reason)
        raise
    except tesla.TeslaError as failure:
        raise _ended_by(command, failure) from failure
    if not result.done:
        spec = REFUSALS.get(result.reason.lower(), errors.VEHICLE_STATE_UNKNOWN)
        _end(command, Outcome.FAILED, spec, result.reason)
        raise CatalogueError(spec, reason=result.reason)
    _end(command, Outcome.SUCCEEDED, None, "")
    return command


def _require(grant: VehicleGrant, control: Control, now: datetime) -> None:
    """A missing key may have been added a moment ago, so it is looked for once more before refusing for it."""
    try:
        access.require(grant, control.permission)
    except CatalogueError as error:
        if error.spec is not errors.VIRTUAL_KEY_REQUIRED:
            raise
        pairing.look(grant.connection.vehicle, grant.account, now)
        access.require(grant, control.permission)


def _send(grant: VehicleGrant, control: Control, arguments: Mapping[str, Any]) -> CommandResult:
    """Deliver it the way this car takes it, waking the car first where it sleeps and may be woken."""
    try:
        return _deliver(grant, control, arguments)
    except tesla.VehicleUnavailable:
        _wake(grant)
        return _deliver(grant, control, arguments)


def _deliver(grant: VehicleGrant, control: Control, arguments: Mapping[str, Any]) -> CommandResult:
    vehicle = grant.connection.vehicle
    scope = PERMISSIONS[control.permission].tesla_scope
    if _must_be_signed(grant, control):
        try:
            return signed_commands.send(grant, control.command, arguments, scope)
        except tesla.ProtocolUnsupported:
            evidence.protocol_unsupported(vehicle, now=timezone.now())
    try:
        return upstream.unsigned_command(grant, control.command, arguments, scope)
    except tesla.ProtocolRequired:
        evidence.protocol_demanded(vehicle, now=timezone.now())
        if grant.integration == Integration.LEGACY:
            raise
        return signed_commands.send(grant, control.command, arguments, scope)


def _must_be_signed(grant: VehicleGrant, control: Control) -> bool:
    """Unknown counts as yes: the handshake then tells, without anything having been carried out."""
    if not PERMISSIONS[control.permission].needs_key or grant.integration == Integration.LEGACY:
        return False
    return grant.connection.vehicle.protocol_required is not False


def _wake(grant: VehicleGrant) -> None:
    """Wake the car and wait until it is online; raises VEHICLE_STATE:ASLEEP when it may not be woken or will not."""
    if not grant.connection.application.wakes_for_commands:
        raise CatalogueError(errors.ASLEEP, reason="the application does not wake cars")
    upstream.wake_up(grant)
    end = time.monotonic() + WAKE_SECONDS
    while time.monotonic() < end:
        if upstream.vehicle_state(grant) == "online":
            return
        time.sleep(_WAKE_POLL_SECONDS)
    raise CatalogueError(errors.ASLEEP, reason="the car did not wake in time")


def _ended_by(command: Command, failure: tesla.TeslaError) -> CatalogueError:
    """Record how a failed call left the command, and the error its caller gets."""
    error = upstream.translate(failure)
    if not failure.may_have_happened:
        _end(command, Outcome.FAILED, error.spec, error.reason)
        return error
    _end(command, Outcome.UNKNOWN, errors.UPSTREAM_NO_RESPONSE, error.reason)
    return CatalogueError(
        errors.UPSTREAM_NO_RESPONSE, reason=error.reason, command_id=str(command.pk), resolution_withheld=True
    )


def _end(command: Command, outcome: Outcome, error: ErrorSpec | None, reason: str) -> None:
    now = timezone.now()
    command.outcome, command.error, command.reason = outcome, error.name if error else "", reason[:255]
    command.ended_at = now
    with transaction.atomic():
        command.save(update_fields=["outcome", "error", "reason", "ended_at"])
        grant = command.grant
        history.record(
            Kind.COMMAND_ENDED,
            actor=history.application_actor(grant.connection.application),
            at=now,
            application=grant.connection.application,
            account=grant.account,
            vehicle=grant.connection.vehicle,
            grant=grant,
            command=str(command.pk),
            name=command.name,
            outcome=str(outcome),
            error=command.error,
        )
