"""The way out of each fault: who does what next, in plain words, with the name of the link that leads there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vehicles.diagnosis.action_rows import (
    PERSON,
    Action,
    ActionRow,
    is_driver,
    makes_room,
    owner_adds_key,
    owner_must_connect,
    pairs,
)
from vehicles.diagnosis.states import Actor, Consent, Facts
from vehicles.translatable import gettext_noop

_KEY_TEXT: Final = gettext_noop(
    "Open the link on the phone that unlocks this car, with the Tesla app signed in to the account you connected, and "
    "approve the key. You do not have to be near the car."
)
_OWNER_TEXT: Final = gettext_noop(
    "Open the link on the phone that unlocks this car, sign in with the Tesla account that owns it, and add "
    "the key on the last page."
)
_ASK_TEXT: Final = gettext_noop("Only the owner of the car can do the next step. Send them the link below.")

_TELL_OWNER: Final = ActionRow(
    Actor.DRIVER,
    "ask_owner",
    gettext_noop("Only the owner of the car can do the next step. Please tell them."),
    at_the_car=True,
    when=is_driver,
)
_GET_THE_KEY_ON: Final = (
    ActionRow(Actor.DRIVER, "ask_owner", _ASK_TEXT, "owner", at_the_car=True, when=is_driver),
    ActionRow(
        Actor.OWNER,
        "remove_a_key",
        gettext_noop(
            "The car has 20 keys, which is the most it takes. In the car, open Controls, Locks and delete one you do "
            "not need."
        ),
        at_the_car=True,
        when=makes_room,
    ),
    ActionRow(PERSON, "add_key", _KEY_TEXT, "pairing", needs_phone_key=True, at_the_car=True, when=pairs),
    ActionRow(
        Actor.OWNER,
        "add_key",
        _OWNER_TEXT,
        "owner",
        needs_phone_key=True,
        at_the_car=True,
        when=owner_adds_key,
    ),
    ActionRow(
        Actor.OWNER,
        "connect_and_add_key",
        _OWNER_TEXT,
        "owner",
        needs_phone_key=True,
        at_the_car=True,
        when=owner_must_connect,
    ),
)

ACTIONS: Final[dict[str, tuple[ActionRow, ...]]] = {
    "not_requested": (
        ActionRow(
            Actor.APPLICATION,
            "ask_for_permission",
            gettext_noop(
                "Send the person through Connect again with this permission in the scope parameter."
            ),
            "documentation",
            at_the_car=True,
        ),
    ),
    "declined_in_connect": (
        ActionRow(
            PERSON,
            "connect_again",
            gettext_noop("Connect your car again and allow this on the last page."),
            "connect",
            at_the_car=True,
        ),
    ),
    "not_granted_at_tesla": (
        ActionRow(
            PERSON,
            "remove_access_at_tesla",
            gettext_noop(
                "Tesla keeps your earlier choice. Remove access first: in the Tesla app, tap your profile, Security "
                "and Privacy, Manage Third Party Apps; or sign in at tesla.com, Account Settings, Security, Third "
                "Party Apps, Manage. Then connect again."
            ),
            "third_party_apps",
            at_the_car=True,
            when=lambda f: f.consent is not Consent.REVOKED,
        ),
        ActionRow(
            PERSON,
            "connect_again",
            gettext_noop("Connect your car again and tick every box that the application needs."),
            "connect",
            at_the_car=True,
        ),
    ),
    "paused": (
        ActionRow(
            Actor.STAFF,
            "resume",
            gettext_noop("Requests are paused here. Resume them when the reason is gone."),
            "admin_pause",
        ),
    ),
    "operator_fault": (
        ActionRow(
            Actor.OPERATOR,
            "check_developer_account",
            gettext_noop(
                "Tesla refuses the operator's developer account. Check registration, payment and limits at "
                "developer.tesla.com."
            ),
        ),
    ),
    "provider_incident": (
        ActionRow(
            Actor.TESLA,
            "wait",
            gettext_noop("Tesla has a problem that affects many accounts. Nothing has to be done by owners."),
        ),
        ActionRow(
            Actor.STAFF,
            "release_brake",
            gettext_noop("Look at the incident and release it when Tesla answers normally."),
            "admin_incidents",
        ),
    ),
    "legacy_closed": (
        ActionRow(
            PERSON,
            "reconnect",
            gettext_noop("Tesla closed its older interface. Connect your car again to go on."),
            "reconnect_fleet",
        ),
    ),
    "consent_revoked": (
        ActionRow(
            PERSON,
            "connect_again",
            gettext_noop("Access was removed in the Tesla account. Connect your car again to go on."),
            "connect",
        ),
    ),
    "withdrawn_at_tesla": (
        ActionRow(
            PERSON,
            "connect_again",
            gettext_noop(
                "A permission was taken away in the Tesla account. Connect your car again and tick it."
            ),
            "connect",
            at_the_car=True,
        ),
    ),
    "sign_in_needed": (
        ActionRow(
            PERSON,
            "sign_in_again",
            gettext_noop("Sign in at Tesla again; your connection then goes on by itself."),
            "reauthenticate",
        ),
    ),
    "vehicle_missing": (
        ActionRow(
            PERSON,
            "check_vehicle_in_account",
            gettext_noop(
                "The car is no longer in the Tesla account. If it should be, add it in the Tesla app. If it was sold, "
                "disconnect it on the page behind the link."
            ),
            "own_page",
        ),
    ),
    "legacy_cannot_sign": (
        ActionRow(
            PERSON,
            "reconnect",
            gettext_noop(
                "This car takes commands only through Tesla's current interface. Connect your car again."
            ),
            "reconnect_fleet",
        ),
    ),
    "key_absent": _GET_THE_KEY_ON,
    "driver_only": _GET_THE_KEY_ON,
    "remote_access_disabled": (
        _TELL_OWNER,
        ActionRow(
            Actor.OWNER,
            "allow_mobile_access",
            gettext_noop("In the car, open Controls, Safety and switch on mobile access."),
            at_the_car=True,
        ),
    ),
    "in_service": (
        ActionRow(
            PERSON,
            "wait_for_service",
            gettext_noop("The car is in service. Commands work again afterwards."),
            at_the_car=True,
        ),
    ),
    "asleep": (
        ActionRow(
            Actor.APPLICATION,
            "retry_later",
            gettext_noop("The car is asleep and is not woken for reading. Try again later."),
        ),
    ),
}
"""What to do about each fault, in order, by whom."""

_NOBODY_ELSE_CAN_ACT: Final = ("provider_incident", "operator_fault")
"""While one of these holds, whatever a person did at Tesla would come to nothing, and what looks like a removal is
most likely none."""


def actions_for(facts: Facts, codes: Sequence[str]) -> tuple[Action, ...]:
    """What to do about these faults, in order, each once, and nothing that its actor cannot do as things stand."""
    told = [code for code in codes if code in _NOBODY_ELSE_CAN_ACT] or codes
    first: dict[tuple[Actor, str], Action] = {}
    for row in (row for code in told for row in ACTIONS[code] if row.fits(facts)):
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
