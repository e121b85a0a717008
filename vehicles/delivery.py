"""Delivery: one command to the car the way this car takes it, signed or as plain REST, waking it where it sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from vehicles import access, errors, evidence, facts, signed_commands, upstream
from vehicles.errors import CatalogueError
from vehicles.models import Integration, VehicleGrant
from vehicles.tesla import errors as tesla
from vehicles.tesla.client import CommandResult

WAKE_SECONDS: Final = 60.0
WAKE_CALLS: Final = 3
"""How often Tesla is asked to wake a car, where it does not take the first request."""
_WAKE_POLL_SECONDS: Final = 2.0
_STUMBLES: Final = (errors.UNREACHABLE, errors.UPSTREAM_NO_RESPONSE, errors.UPSTREAM_INVALID_DATA)
"""What Tesla answers now and then although the car wakes."""


@dataclass(slots=True)
class Delivery:
    """How the steps of one command reach the car.

    `before_waiting` is called before anything that takes time, and `before_sending` before anything leaves that the car
    may carry out; both may raise to stop that.
    `was_answered` tells whether the car itself has done or refused a step, so that the command is no longer untouched.
    """

    grant: VehicleGrant
    command_id: UUID
    scope: str
    needs_signature: bool
    deadline: datetime
    before_waiting: Callable[[], None]
    before_sending: Callable[[], None]
    was_answered: bool = False

    def send(self, name: str, arguments: Mapping[str, Any]) -> CommandResult:
        """Deliver one Tesla command and return the car's answer. Raises `CatalogueError` or `TeslaError`."""
        try:
            result = self._deliver(name, arguments)
        except tesla.VehicleUnavailable:
            wake(self.grant, self.deadline)
            result = self._deliver(name, arguments)
        self.was_answered = True
        return result

    def _deliver(self, name: str, arguments: Mapping[str, Any]) -> CommandResult:
        vehicle = self.grant.connection.vehicle
        if self._must_be_signed():
            try:
                return self._signed(name, arguments)
            except tesla.ProtocolUnsupported:
                evidence.protocol_unsupported(vehicle, now=timezone.now())
        try:
            self.before_sending()
            return upstream.unsigned_command(self.grant, name, arguments, self.scope)
        except tesla.ProtocolRequired:
            evidence.protocol_demanded(vehicle, now=timezone.now())
            if not self._can_be_signed():
                raise access.refuse(self.grant, errors.PLATFORM_NOT_CAPABLE) from None
            return self._signed(name, arguments)

    def _signed(self, name: str, arguments: Mapping[str, Any]) -> CommandResult:
        sender = signed_commands.Sender(
            self.grant, self.scope, self.command_id, self.before_waiting, self.before_sending
        )
        return signed_commands.send(sender, name, arguments)

    def _must_be_signed(self) -> bool:
        """Unknown counts as yes: the handshake then tells, without anything having been carried out."""
        vehicle = self.grant.connection.vehicle
        return self.needs_signature and vehicle.protocol_required is not False and self._can_be_signed()

    def _can_be_signed(self) -> bool:
        """The Owner API delivers nothing signed; the same person's consent to the Fleet API may."""
        is_legacy = self.grant.integration == Integration.LEGACY
        return not is_legacy or facts.fleet_covers(self.grant.account, self.scope)


def wake(grant: VehicleGrant, deadline: datetime) -> None:
    """Wait until the car is awake; raises VEHICLE_STATE:ASLEEP when it may not be woken or will not wake in time.

    Tesla may stumble on the way, and may wake the car although it answers that it could not: the state decides.
    """
    if not grant.connection.application.wakes_for_commands:
        raise CatalogueError(errors.ASLEEP, reason="the application does not wake cars")
    end, asked, reason = time.monotonic() + WAKE_SECONDS, 0, "the car did not wake in time"
    was_taken = False
    while time.monotonic() < end and timezone.now() < deadline:
        try:
            if not was_taken and asked < WAKE_CALLS:
                asked += 1
                upstream.wake_up(grant)
                was_taken = True
            if upstream.vehicle_state(grant) == "online":
                return
        except CatalogueError as error:
            if error.spec not in _STUMBLES:
                raise
            reason = error.reason
            if not was_taken and _is_online(grant):
                return
        time.sleep(_WAKE_POLL_SECONDS)
    raise CatalogueError(errors.ASLEEP, reason=reason)


def _is_online(grant: VehicleGrant) -> bool:
    try:
        return upstream.vehicle_state(grant) == "online"
    except CatalogueError as error:
        if error.spec not in _STUMBLES:
            raise
        return False
