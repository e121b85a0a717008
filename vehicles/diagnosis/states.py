"""What a decision is made from: the values of the four axes, who can act, and the facts about one grant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Consent(StrEnum):
    """What the person last agreed to at Tesla; `suspected` and `unknown` never block."""

    ACTIVE = "active"
    SUSPECTED = "suspected"
    REVOKED = "revoked"
    SIGN_IN_NEEDED = "sign_in_needed"
    UNKNOWN = "unknown"


class Key(StrEnum):
    """Whether the operator's virtual key is on the car; `unknown` and `conflict` never block a command."""

    PRESENT = "present"
    ABSENT = "absent"
    NOT_REQUIRED = "not_required"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"


class KeyReason(StrEnum):
    """Why the key state is not known."""

    DRIVER_ONLY = "driver_only"
    NEVER_CHECKED = "never_checked"
    STALE = "stale"
    LEGACY_ONLY = "legacy_only"
    PROVIDER_ERROR = "provider_error"


class Provider(StrEnum):
    """Which of Tesla's interfaces carries the grant."""

    FLEET = "fleet"
    LEGACY = "legacy"
    LEGACY_CLOSED = "legacy_closed"


class Access(StrEnum):
    """How the Tesla account relates to the car."""

    OWNER = "OWNER"
    DRIVER = "DRIVER"


class MissingReason(StrEnum):
    """Why a permission does not work although somebody might expect it to."""

    NOT_GRANTED_AT_TESLA = "not_granted_at_tesla"
    WITHDRAWN_AT_TESLA = "withdrawn_at_tesla"
    DECLINED_IN_CONNECT = "declined_in_connect"
    NOT_REQUESTED = "not_requested"


class Verdict(StrEnum):
    """Whether what was granted works: all, as far as is known, some, nothing.

    `unproven`: nothing known is wrong, but whether the key is on the car, which the grant's commands need, was never
    seen, or the sources disagree.
    """

    OK = "ok"
    UNPROVEN = "unproven"
    DEGRADED = "degraded"
    BLOCKED = "blocked"


class Actor(StrEnum):
    """Who can do something about a fault. The account's person is its owner or its driver, never both."""

    OWNER = "owner"
    DRIVER = "driver"
    APPLICATION = "application"
    STAFF = "staff"
    OPERATOR = "operator"
    TESLA = "tesla"


@dataclass(frozen=True, slots=True)
class Observed:
    """Where a value on an axis comes from: the observation's source, since when it holds, when it was last seen."""

    source: str = ""
    since: datetime | None = None
    observed_at: datetime | None = None

    def as_json(self) -> dict[str, str | None]:
        """As the diagnosis writes it; null where it is not known."""
        return {
            "since": self.since.isoformat() if self.since else None,
            "source": self.source or None,
            "observedAt": self.observed_at.isoformat() if self.observed_at else None,
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision depends on, for one grant of one application on one car.

    `granted` are the permissions the person approved; `missing` says for each permission that was asked for and does
    not work, why. A withdrawn permission stands in both. `fleet_signs` are those of a legacy grant whose signed
    commands the same person's consent to the current interface covers.
    """

    granted: frozenset[str]
    missing: Mapping[str, MissingReason] = field(default_factory=dict)
    consent: Consent = Consent.UNKNOWN
    key: Key = Key.UNKNOWN
    key_reason: KeyReason | None = None
    provider: Provider = Provider.FLEET
    fleet_signs: frozenset[str] = frozenset()
    protocol_required: bool | None = None
    region: str = ""
    access: Access | None = Access.OWNER
    owner_connected: bool = True
    vehicle_missing: bool = False
    key_slots_full: bool = False
    remote_access_disabled: bool = False
    in_service: bool = False
    asleep: bool = False
    paused: bool = False
    operator_fault: bool = False
    provider_incident: bool = False
    observed: Mapping[str, Observed] = field(default_factory=dict)
    missing_observed: Mapping[str, Observed] = field(default_factory=dict)

    @property
    def person(self) -> Actor:
        return Actor.DRIVER if self.access is Access.DRIVER else Actor.OWNER

    def observation(self, cause: str, axis: str) -> Observed:
        """The observation that a cause rests on: its own, else that of its axis."""
        return self.observed.get(cause) or self.observed.get(axis) or Observed()
