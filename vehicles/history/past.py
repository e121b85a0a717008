"""The past: how a car, an account or a grant stood at any time, read back from the events that tell of it.

A state is what the subject's events make of its beginning, each in turn. What an event changes is a row of `_CHANGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any, Final

from django.db.models import Q

from vehicles.diagnosis import Consent, Key, KeyReason
from vehicles.history.kinds import Kind
from vehicles.models import Event, Integration, TeslaAccount, Vehicle, VehicleGrant

Subject = TeslaAccount | Vehicle | VehicleGrant
State = dict[str, Any]
Change = Callable[[Event], State]

_BEGINNINGS: Final[dict[type[Any], State]] = {
    TeslaAccount: {"consent": str(Consent.UNKNOWN), "granted_scopes": [], "legacy_login": "works"},
    Vehicle: {
        "key": str(Key.UNKNOWN),
        "key_reason": str(KeyReason.NEVER_CHECKED),
        "protocol_required": None,
        "key_slots_full": False,
        "in_service": False,
        "remote_access_disabled": False,
        "paused": False,
        "accesses": {},
    },
    VehicleGrant: {
        "requested": [],
        "approved": [],
        "declined": [],
        "not_granted": [],
        "integration": str(Integration.FLEET),
        "stands": False,
    },
}
"""How each kind of row begins, before anything is told of it."""


def _access(*, is_missing: bool) -> Change:
    def change(event: Event) -> State:
        relation = {"access_type": event.data["access_type"], "missing": is_missing}
        return {"accesses": {str(event.account_id): relation}}

    return change


def _given(event: Event) -> State:
    names = ("requested", "approved", "declined", "integration")
    told = {name: event.data[name] for name in names if name in event.data}
    return told | {"not_granted": event.data.get("not_granted", []), "stands": True}


def _moved(event: Event) -> State:
    """An earlier version narrowed what was approved; now it stays, and what Tesla lacks is told beside it."""
    told = {name: event.data[name] for name in ("approved", "not_granted") if name in event.data}
    return told | {"integration": event.data["after"]}


_CHANGES: Final[dict[type[Any], Mapping[Kind, Change]]] = {
    TeslaAccount: {
        Kind.CONSENT_CHANGED: lambda event: {"consent": event.data["after"]},
        Kind.SCOPES_CHANGED: lambda event: {"granted_scopes": event.data["after"]},
        Kind.LEGACY_LOGIN_CHANGED: lambda event: {"legacy_login": event.data["after"]},
    },
    Vehicle: {
        Kind.KEY_CHANGED: lambda event: {"key": event.data["after"], "key_reason": event.data["reason"]},
        Kind.VEHICLE_CHANGED: lambda event: dict(event.data["after"]),
        Kind.VEHICLE_APPEARED: _access(is_missing=False),
        Kind.ACCESS_CHANGED: _access(is_missing=False),
        Kind.VEHICLE_DISAPPEARED: _access(is_missing=True),
    },
    VehicleGrant: {
        Kind.GRANT_GIVEN: _given,
        Kind.GRANT_MOVED: _moved,
        Kind.GRANT_COVERED: lambda event: {"not_granted": event.data["after"]},
        Kind.GRANT_REVOKED: lambda event: {"stands": False},
    },
}
"""What each event changes of its subject."""

_ABOUT: Final[dict[type[Any], str]] = {
    TeslaAccount: "account_id",
    Vehicle: "vehicle_id",
    VehicleGrant: "grant_id",
}


def as_of(subject: Subject, at: datetime) -> State:
    """How the subject stood at this time: of an account its consent, of a car its key, condition and accounts, of a
    grant what was approved and whether it stood. Before its first event it is as every such row begins.
    """
    model = type(subject)
    changes = _CHANGES[model]
    told = Event.objects.filter(Q(**{_ABOUT[model]: subject.pk}), kind__in=changes, at__lte=at)
    state = deepcopy(_BEGINNINGS[model])
    for event in told.order_by("pk"):
        _merge(state, changes[Kind(event.kind)](event))
    return state


def _merge(state: State, change: State) -> None:
    for name, value in change.items():
        if isinstance(state[name], dict):
            state[name].update(value)
        else:
            state[name] = value
