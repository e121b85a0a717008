"""The decision itself: the rules applied to the facts of one grant."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from vehicles import errors
from vehicles.diagnosis.action_rows import Action
from vehicles.diagnosis.actions import actions_for
from vehicles.diagnosis.rules import LACKING, RULES, Rule, travel_signed
from vehicles.diagnosis.states import Facts, Key, Observed, Verdict
from vehicles.errors import ErrorSpec

NOT_REQUESTED: Final = "not_requested"


@dataclass(frozen=True, slots=True)
class Cause:
    """A fault that holds, with the observation it rests on."""

    code: str
    axis: str
    observed: Observed


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The answer everyone gets.

    `error` is what a call gets now, None when it would go through; `stopped_by` the code of the cause behind it, empty
    without one.
    """

    verdict: Verdict
    causes: tuple[Cause, ...]
    error: ErrorSpec | None
    stopped_by: str
    actions: tuple[Action, ...]
    facts: Facts

    @property
    def main_cause(self) -> str:
        return self.causes[0].code if self.causes else ""

    @property
    def lacks_permissions(self) -> bool:
        """Whether Tesla does not give what the application was to have, whatever else holds it up first."""
        return any(cause.code in LACKING for cause in self.causes)

    @property
    def axes(self) -> dict[str, Any]:
        """The four axes as plain values, each with the observation that it rests on."""
        return _axes(self.facts)

    @property
    def next_actor(self) -> str:
        return str(self.actions[0].actor) if self.actions else ""


def diagnose(facts: Facts, *, asked: str | None = None) -> Diagnosis:
    """Decide for a call that needs the permission `asked`, or, without one, for the worst of those granted."""
    found = [(rule, rule.stops(facts)) for rule in RULES]
    applicable = [(rule, stopped) for rule, stopped in found if _applies(rule, stopped, asked)]
    ungranted = asked is not None and asked not in facts.granted and asked not in facts.missing
    error, stopped_by = _error(applicable, facts.granted if asked is None else {asked})
    if ungranted:
        error, stopped_by = errors.PERMISSION, NOT_REQUESTED
    causes = [Cause(rule.code, rule.axis, _observation(facts, rule, stopped)) for rule, stopped in applicable]
    if ungranted:
        causes.insert(0, Cause(NOT_REQUESTED, "permissions", Observed()))
    return Diagnosis(
        verdict=_verdict(facts, applicable),
        causes=tuple(causes),
        error=error,
        stopped_by=stopped_by,
        actions=actions_for(facts, [cause.code for cause in causes]),
        facts=facts,
    )


def _applies(rule: Rule, stopped: frozenset[str], asked: str | None) -> bool:
    return asked in stopped if rule.silent else bool(stopped)


def _error(
    applicable: list[tuple[Rule, frozenset[str]]], wanted: Collection[str]
) -> tuple[ErrorSpec | None, str]:
    """The error that such a call meets first, with the code of its cause."""
    hit = (
        (rule.error, rule.code)
        for rule, stopped in applicable
        if rule.error and not stopped.isdisjoint(wanted)
    )
    return next(hit, (None, ""))


def _observation(facts: Facts, rule: Rule, stopped: frozenset[str]) -> Observed:
    """What the cause rests on. Of several missing permissions the first that went missing tells since when."""
    each = [facts.missing_observed[name] for name in sorted(stopped) if name in facts.missing_observed]
    if rule.axis != "permissions" or not each:
        return facts.observation(rule.code, rule.axis)
    first = min((seen.since for seen in each if seen.since), default=None)
    return next(seen for seen in each if seen.since == first)


def _verdict(facts: Facts, applicable: list[tuple[Rule, frozenset[str]]]) -> Verdict:
    stopped: frozenset[str] = frozenset().union(*(names for rule, names in applicable if rule.counts))
    if not facts.granted or facts.granted <= stopped:
        return Verdict.BLOCKED
    if stopped:
        return Verdict.DEGRADED
    is_unseen = facts.key in (Key.UNKNOWN, Key.CONFLICT)
    return Verdict.UNPROVEN if is_unseen and travel_signed(facts) else Verdict.OK


def _axes(facts: Facts) -> dict[str, Any]:
    seen = {axis: facts.observation("", axis).as_json() for axis in AXES}
    return {
        "consent": {"value": str(facts.consent), **seen["consent"]},
        "permissions": {
            "granted": sorted(facts.granted),
            "missing": [_missing(facts, name) for name in sorted(facts.missing)],
            **seen["permissions"],
        },
        "key": {
            "value": str(facts.key),
            "reason": str(facts.key_reason) if facts.key_reason else None,
            **seen["key"],
        },
        "provider": {
            "value": str(facts.provider),
            "region": facts.region or None,
            "accessType": str(facts.access) if facts.access else None,
            "protocolRequired": facts.protocol_required,
            **{name: getattr(facts, fact) for name, fact in _FLAGS.items()},
            **seen["provider"],
        },
    }


def _missing(facts: Facts, name: str) -> dict[str, Any]:
    seen = facts.missing_observed.get(name, Observed())
    return {"permission": name, "reason": str(facts.missing[name]), **seen.as_json()}


AXES: Final = ("consent", "permissions", "key", "provider")
_FLAGS: Final = {
    "vehicleMissing": "vehicle_missing",
    "keySlotsFull": "key_slots_full",
    "remoteAccessDisabled": "remote_access_disabled",
    "inService": "in_service",
    "asleep": "asleep",
    "paused": "paused",
    "ownerConnected": "owner_connected",
}
"""What else is known of the provider axis: name in JSON, fact."""
