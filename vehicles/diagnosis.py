"""The decision: may this application use this car now, and if not, why, whose turn is it, and what exactly do they do?

Pure: facts in, `Diagnosis` out. No database, no clock, no network; links are names (`LINKS`) that the edges turn into
addresses. API errors, Connect pages and staff screens all read the same answer, so a rule is changed in one place: the
tables `RULES` and `ACTIONS` below.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vehicles import errors
from vehicles.errors import ErrorSpec
from vehicles.permissions import PERMISSIONS


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
    OK = "ok"
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


AXES: Final = ("consent", "permissions", "key", "provider")


@dataclass(frozen=True, slots=True)
class Observed:
    """Where a value on an axis comes from: the observation's source, since when it holds, when it was last seen."""

    source: str = ""
    since: datetime | None = None
    observed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision depends on, for one grant of one application on one car.

    `granted` are the permissions the person approved; `missing` says for each permission that was asked for and does
    not work, why. A withdrawn permission stands in both.
    """

    granted: frozenset[str]
    missing: Mapping[str, MissingReason] = field(default_factory=dict)
    consent: Consent = Consent.UNKNOWN
    key: Key = Key.UNKNOWN
    key_reason: KeyReason | None = None
    provider: Provider = Provider.FLEET
    access: Access = Access.OWNER
    vehicle_missing: bool = False
    key_slots_full: bool = False
    remote_access_disabled: bool = False
    in_service: bool = False
    asleep: bool = False
    paused: bool = False
    operator_fault: bool = False
    provider_incident: bool = False
    observed: Mapping[str, Observed] = field(default_factory=dict)

    @property
    def person(self) -> Actor:
        return Actor.OWNER if self.access is Access.OWNER else Actor.DRIVER


NEEDS_KEY: Final = frozenset(name for name, row in PERMISSIONS.items() if row.needs_key)
FROM_STORE: Final = frozenset({"read_vin", "read_vehicle_info", "read_user_profile"})
"""Reads that are answered without asking the car, so a sleeping car does not stop them."""
LIVE_READS: Final = frozenset(name for name in PERMISSIONS if name.startswith("read_")) - FROM_STORE

Stopped = Callable[[Facts], frozenset[str]]


def _missing_for(reason: MissingReason) -> Stopped:
    return lambda facts: frozenset(name for name, why in facts.missing.items() if why is reason)


def _all_when(holds: Callable[[Facts], bool]) -> Stopped:
    return lambda facts: facts.granted if holds(facts) else frozenset()


def _commands_when(holds: Callable[[Facts], bool]) -> Stopped:
    return lambda facts: facts.granted & NEEDS_KEY if holds(facts) else frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """A fault: which permissions it stops, the error a call then gets, and whether it makes the verdict worse.

    `silent` rules speak only when the call asks for exactly the permission they stop: nobody has to repair a
    permission that the person chose not to give.
    """

    code: str
    axis: str
    stops: Stopped
    error: ErrorSpec
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
    Rule("paused", "provider", _all_when(lambda f: f.paused), errors.UPSTREAM_KNOWN_ISSUE),
    Rule("operator_fault", "provider", _all_when(lambda f: f.operator_fault), errors.UPSTREAM_KNOWN_ISSUE),
    Rule(
        "provider_incident", "provider", _all_when(lambda f: f.provider_incident), errors.UPSTREAM_KNOWN_ISSUE
    ),
    Rule(
        "legacy_closed",
        "provider",
        _all_when(lambda f: f.provider is Provider.LEGACY_CLOSED),
        errors.PLATFORM_NOT_CAPABLE,
    ),
    Rule(
        "consent_revoked",
        "consent",
        _all_when(lambda f: f.consent is Consent.REVOKED),
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
        _all_when(lambda f: f.consent is Consent.SIGN_IN_NEEDED),
        errors.AUTHENTICATION_FAILED,
    ),
    Rule("vehicle_missing", "provider", _all_when(lambda f: f.vehicle_missing), errors.VEHICLE_MISSING),
    Rule(
        "legacy_cannot_sign",
        "provider",
        _commands_when(lambda f: f.provider is Provider.LEGACY and f.key is not Key.NOT_REQUIRED),
        errors.PLATFORM_NOT_CAPABLE,
    ),
    Rule(
        "key_absent",
        "key",
        _commands_when(lambda f: f.key is Key.ABSENT and f.provider is Provider.FLEET),
        errors.VIRTUAL_KEY_REQUIRED,
    ),
    Rule(
        "remote_access_disabled",
        "provider",
        _all_when(lambda f: f.remote_access_disabled),
        errors.REMOTE_ACCESS_DISABLED,
    ),
    Rule(
        "in_service",
        "provider",
        _commands_when(lambda f: f.in_service),
        errors.VEHICLE_OFFLINE_FOR_SERVICE,
        counts=False,
    ),
    Rule(
        "asleep",
        "provider",
        lambda f: f.granted & LIVE_READS if f.asleep else frozenset(),
        errors.ASLEEP,
        counts=False,
    ),
)
"""Every fault, in the order in which a call meets it."""


@dataclass(frozen=True, slots=True)
class Action:
    """What one actor does next. `link` is a name from `LINKS` or empty; `text` is a plain sentence to that actor."""

    actor: Actor
    code: str
    text: str
    link: str = ""
    needs_phone_key: bool = False


LINKS: Final = (
    "connect",
    "reauthenticate",
    "reconnect_fleet",
    "pairing",
    "third_party_apps",
    "admin",
    "documentation",
)

PERSON: Final = "person"
"""Stands in `ACTIONS` for whoever holds the account: the owner or the driver."""

_KEY_TEXT: Final = (
    "Open the link on the phone that unlocks this car, with the Tesla app signed in to the account you connected, and "
    "approve the key. You do not have to be near the car."
)


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A row of `ACTIONS`; `when` leaves it out for facts that it does not fit."""

    actor: Actor | str
    code: str
    text: str
    link: str = ""
    needs_phone_key: bool = False
    when: Callable[[Facts], bool] = lambda facts: True


_REMOVE_ACCESS: Final = ActionRow(
    PERSON,
    "remove_access_at_tesla",
    "Tesla keeps your earlier choice. Remove access first: in the Tesla app, tap your profile, Security and Privacy, "
    "Manage Third Party Apps; or sign in at tesla.com, Account Settings, Security, Third Party Apps, "
    "Manage. Then connect again.",
    "third_party_apps",
)
_CONNECT_AGAIN: Final = ActionRow(
    PERSON,
    "connect_again",
    "Connect your car again and tick every box that the application needs.",
    "connect",
)

ACTIONS: Final[dict[str, tuple[ActionRow, ...]]] = {
    "not_requested": (
        ActionRow(
            Actor.APPLICATION,
            "ask_for_permission",
            "Send the person through Connect again with this permission in the scope parameter.",
            "documentation",
        ),
    ),
    "declined_in_connect": (
        ActionRow(
            PERSON, "connect_again", "Connect your car again and allow this on the last page.", "connect"
        ),
    ),
    "not_granted_at_tesla": (_REMOVE_ACCESS, _CONNECT_AGAIN),
    "paused": (
        ActionRow(
            Actor.STAFF, "resume", "Requests are paused here. Resume them when the reason is gone.", "admin"
        ),
    ),
    "operator_fault": (
        ActionRow(
            Actor.OPERATOR,
            "check_developer_account",
            "Tesla refuses the operator's developer account. Check registration, payment and limits at "
            "developer.tesla.com.",
        ),
    ),
    "provider_incident": (
        ActionRow(
            Actor.TESLA,
            "wait",
            "Tesla has a problem that affects many accounts. Nothing has to be done by owners.",
        ),
        ActionRow(
            Actor.STAFF,
            "release_brake",
            "Look at the incident and release it when Tesla answers normally.",
            "admin",
        ),
    ),
    "legacy_closed": (
        ActionRow(
            PERSON,
            "reconnect",
            "Tesla closed its older interface. Connect your car again to go on.",
            "reconnect_fleet",
        ),
    ),
    "consent_revoked": (
        ActionRow(
            PERSON,
            "connect_again",
            "Access was removed in the Tesla account. Connect your car again to go on.",
            "connect",
        ),
    ),
    "withdrawn_at_tesla": (
        ActionRow(
            PERSON,
            "connect_again",
            "A permission was taken away in the Tesla account. Connect your car again and tick it.",
            "connect",
        ),
    ),
    "sign_in_needed": (
        ActionRow(
            PERSON,
            "sign_in_again",
            "Sign in at Tesla again; your connection then goes on by itself.",
            "reauthenticate",
        ),
    ),
    "vehicle_missing": (
        ActionRow(
            PERSON,
            "check_vehicle_in_account",
            "The car is no longer in the Tesla account. If it should be, add it in the Tesla app; if it was "
            "sold, disconnect it.",
        ),
    ),
    "legacy_cannot_sign": (
        ActionRow(
            PERSON,
            "reconnect",
            "This car takes commands only through Tesla's current interface. Connect your car again.",
            "reconnect_fleet",
        ),
    ),
    "key_absent": (
        ActionRow(
            Actor.OWNER,
            "remove_a_key",
            "The car has 20 keys, which is the most it takes. In the car, open Controls, Locks and delete one "
            "you do not need.",
            when=lambda f: f.key_slots_full,
        ),
        ActionRow(
            Actor.DRIVER,
            "ask_owner",
            "Only the owner can add the key. Send the owner the link below.",
            "pairing",
            when=lambda f: f.access is Access.DRIVER,
        ),
        ActionRow(Actor.OWNER, "add_key", _KEY_TEXT, "pairing", needs_phone_key=True),
    ),
    "remote_access_disabled": (
        ActionRow(
            Actor.OWNER,
            "allow_mobile_access",
            "In the car, open Controls, Safety and switch on mobile access.",
        ),
    ),
    "in_service": (
        ActionRow(Actor.OWNER, "wait_for_service", "The car is in service. Commands work again afterwards."),
    ),
    "asleep": (
        ActionRow(
            Actor.APPLICATION,
            "retry_later",
            "The car is asleep and is not woken for reading. Try again later.",
        ),
    ),
}
"""What to do about each fault, in order, by whom."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A fault that holds, with the observation it rests on."""

    code: str
    axis: str
    observed: Observed


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer everyone gets. `error` is what a call gets now, None when it would go through."""

    verdict: Verdict
    causes: tuple[Cause, ...]
    error: ErrorSpec | None
    actions: tuple[Action, ...]
    axes: Mapping[str, Any]

    @property
    def main_cause(self) -> str:
        return self.causes[0].code if self.causes else ""

    @property
    def next_actor(self) -> str:
        return str(self.actions[0].actor) if self.actions else ""


def diagnose(facts: Facts, *, asked: str | None = None) -> Diagnosis:
    """Decide for a call that needs the permission `asked`, or, without one, for the worst of those granted."""
    found = [(rule, rule.stops(facts)) for rule in RULES]
    standing = [(rule, stopped) for rule, stopped in found if _speaks(rule, stopped, asked)]
    ungranted = asked is not None and asked not in facts.granted and asked not in facts.missing
    error = errors.PERMISSION if ungranted else _error(standing, facts.granted if asked is None else {asked})
    causes = [Cause(rule.code, rule.axis, facts.observed.get(rule.axis, Observed())) for rule, _ in standing]
    if ungranted:
        causes.insert(0, Cause("not_requested", "permissions", Observed()))
    return Diagnosis(
        verdict=_verdict(facts, standing),
        causes=tuple(causes),
        error=error,
        actions=_actions(facts, [cause.code for cause in causes]),
        axes=_axes(facts),
    )


def _speaks(rule: Rule, stopped: frozenset[str], asked: str | None) -> bool:
    return asked in stopped if rule.silent else bool(stopped)


def _error(standing: list[tuple[Rule, frozenset[str]]], wanted: Collection[str]) -> ErrorSpec | None:
    return next((rule.error for rule, stopped in standing if not stopped.isdisjoint(wanted)), None)


def _verdict(facts: Facts, standing: list[tuple[Rule, frozenset[str]]]) -> Verdict:
    stopped: frozenset[str] = frozenset().union(*(names for rule, names in standing if rule.counts))
    if not facts.granted or facts.granted <= stopped:
        return Verdict.BLOCKED
    return Verdict.DEGRADED if stopped else Verdict.OK


def _actions(facts: Facts, codes: list[str]) -> tuple[Action, ...]:
    # While an incident holds, owners are told nothing: what looks like a removal is most likely not one.
    if "provider_incident" in codes:
        codes = ["provider_incident"]
    rows = [row for code in codes for row in ACTIONS[code] if row.when(facts)]
    actions = [
        Action(
            actor=facts.person if row.actor == PERSON else Actor(row.actor),
            code=row.code,
            text=row.text,
            link=row.link,
            needs_phone_key=row.needs_phone_key,
        )
        for row in rows
    ]
    first: dict[tuple[Actor, str], Action] = {}
    for action in actions:
        first.setdefault((action.actor, action.code), action)
    return tuple(first.values())


def _axes(facts: Facts) -> dict[str, Any]:
    return {
        "consent": {"value": str(facts.consent)},
        "permissions": {
            "granted": sorted(facts.granted),
            "missing": [
                {"permission": name, "reason": str(why)} for name, why in sorted(facts.missing.items())
            ],
        },
        "key": {"value": str(facts.key), "reason": str(facts.key_reason) if facts.key_reason else None},
        "provider": {
            "value": str(facts.provider),
            "accessType": str(facts.access),
            "vehicleMissing": facts.vehicle_missing,
            "keySlotsFull": facts.key_slots_full,
            "remoteAccessDisabled": facts.remote_access_disabled,
            "inService": facts.in_service,
            "asleep": facts.asleep,
            "paused": facts.paused,
        },
    }
