"""The decision itself: the rules applied to the facts of one grant."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from vehicles import errors
from vehicles.diagnosis.actions import Action, actions_for
from vehicles.diagnosis.rules import RULES, Rule
from vehicles.diagnosis.states import Facts, Observed, Verdict
from vehicles.errors import ErrorSpec


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
        actions=actions_for(facts, [cause.code for cause in causes]),
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
