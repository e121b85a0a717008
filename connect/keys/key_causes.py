"""Why a key does not arrive: the usual causes with the next step for each, the likeliest first by what we know.

What the Tesla app says and what stands behind it is from Fleet API: virtual keys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from vehicles.facts import MOST_KEYS

CERTAIN: Final = 0
LIKELY: Final = 1
POSSIBLE: Final = 2
UNLIKELY: Final = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one wait for a key. None: not known.

    `keys` are on the car now, `cars` in the account. `went_to` names another of them that got the key during this wait;
    `paired_before` tells that another one carries it already.
    """

    cars: int = 1
    keys: int | None = None
    went_to: str = ""
    paired_before: bool = False
    offline: bool | None = None
    in_service: bool = False
    remote_access_disabled: bool = False


@dataclass(frozen=True, slots=True)
class PairingCause:
    """One possible reason. `app_says` is what the Tesla app shows then, `step` what to do next.

    Texts may hold `%(car)s`, `%(account)s`, `%(went_to)s` and `%(operator)s`. `likelihood` is None where the evidence
    rules the cause out.
    """

    code: str
    title: str | Promise
    step: str | Promise
    likelihood: Callable[[Evidence], int | None]
    app_says: str | Promise = ""


def _if(holds: bool, so: int, otherwise: int | None = None) -> int | None:
    return so if holds else otherwise


def _keys_full(evidence: Evidence) -> int | None:
    return UNLIKELY if evidence.keys is None else _if(evidence.keys >= MOST_KEYS, CERTAIN)


def _offline(evidence: Evidence) -> int | None:
    return POSSIBLE if evidence.offline is None else _if(evidence.offline, CERTAIN)


CAUSES: Final = (
    PairingCause(
        "keys_full",
        _("The car holds 20 keys already"),
        _(
            "In the car, open Controls, Locks and delete a key that nobody uses. Then open the link once more."
        ),
        _keys_full,
    ),
    PairingCause(
        "remote_access_disabled",
        _("Mobile access is switched off in the car"),
        _(
            "In the car, open Controls, Safety and switch on Allow Mobile Access. Then open the link once more."
        ),
        lambda evidence: _if(evidence.remote_access_disabled, CERTAIN),
    ),
    PairingCause(
        "went_to_another_car",
        _("The key went to another car"),
        _(
            "%(went_to)s got it, because it was selected in the Tesla app. That does no harm: its own key is done. "
            "Select %(car)s in the app, then open the link once more."
        ),
        lambda evidence: _if(bool(evidence.went_to), CERTAIN),
    ),
    PairingCause(
        "offline",
        _("The car has no connection"),
        _(
            "Open %(car)s in the Tesla app and wait until it shows up there. In an underground car park it may have to "
            "be moved first. Then open the link once more."
        ),
        _offline,
    ),
    PairingCause(
        "in_service",
        _("The car is in service"),
        _("Tesla's workshop may hold it back. Add the key when the car is with you again."),
        lambda evidence: _if(evidence.in_service, LIKELY),
    ),
    PairingCause(
        "other_account",
        _("The Tesla app is signed in as somebody else"),
        _("In the app, sign out and sign in as %(account)s. Then open the link once more."),
        lambda evidence: UNLIKELY if evidence.paired_before else LIKELY,
        _("The account has not granted third-party app access."),
    ),
    PairingCause(
        "wrong_car",
        _("Another car was selected in the app"),
        _(
            "The app adds the key to the car that it shows. Select %(car)s there, then open the link once more."
        ),
        lambda evidence: _if(evidence.cars > 1, POSSIBLE),
    ),
    PairingCause(
        "no_phone_key",
        _("The phone is not a key of this car"),
        _(
            "Use the phone that unlocks it. Or sit in the car with yours: in the Tesla app open Security, Set Up Phone "
            "Key. Then open the link once more."
        ),
        lambda evidence: POSSIBLE,
    ),
    PairingCause(
        "app_too_old",
        _("The Tesla app is too old"),
        _("It must be 4.27.3 or newer. Update it, then open the link once more."),
        lambda evidence: _if(not evidence.paired_before, POSSIBLE),
    ),
    PairingCause(
        "not_the_owner",
        _("The car belongs to somebody else, or it is leased"),
        _("Only the owner can add the key. Below, under “I am not the owner”, is a link for them."),
        lambda evidence: UNLIKELY,
        _("Unable to share vehicle."),
    ),
    PairingCause(
        "not_registered",
        _("Something is wrong on our side"),
        _("You can do nothing about it. Please tell the support of %(operator)s."),
        lambda evidence: _if(not evidence.paired_before, UNLIKELY),
        _("The application has not registered with Tesla."),
    ),
)
"""In the order in which they stand where the evidence speaks for none."""


def likely(evidence: Evidence) -> list[PairingCause]:
    """The causes that can be, the likeliest first; only what is certain, where something is."""
    ranks = {cause.code: cause.likelihood(evidence) for cause in CAUSES}
    certain = [cause for cause in CAUSES if ranks[cause.code] == CERTAIN]
    return certain or [
        cause for rank in (LIKELY, POSSIBLE, UNLIKELY) for cause in CAUSES if ranks[cause.code] == rank
    ]
