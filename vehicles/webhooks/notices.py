"""What applications are told: which entry of history becomes which event, and what it says.

One row for each kind of entry in `TABLE`. What an event says are facts of ours: states, sources, names of permissions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from vehicles.diagnosis import Consent, Key
from vehicles.history import Kind
from vehicles.models import Event
from vehicles.permissions import covered_by


class Name(StrEnum):
    """The events, as applications know them."""

    KEY_ADDED = "virtual_key.added"
    KEY_REMOVED = "virtual_key.removed"
    KEY_UNKNOWN = "virtual_key.unknown"
    GRANTED = "permission.granted"
    REDUCED = "permission.reduced"
    REVOKED = "permission.revoked"
    MIGRATED = "vehicle.migrated"
    RESTORED = "access.restored"


class About(StrEnum):
    """Whose entry it is: of a car, told to all who hold it; of a grant, to its application; of a Tesla account, to the
    applications that hold a grant of it.
    """

    VEHICLE = "vehicle"
    GRANT = "grant"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event to be told, and its facts."""

    name: Name
    data: Mapping[str, Any]


Tell = Callable[[Event, Sequence[str]], list[Notice]]
"""The notices of an entry, for somebody who holds a grant over these permissions."""


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of entry is told."""

    about: About
    tell: Tell


_KEY: Final = {
    Key.PRESENT: Name.KEY_ADDED,
    Key.ABSENT: Name.KEY_REMOVED,
    Key.UNKNOWN: Name.KEY_UNKNOWN,
    Key.CONFLICT: Name.KEY_UNKNOWN,
}
_BROKEN: Final = (Consent.REVOKED, Consent.SIGN_IN_NEEDED)


def _key(event: Event, granted: Sequence[str]) -> list[Notice]:
    before, after = _KEY.get(event.data["before"]), _KEY.get(event.data["after"])
    if after is None or after == before:
        return []
    facts = {name: event.data.get(name, "") for name in ("before", "after", "reason", "source")}
    return [Notice(after, facts)]


def _given(event: Event, granted: Sequence[str]) -> list[Notice]:
    lacking = event.data.get("not_granted", [])
    names = [name for name in event.data["approved"] if name not in lacking]
    return [Notice(Name.GRANTED, {"permissions": names, "integration": event.data.get("integration", "")})]


def _covered(event: Event, granted: Sequence[str]) -> list[Notice]:
    names = [name for name in event.data["before"] if name not in event.data["after"]]
    return [Notice(Name.GRANTED, {"permissions": names})]


def _moved(event: Event, granted: Sequence[str]) -> list[Notice]:
    facts = {"before": event.data["before"], "after": event.data["after"]}
    return [Notice(Name.MIGRATED, facts | {"notGranted": event.data.get("not_granted", [])})]


def _taken_back(event: Event, granted: Sequence[str]) -> list[Notice]:
    by = event.actor.partition(":")[0]
    return [Notice(Name.REVOKED, {"by": by})]


def _scopes(event: Event, granted: Sequence[str]) -> list[Notice]:
    before = covered_by(granted, event.data["before"])
    after = covered_by(granted, event.data["after"])
    lost = [name for name in before if name not in after]
    won = [name for name in after if name not in before]
    told = ((Name.REDUCED, lost), (Name.GRANTED, won))
    return [Notice(name, {"permissions": names}) for name, names in told if names]


def _consent(event: Event, granted: Sequence[str]) -> list[Notice]:
    before, after = event.data["before"], event.data["after"]
    facts = {"before": before, "after": after, "source": event.data.get("source", "")}
    if after == Consent.REVOKED:
        return [Notice(Name.REVOKED, {"by": "person", **facts})]
    if after == Consent.ACTIVE and before in _BROKEN:
        return [Notice(Name.RESTORED, facts)]
    return []


TABLE: Final[Mapping[str, Row]] = {
    Kind.KEY_CHANGED: Row(About.VEHICLE, _key),
    Kind.GRANT_GIVEN: Row(About.GRANT, _given),
    Kind.GRANT_COVERED: Row(About.GRANT, _covered),
    Kind.GRANT_MOVED: Row(About.GRANT, _moved),
    Kind.GRANT_REVOKED: Row(About.GRANT, _taken_back),
    Kind.SCOPES_CHANGED: Row(About.ACCOUNT, _scopes),
    Kind.CONSENT_CHANGED: Row(About.ACCOUNT, _consent),
}
