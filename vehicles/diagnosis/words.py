"""What the decision says in plain words: every cause for everyone who may ask, and the name of every state.

The one table of these sentences. They are marked for translation here and translated where they are shown, since the
decision knows no framework.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vehicles.diagnosis.states import (
    Actor,
    Consent,
    Key,
    KeyReason,
    MissingReason,
    Provider,
    Verdict,
)
from vehicles.translatable import gettext_noop


@dataclass(frozen=True, slots=True)
class CauseWords:
    """A cause as a short name, and as one sentence to staff, to the account's person, and to the application."""

    name: str
    staff: str
    person: str
    application: str


CAUSES: Final[dict[str, CauseWords]] = {
    "not_connected": CauseWords(
        gettext_noop("Not connected yet"),
        gettext_noop("The application knew this car elsewhere, and nobody has connected it here yet."),
        gettext_noop("This car is not connected here yet."),
        gettext_noop("Nobody has connected this vehicle here yet."),
    ),
    "not_requested": CauseWords(
        gettext_noop("Not requested"),
        gettext_noop("The application never asked for this permission."),
        gettext_noop("The application has not asked you for this."),
        gettext_noop("This permission was not in the scope when the person connected."),
    ),
    "declined_in_connect": CauseWords(
        gettext_noop("Declined in Connect"),
        gettext_noop("The person unticked this on our permission page."),
        gettext_noop("You chose not to allow this when you connected your car."),
        gettext_noop("The person chose not to allow this when they connected."),
    ),
    "not_granted_at_tesla": CauseWords(
        gettext_noop("Not granted at Tesla"),
        gettext_noop("The application asked for more than the person ticked on Tesla's page."),
        gettext_noop("On Tesla's page, a box was not ticked that the application needs."),
        gettext_noop("The person did not tick everything on Tesla's page that you asked for."),
    ),
    "withdrawn_at_tesla": CauseWords(
        gettext_noop("Withdrawn at Tesla"),
        gettext_noop("The person took permissions away in their Tesla account after approving them here."),
        gettext_noop("A permission that you had given was taken away in your Tesla account."),
        gettext_noop("The person took a permission away in their Tesla account."),
    ),
    "paused": CauseWords(
        gettext_noop("Paused here"),
        gettext_noop("Staff paused requests for this car or this application."),
        gettext_noop("Requests to your car are paused here for the moment."),
        gettext_noop("The operator paused requests for this vehicle or for your application."),
    ),
    "operator_fault": CauseWords(
        gettext_noop("Operator account"),
        gettext_noop("Tesla refuses the operator's own developer account."),
        gettext_noop("There is a problem between us and Tesla. It is not your fault."),
        gettext_noop("Tesla refuses the operator's developer account. It affects every vehicle."),
    ),
    "provider_incident": CauseWords(
        gettext_noop("Incident at Tesla"),
        gettext_noop("Many accounts failed at once, so no owner is told anything until staff release it."),
        gettext_noop("Tesla has a problem that affects many accounts. You do not have to do anything."),
        gettext_noop("Tesla has a problem that affects many accounts at once."),
    ),
    "legacy_closed": CauseWords(
        gettext_noop("Legacy interface closed"),
        gettext_noop("This connection uses an interface that Tesla has closed."),
        gettext_noop("Your car is connected through an interface that Tesla has closed."),
        gettext_noop("This vehicle is connected through an interface that Tesla has closed."),
    ),
    "consent_revoked": CauseWords(
        gettext_noop("Access removed at Tesla"),
        gettext_noop("The person removed our access in their Tesla account."),
        gettext_noop("Access was removed in your Tesla account."),
        gettext_noop("The person removed access in their Tesla account."),
    ),
    "sign_in_needed": CauseWords(
        gettext_noop("Sign-in needed"),
        gettext_noop("The login at Tesla ran out or the password changed. Nobody took anything away."),
        gettext_noop("Your login at Tesla ran out, for example because the password changed."),
        gettext_noop("The person's login at Tesla ran out, for example because the password changed."),
    ),
    "vehicle_missing": CauseWords(
        gettext_noop("Not in the account"),
        gettext_noop("Tesla no longer lists this car in the person's account."),
        gettext_noop("This car is no longer in your Tesla account."),
        gettext_noop("Tesla no longer lists this vehicle in the person's account."),
    ),
    "legacy_cannot_sign": CauseWords(
        gettext_noop("Legacy cannot command"),
        gettext_noop(
            "This car takes only signed commands, and the connection uses the legacy interface, which cannot sign."
        ),
        gettext_noop(
            "Your car is connected through Tesla's older interface, which can read but not command it."
        ),
        gettext_noop("This vehicle takes only signed commands, which its connection cannot send."),
    ),
    "key_absent": CauseWords(
        gettext_noop("Key missing"),
        gettext_noop("The virtual key is not on this car, so it refuses commands. Reading works."),
        gettext_noop("Your car does not have the virtual key yet, so it takes no commands. Reading works."),
        gettext_noop("The virtual key is not on this vehicle, so it refuses commands. Reading works."),
    ),
    "driver_only": CauseWords(
        gettext_noop("Owner not connected"),
        gettext_noop("Only drivers connected this car, and they can neither see nor add the virtual key."),
        gettext_noop("You drive this car but do not own it. Only its owner can add the virtual key."),
        gettext_noop(
            "Only a driver connected this vehicle, so it may lack the virtual key that commands need."
        ),
    ),
    "remote_access_disabled": CauseWords(
        gettext_noop("Mobile access off"),
        gettext_noop("Mobile access is switched off in the car, so it answers nobody."),
        gettext_noop("Mobile access is switched off in your car, so it answers nobody."),
        gettext_noop("Mobile access is switched off in the vehicle."),
    ),
    "in_service": CauseWords(
        gettext_noop("In service"),
        gettext_noop("The car is in service and takes no commands until it is back."),
        gettext_noop("Your car is in service and takes no commands until it is back."),
        gettext_noop("The vehicle is in service and takes no commands until it is back."),
    ),
    "asleep": CauseWords(
        gettext_noop("Asleep"),
        gettext_noop("The car is asleep; it is not woken for reading."),
        gettext_noop("Your car is asleep. It answers again after it was opened or driven."),
        gettext_noop("The vehicle is asleep and is not woken for reading."),
    ),
}
"""Every cause that a diagnosis can name."""

VERDICTS: Final[dict[Verdict, tuple[str, str]]] = {
    Verdict.OK: (gettext_noop("Works"), gettext_noop("Everything that was approved works.")),
    Verdict.UNPROVEN: (
        gettext_noop("Unproven"),
        gettext_noop(
            "Nothing known is wrong, but whether the key that commands need is on the car was not seen, or the sources "
            "disagree. Commands are sent all the same, and the car's answer tells."
        ),
    ),
    Verdict.DEGRADED: (
        gettext_noop("Partly works"),
        gettext_noop("Some of what was approved does not work."),
    ),
    Verdict.BLOCKED: (gettext_noop("Blocked"), gettext_noop("Nothing that was approved works.")),
}
"""Each verdict as a name and as a sentence."""

ACTORS: Final[dict[Actor, str]] = {
    Actor.OWNER: gettext_noop("Owner"),
    Actor.DRIVER: gettext_noop("Driver"),
    Actor.APPLICATION: gettext_noop("Application"),
    Actor.STAFF: gettext_noop("Staff"),
    Actor.OPERATOR: gettext_noop("Operator"),
    Actor.TESLA: gettext_noop("Tesla"),
}

CONSENTS: Final[dict[Consent, str]] = {
    Consent.ACTIVE: gettext_noop("Active"),
    Consent.SUSPECTED: gettext_noop("In doubt"),
    Consent.REVOKED: gettext_noop("Removed at Tesla"),
    Consent.SIGN_IN_NEEDED: gettext_noop("Sign-in needed"),
    Consent.UNKNOWN: gettext_noop("Not known"),
}

KEYS: Final[dict[Key, str]] = {
    Key.PRESENT: gettext_noop("On the car"),
    Key.ABSENT: gettext_noop("Missing"),
    Key.NOT_REQUIRED: gettext_noop("Not needed"),
    Key.UNKNOWN: gettext_noop("Not known"),
    Key.CONFLICT: gettext_noop("Sources disagree"),
}

KEY_REASONS: Final[dict[KeyReason, str]] = {
    KeyReason.DRIVER_ONLY: gettext_noop("only a driver is connected"),
    KeyReason.NEVER_CHECKED: gettext_noop("never checked"),
    KeyReason.STALE: gettext_noop("checked too long ago"),
    KeyReason.LEGACY_ONLY: gettext_noop("only the legacy interface is connected"),
    KeyReason.PROVIDER_ERROR: gettext_noop("Tesla gave no answer"),
}

MISSING_REASONS: Final[dict[MissingReason, str]] = {
    MissingReason.NOT_GRANTED_AT_TESLA: gettext_noop("not ticked at Tesla"),
    MissingReason.WITHDRAWN_AT_TESLA: gettext_noop("taken away at Tesla"),
    MissingReason.DECLINED_IN_CONNECT: gettext_noop("declined on our permission page"),
    MissingReason.NOT_REQUESTED: gettext_noop("never asked for"),
}

PROVIDERS: Final[dict[Provider, str]] = {
    Provider.FLEET: gettext_noop("Fleet API"),
    Provider.LEGACY: gettext_noop("Legacy, must move"),
    Provider.LEGACY_CLOSED: gettext_noop("Legacy, closed"),
}
