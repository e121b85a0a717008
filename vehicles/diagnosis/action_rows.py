"""What a way out is made of: the action, the row of the table it comes from, and for which facts a row fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from vehicles.diagnosis.states import Access, Actor, Consent, Facts


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
    "owner",
    "third_party_apps",
    "own_page",
    "admin_pause",
    "admin_incidents",
    "documentation",
)

PERSON: Final = "person"
"""Stands in `ACTIONS` for whoever holds the account: the owner or the driver."""

MAY_ADD_KEYS: Final = frozenset({Access.OWNER})
"""Who Tesla lets add a key to a car, in the Tesla app (Fleet API: virtual keys)."""


@dataclass(frozen=True, slots=True)
class ActionRow:
    """A row of `ACTIONS`; `when` leaves it out for facts that it does not fit.

    What is done `at_the_car`, or for it in Connect, is left out where the car is not in the account: nobody there can
    reach it.
    """

    actor: Actor | str
    code: str
    text: str
    link: str = ""
    needs_phone_key: bool = False
    at_the_car: bool = False
    when: Callable[[Facts], bool] = lambda facts: True

    def fits(self, facts: Facts) -> bool:
        """Whether the actor can do this as things stand."""
        # With nothing granted, nobody is told that the car is missing, so the step that is left has to stand.
        is_out_of_reach = self.at_the_car and facts.vehicle_missing and bool(facts.granted)
        return self.when(facts) and not is_out_of_reach


def pairs(facts: Facts) -> bool:
    """Whether Tesla's own page lets the account's person add the key: it refuses drivers, and who has not consented.

    Who has to connect again is led to the key from there.
    """
    return adds_key(facts) and facts.consent is not Consent.REVOKED


def makes_room(facts: Facts) -> bool:
    """Whether a key has to go before ours can be added, by somebody who can add it then."""
    return facts.key_slots_full and (pairs(facts) or not adds_key(facts))


def is_driver(facts: Facts) -> bool:
    """Whether the account's person drives the car and does not own it."""
    return facts.access is Access.DRIVER


def adds_key(facts: Facts) -> bool:
    """Whether the account's person may add the key. An account whose relation is not known is taken for the owner's."""
    return facts.access is None or facts.access in MAY_ADD_KEYS


def owner_adds_key(facts: Facts) -> bool:
    """Whether only an owner may add the key, and one is connected here."""
    return not adds_key(facts) and facts.owner_connected


def owner_must_connect(facts: Facts) -> bool:
    """Whether only an owner may add the key, and none is connected here."""
    return not adds_key(facts) and not facts.owner_connected
