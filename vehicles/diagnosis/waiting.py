"""The one answer that needs no facts: a car that an application knew elsewhere and that nobody connected here yet."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from vehicles import errors
from vehicles.diagnosis.action_rows import Action
from vehicles.diagnosis.decision import Cause, Diagnosis
from vehicles.diagnosis.states import Actor, Facts, MissingReason, Observed, Verdict
from vehicles.translatable import gettext_noop

NOT_CONNECTED: Final = "not_connected"

_SEND_LINK: Final = Action(
    Actor.APPLICATION,
    "send_connect_link",
    gettext_noop(
        "Nobody has connected this car here yet. Send its person this link, which is theirs alone. Once they have "
        "connected, the car and the person have the ids that you know."
    ),
    "connect",
)


def not_connected(permissions: Iterable[str], since: datetime) -> Diagnosis:
    """The diagnosis of a reserved car: blocked until its person connects it. `permissions` are those they had given."""
    missing = dict.fromkeys(permissions, MissingReason.NOT_REQUESTED)
    return Diagnosis(
        verdict=Verdict.BLOCKED,
        causes=(Cause(NOT_CONNECTED, "consent", Observed("import", since)),),
        error=errors.PERMISSION,
        stopped_by=NOT_CONNECTED,
        actions=(_SEND_LINK,),
        facts=Facts(granted=frozenset(), missing=missing),
    )
