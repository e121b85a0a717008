"""The way out of each fault: who does what next, in plain words, with the name of the link that leads there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from vehicles.diagnosis.states import Access, Actor, Facts


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


def actions_for(facts: Facts, codes: Sequence[str]) -> tuple[Action, ...]:
    """What to do about these faults, in order, each once.

    While an incident holds, owners are told nothing: what looks like a removal is most likely not one.
    """
    told = ["provider_incident"] if "provider_incident" in codes else codes
    first: dict[tuple[Actor, str], Action] = {}
    for row in (row for code in told for row in ACTIONS[code] if row.when(facts)):
        action = _action(row, facts)
        first.setdefault((action.actor, action.code), action)
    return tuple(first.values())


def _action(row: ActionRow, facts: Facts) -> Action:
    return Action(
        actor=facts.person if row.actor == PERSON else Actor(row.actor),
        code=row.code,
        text=row.text,
        link=row.link,
        needs_phone_key=row.needs_phone_key,
    )
