"""The rules: every fault that can stand in a call's way, in the order in which a call meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vehicles import errors
from vehicles.diagnosis.states import Consent, Facts, Key, KeyReason, MissingReason, Provider
from vehicles.errors import ErrorSpec
from vehicles.permissions import PERMISSIONS

NEEDS_KEY: Final = frozenset(name for name, row in PERMISSIONS.items() if row.needs_key)
_FROM_STORE: Final = frozenset({"read_vin", "read_vehicle_info", "read_user_profile"})
"""Reads that are answered without asking the car, so a sleeping car does not stop them."""
LIVE_READS: Final = frozenset(name for name in PERMISSIONS if name.startswith("read_")) - _FROM_STORE

Stopped = Callable[[Facts], frozenset[str]]


def _missing_for(reason: MissingReason) -> Stopped:
    return lambda facts: frozenset(name for name, why in facts.missing.items() if why is reason)


def _when(holds: Callable[[Facts], bool], *, among: frozenset[str] | None = None) -> Stopped:
    """All that was granted, or what of it is `among` these, while the fact holds."""

    def stopped(facts: Facts) -> frozenset[str]:
        if not holds(facts):
            return frozenset()
        return facts.granted if among is None else facts.granted & among

    return stopped


def travel_signed(facts: Facts) -> frozenset[str]:
    """The permissions whose commands go out over the Fleet API, signed where the car wants that."""
    if facts.provider is Provider.FLEET:
        return facts.granted & NEEDS_KEY
    return facts.granted & facts.fleet_signs if facts.provider is Provider.LEGACY else frozenset()


def _legacy_cannot_sign(facts: Facts) -> frozenset[str]:
    if facts.provider is not Provider.LEGACY or facts.key is Key.NOT_REQUIRED:
        return frozenset()
    return facts.granted & NEEDS_KEY - travel_signed(facts)


def _key_absent(facts: Facts) -> frozenset[str]:
    return travel_signed(facts) if facts.key is Key.ABSENT else frozenset()


def _driver_only(facts: Facts) -> frozenset[str]:
    """Nobody can tell whether the key is there; the car will, when it is given a command."""
    is_unseen = facts.key is Key.UNKNOWN and facts.key_reason is KeyReason.DRIVER_ONLY
    return travel_signed(facts) if is_unseen else frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault: which permissions it stops, the error a call then gets, and whether it makes the verdict worse.

    `silent` rules speak only when the call asks for exactly the permission they stop: nobody has to repair a
    permission that the person chose not to give. Without an `error` the call is tried all the same.
    """

    code: str
    axis: str
    stops: Stopped
    error: ErrorSpec | None
    counts: bool = True
    silent: bool = False


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "declined_in_connect",
        "permissions",
        _missing_for(MissingReason.DECLINED_IN_CONNECT),
        errors.PERMISSION,
        counts=False,
        silent=True,
    ),
    Rule(
        "not_granted_at_tesla",
        "permissions",
        _missing_for(MissingReason.NOT_GRANTED_AT_TESLA),
        errors.PERMISSION,
    ),
    Rule("paused", "provider", _when(lambda f: f.paused), errors.UPSTREAM_KNOWN_ISSUE),
    Rule("operator_fault", "provider", _when(lambda f: f.operator_fault), errors.UPSTREAM_KNOWN_ISSUE),
    Rule("provider_incident", "provider", _when(lambda f: f.provider_incident), errors.UPSTREAM_KNOWN_ISSUE),
    Rule(
        "legacy_closed",
        "provider",
        _when(lambda f: f.provider is Provider.LEGACY_CLOSED),
        errors.PLATFORM_NOT_CAPABLE,
    ),
    Rule(
        "consent_revoked",
        "consent",
        _when(lambda f: f.consent is Consent.REVOKED),
        errors.ACCOUNT_PERMISSION,
    ),
    Rule(
        "withdrawn_at_tesla",
        "permissions",
        _missing_for(MissingReason.WITHDRAWN_AT_TESLA),
        errors.ACCOUNT_PERMISSION,
    ),
    Rule(
        "sign_in_needed",
        "consent",
        _when(lambda f: f.consent is Consent.SIGN_IN_NEEDED),
        errors.AUTHENTICATION_FAILED,
    ),
    Rule("vehicle_missing", "provider", _when(lambda f: f.vehicle_missing), errors.VEHICLE_MISSING),
    Rule("legacy_cannot_sign", "provider", _legacy_cannot_sign, errors.PLATFORM_NOT_CAPABLE),
    Rule("key_absent", "key", _key_absent, errors.VIRTUAL_KEY_REQUIRED),
    Rule("driver_only", "key", _driver_only, error=None, counts=False),
    Rule(
        "remote_access_disabled",
        "provider",
        _when(lambda f: f.remote_access_disabled),
        errors.REMOTE_ACCESS_DISABLED,
    ),
    Rule(
        "in_service",
        "provider",
        _when(lambda f: f.in_service, among=NEEDS_KEY),
        errors.VEHICLE_OFFLINE_FOR_SERVICE,
        counts=False,
    ),
    Rule(
        "asleep",
        "provider",
        _when(lambda f: f.asleep, among=LIVE_READS),
        errors.ASLEEP,
        counts=False,
        silent=True,
    ),
)
"""Every fault, in the order in which a call meets it."""
LACKING: Final = ("not_granted_at_tesla", "withdrawn_at_tesla", "consent_revoked")
"""Faults by which Tesla does not give what the application was to have."""
