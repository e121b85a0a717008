"""What states, causes, actors and sources are called on staff screens, and the colour of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from django.utils.translation import gettext_lazy

from connect.models import Step
from vehicles.diagnosis import Consent, Key, Provider, Verdict, words
from vehicles.facts import sources
from vehicles.models import Integration, LoginEnd, Mode, Outcome

SUCCESS: Final = "success"
WARNING: Final = "warning"
DANGER: Final = "danger"
NEUTRAL: Final = "neutral"


@dataclass(frozen=True, slots=True)
class Wording:
    """A short name for lists and filters, a colour, and a plain sentence for detail pages."""

    name: str
    colour: str = NEUTRAL
    sentence: str = ""


def _(text: str) -> str:
    """The text in the language of whoever looks at the page; it behaves as a string wherever it is shown."""
    return cast("str", gettext_lazy(text))


def _coloured(names: Mapping[Any, str], colours: Mapping[Any, str]) -> dict[str, Wording]:
    return {str(value): Wording(_(name), colours.get(value, NEUTRAL)) for value, name in names.items()}


def _translated(names: Mapping[Any, str]) -> dict[str, str]:
    return {str(value): _(name) for value, name in names.items()}


_VERDICT_COLOURS: Final = {
    Verdict.OK: SUCCESS,
    Verdict.UNPROVEN: NEUTRAL,
    Verdict.DEGRADED: WARNING,
    Verdict.BLOCKED: DANGER,
}
VERDICTS: Final[dict[str, Wording]] = {
    verdict: Wording(_(name), _VERDICT_COLOURS[verdict], _(sentence))
    for verdict, (name, sentence) in words.VERDICTS.items()
}

_CAUSE_COLOURS: Final = {
    "declined_in_connect": NEUTRAL,
    "not_requested": NEUTRAL,
    "asleep": NEUTRAL,
    "paused": WARNING,
    "provider_incident": WARNING,
    "legacy_cannot_sign": WARNING,
    "driver_only": WARNING,
    "in_service": WARNING,
}
CAUSES: Final[dict[str, Wording]] = {
    code: Wording(_(told.name), _CAUSE_COLOURS.get(code, DANGER), _(told.staff))
    for code, told in words.CAUSES.items()
}

RESERVATIONS: Final[dict[str, Wording]] = {
    "waiting": Wording(
        "Waiting",
        WARNING,
        "When the car's owner connects to this application, they get both ids.",
    ),
    "shared": Wording(
        "Needs proof",
        WARNING,
        "Several users have this car. The user id is given only to whom Tesla names with the same e-mail address, or "
        "who came through the link below.",
    ),
    "taken": Wording(
        "User is here",
        NEUTRAL,
        "A person with this user id connected another car. Only they can bring this row to its end.",
    ),
    "car_connected": Wording(
        "Car is here",
        DANGER,
        "The car is connected to this application, but by nobody who was recognised as this user. If nobody is "
        "missing, delete this row.",
    ),
}
"""What can be said of a reservation; the last that holds is shown."""

ACTORS: Final = _coloured(words.ACTORS, {})

KEYS: Final = _coloured(
    words.KEYS,
    {Key.PRESENT: SUCCESS, Key.ABSENT: DANGER, Key.UNKNOWN: WARNING, Key.CONFLICT: WARNING},
)

KEY_REASONS: Final = _translated(words.KEY_REASONS)

CONSENTS: Final = _coloured(
    words.CONSENTS,
    {
        Consent.ACTIVE: SUCCESS,
        Consent.SUSPECTED: WARNING,
        Consent.REVOKED: DANGER,
        Consent.SIGN_IN_NEEDED: DANGER,
    },
)

LOGIN_WORKS: Final = Wording("Works", SUCCESS)
LOGIN_SHARED: Final = Wording(
    "Used elsewhere",
    WARNING,
    "Another system refreshes this login too. Find the deployment with a copy of our tokens and stop it, or the "
    "login ends for one of the two.",
)
LOGIN_ENDS: Final[dict[str, Wording]] = {
    LoginEnd.BACKUP_RESTORED: Wording(
        "From a backup",
        DANGER,
        "Our tokens came from an old backup, and Tesla gave out newer ones since. The person has to sign in again.",
    ),
    LoginEnd.SUPERSEDED: Wording(
        "Taken over",
        DANGER,
        "Another system used our refresh token. Find the deployment with a copy of our tokens and stop it; then the "
        "person has to sign in again.",
    ),
    LoginEnd.PASSWORD_CHANGED: Wording(
        "Password changed", DANGER, "The person changed the password at Tesla, and has to sign in again."
    ),
    LoginEnd.EXPIRED: Wording(
        "Ran out", DANGER, "Nobody used the login for three months. The person has to sign in again."
    ),
    LoginEnd.REFUSED: Wording(
        "Refused",
        DANGER,
        "Tesla takes the login no more and does not say why: access was removed, the password was changed, or another "
        "system used our refresh token unseen.",
    ),
}

MISSING_REASONS: Final = _translated(words.MISSING_REASONS)

PROVIDERS: Final = _coloured(
    words.PROVIDERS,
    {Provider.FLEET: SUCCESS, Provider.LEGACY: WARNING, Provider.LEGACY_CLOSED: DANGER},
)

INTEGRATIONS: Final[dict[str, Wording]] = {
    Integration.FLEET: Wording("Fleet API", SUCCESS),
    Integration.LEGACY: Wording("Must move", WARNING),
}

MODES: Final[dict[str, Wording]] = {Mode.LIVE: Wording("Live"), Mode.SIMULATED: Wording("Simulated")}

OUTCOMES: Final[dict[str, Wording]] = {
    Outcome.PENDING: Wording("Under way"),
    Outcome.SUCCEEDED: Wording("Succeeded", SUCCESS),
    Outcome.FAILED: Wording("Failed", DANGER),
    Outcome.UNKNOWN: Wording("Not known", WARNING),
}

SOURCES: Final = _translated({source: standing.words for source, standing in sources.SOURCES.items()})


STEPS: Final[dict[str, Wording]] = {
    Step.PREAMBLE: Wording("Welcome page"),
    Step.BRAND: Wording("Choosing the make"),
    Step.TESLA: Wording("At Tesla"),
    Step.PERMISSIONS: Wording("Choosing permissions"),
    Step.KEYS: Wording("Adding keys"),
    Step.DONE: Wording("Finished", SUCCESS),
    Step.ENDED: Wording("Ended", WARNING),
}

EXITS: Final[dict[str, Wording]] = {
    "completed": Wording("Completed", SUCCESS),
    "expired": Wording("Time ran out", WARNING),
    "started_again": Wording("Started again"),
    "data_deleted": Wording("The person's data was deleted"),
    "user_manually_returned_to_application": Wording("Went back to the application", WARNING),
    "access_denied": Wording("Did not allow it", DANGER),
    "oem_cancelled_login": Wording("Left Tesla's login", WARNING),
    "no_vehicles": Wording("No car in the account", DANGER),
    "invalid_subscription": Wording("Subscription not active", DANGER),
    "vehicle_incompatible": Wording("Car does not fit", DANGER),
    "server_error": Wording("Tesla did not answer", DANGER),
    "configuration_error": Wording("Set up wrongly at Tesla", DANGER),
}
"""How a run ended."""


def word(table: dict[str, Wording], value: str) -> Wording:
    """The wording of a value; one that the table lacks is shown as it is stored."""
    return table.get(value) or Wording(value.replace("_", " ").capitalize())


def source(name: str) -> str:
    """Where an observation comes from, in words."""
    return SOURCES.get(name, name.replace("_", " "))


def choices(table: dict[str, Wording]) -> list[tuple[str, str]]:
    """The table as choices of a filter."""
    return [(str(value), wording.name) for value, wording in table.items()]
