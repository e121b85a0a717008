"""The truth file: what was planted, told without asking the diagnosis, so that the two can be held against each other.

Each line has the columns of the audit list as they must come out, and beside them the states that were planted. The
rules are written down here a second time on purpose, and as plainly as possible; do not share code with the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from vehicles.management.sample_plan import (
    CONTROLS,
    LEGACY_CLOSED_IN,
    PlannedAccess,
    PlannedGrant,
    PlannedPerson,
    PlannedReservation,
    stable_id,
)
from vehicles.permissions import PERMISSIONS

_BLOCKING: Final = (
    "paused", "legacy_closed", "consent_revoked", "sign_in_needed", "vehicle_missing", "remote_access_disabled",
)  # fmt: skip
_NEVER_CHECKED: Final = ("paused",)
"""What staff did here needs no looking at."""
_SEEN_WITH_THE_KEY: Final = ("key_absent", "driver_only")


@dataclass(frozen=True, slots=True)
class Planted:
    """A grant with everything that decides about it."""

    person: PlannedPerson
    access: PlannedAccess
    grant: PlannedGrant
    legacy_is_closed: bool

    @property
    def is_legacy(self) -> bool:
        return self.person.person.uses_legacy_api

    @property
    def never_granted(self) -> set[str]:
        """Asked for, and not granted at Tesla: not there to be approved, or lacking since the grant moved here."""
        if self.is_legacy:
            return set()
        chosen = {*self.grant.approved, *self.grant.declined}
        return set(self.grant.requested) - chosen | set(self.grant.not_granted)

    @property
    def withdrawn(self) -> set[str]:
        """Approved, and not granted at Tesla any more."""
        if self.is_legacy:
            return set()
        return {
            name for name in self.grant.granted if PERMISSIONS[name].tesla_scope not in self.person.scopes
        }

    @property
    def consent(self) -> str:
        if not self.is_legacy:
            return str(self.person.consent)
        return "sign_in_needed" if self.person.lost_legacy_login else "active"

    @property
    def provider(self) -> str:
        if not self.is_legacy:
            return "fleet"
        return "legacy_closed" if self.legacy_is_closed else "legacy"


def _faults(planted: Planted) -> list[str]:
    """Every fault that holds, the one that a call meets first in front."""
    vehicle = planted.access.vehicle
    commands = planted.grant.granted & set(CONTROLS)
    holds = {
        "not_granted_at_tesla": bool(planted.never_granted),
        "paused": vehicle.paused,
        "legacy_closed": planted.provider == "legacy_closed",
        "consent_revoked": planted.consent == "revoked",
        "withdrawn_at_tesla": bool(planted.withdrawn),
        "sign_in_needed": planted.consent == "sign_in_needed",
        "vehicle_missing": planted.access.missing_before is not None,
        "legacy_cannot_sign": planted.provider == "legacy"
        and vehicle.key != "not_required"
        and bool(commands),
        "key_absent": planted.provider == "fleet" and vehicle.key == "absent" and bool(commands),
        "driver_only": planted.provider == "fleet" and vehicle.key_reason == "driver_only" and bool(commands),
        "remote_access_disabled": not vehicle.car.mobile_access,
        "in_service": vehicle.car.in_service and bool(commands),
    }
    return [name for name, is_so in holds.items() if is_so]


def _verdict(planted: Planted, faults: list[str]) -> str:
    stopped = planted.withdrawn
    if "legacy_cannot_sign" in faults or "key_absent" in faults:
        stopped = stopped | set(CONTROLS)
    if set(faults) & set(_BLOCKING) or planted.grant.granted <= stopped:
        return "blocked"
    if planted.never_granted or stopped:
        return "degraded"
    is_unseen = planted.access.vehicle.key in ("unknown", "conflict")
    return "unproven" if is_unseen and planted.grant.granted & set(CONTROLS) else "ok"


def _next_actor(planted: Planted, cause: str) -> str:
    """What only an owner can do begins, for a driver, with telling them."""
    return {"": "", "paused": "staff"}.get(cause, planted.access.access_type.lower())


@dataclass(frozen=True, slots=True)
class Truth:
    """Writes the lines of people who were planted at `now`.

    `applications` are client id and name of each. The legacy API `is_served`, except in `LEGACY_CLOSED_IN`, where it
    has been closed since `closed_at` (None: it is served there as well).
    """

    applications: Sequence[tuple[str, str]]
    mode: str
    now: datetime
    is_served: bool
    closed_at: datetime | None

    def lines(self, person: PlannedPerson) -> Iterator[dict[str, Any]]:
        """A line for each of the person's grants, and for each of their cars that is not connected yet."""
        by_vin = {access.vehicle.car.vin: access for access in person.accesses}
        for grant in person.grants:
            is_closed = self._closed_at(person) is not None or not self.is_served
            yield self._grant(Planted(person, by_vin[grant.vin], grant, is_closed))
        for reserved in person.reservations:
            yield self._reservation(reserved)

    def _closed_at(self, person: PlannedPerson) -> datetime | None:
        is_there = person.person.uses_legacy_api and person.person.region == LEGACY_CLOSED_IN
        return self.closed_at if is_there else None

    def _named(self, vin: str, application: int) -> dict[str, str]:
        client_id, name = self.applications[application]
        vehicle_id = stable_id(client_id, "vehicle", stable_id(self.mode, "vehicle", vin))
        return {"vin": vin, "vehicle_id": str(vehicle_id), "application": name}

    def _grant(self, planted: Planted) -> dict[str, Any]:
        faults = _faults(planted)
        cause = faults[0] if faults else ""
        since, checked = self._times(planted, cause)
        return {
            **self._named(planted.grant.vin, planted.grant.application),
            "verdict": _verdict(planted, faults),
            "cause": cause,
            "next_actor": _next_actor(planted, cause),
            "consent": planted.consent,
            "missing_permissions": _missing_permissions(planted),
            "key": str(planted.access.vehicle.key),
            "provider": planted.provider,
            "access_types": " ".join(sorted(planted.access.vehicle.access_types, reverse=True)),
            "since": since.isoformat(timespec="seconds"),
            "last_checked": checked.isoformat(timespec="seconds") if checked else "",
            "planted": _states(planted, faults),
        }

    def _times(self, planted: Planted, cause: str) -> tuple[datetime, datetime | None]:
        """Since when the verdict holds, and when what it rests on was last seen."""
        closed_at = self._closed_at(planted.person)
        changed = self.now - planted.person.changed_before
        if cause == "legacy_closed":
            listed = self.now - (planted.access.missing_before or timedelta())
            return closed_at or changed, closed_at or listed
        if cause in _SEEN_WITH_THE_KEY:
            return changed, self.now - planted.access.vehicle.observed_before
        if cause == "sign_in_needed" and planted.is_legacy:
            return changed, changed
        return changed, None if cause in _NEVER_CHECKED else self.now

    def _reservation(self, reserved: PlannedReservation) -> dict[str, Any]:
        return {
            **self._named(reserved.vin, reserved.application),
            "verdict": "blocked",
            "cause": "not_connected",
            "next_actor": "application",
            "consent": "unknown",
            "missing_permissions": " ".join(f"{name}:not_requested" for name in sorted(reserved.scopes)),
            "key": "unknown",
            "provider": "",
            "access_types": "",
            "since": (self.now - reserved.made_before).isoformat(timespec="seconds"),
            "last_checked": "",
            "planted": {"faults": ["not_connected"]},
        }


def _missing_permissions(planted: Planted) -> str:
    missing = dict.fromkeys(planted.grant.declined, "declined_in_connect")
    missing |= dict.fromkeys(planted.never_granted, "not_granted_at_tesla")
    missing |= dict.fromkeys(planted.withdrawn, "withdrawn_at_tesla")
    return " ".join(f"{name}:{why}" for name, why in sorted(missing.items()))


def _states(planted: Planted, faults: list[str]) -> dict[str, Any]:
    vehicle, grant = planted.access.vehicle, planted.grant
    return {
        "faults": faults,
        "email": planted.person.person.email,
        "integration": "legacy" if planted.is_legacy else "fleet",
        "access_type": planted.access.access_type,
        "tesla_scopes": list(planted.person.scopes),
        "requested": list(grant.requested),
        "approved": list(grant.approved),
        "declined": list(grant.declined),
        "not_granted": list(grant.not_granted),
        "key_reason": str(vehicle.key_reason or ""),
        "total_keys": vehicle.total_keys,
        "in_service": vehicle.car.in_service,
        "mobile_access": vehicle.car.mobile_access,
        "paused": vehicle.paused,
        "missing": planted.access.missing_before is not None,
    }
