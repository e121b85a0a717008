"""What Tesla's answers say, for those who never ask Tesla themselves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListedVehicle:
    """A car as an account's list shows it. `state` is `online`, `asleep`, `offline` or empty."""

    vin: str
    tesla_id: str
    access_type: str
    display_name: str
    state: str
    in_service: bool
    remote_access_disabled: bool


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What `fleet_status` says of one car; `paired` is None when the car is in neither list."""

    vin: str
    paired: bool | None
    protocol_required: bool | None
    total_keys: int | None
    firmware: str


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The car's own answer: done, or refused with a reason."""

    done: bool
    reason: str
