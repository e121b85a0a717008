"""What states, causes, actors and sources are called on staff screens, and the colour of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connect.models import Step
from vehicles.diagnosis import Actor, Consent, Key, KeyReason, MissingReason, Provider, Verdict
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


VERDICTS: Final[dict[str, Wording]] = {
    Verdict.OK: Wording("Works", SUCCESS, "Everything that was approved works."),
    Verdict.DEGRADED: Wording("Partly works", WARNING, "Some of what was approved does not work."),
    Verdict.BLOCKED: Wording("Blocked", DANGER, "Nothing that was approved works."),
}

CAUSES: Final[dict[str, Wording]] = {
    "key_absent": Wording(
        "Key missing",
        DANGER,
        "The virtual key is not on this car, so it refuses commands. Reading works.",
    ),
    "not_granted_at_tesla": Wording(
        "Not granted at Tesla",
        DANGER,
        "The application asked for more than the person ticked on Tesla's page.",
    ),
    "withdrawn_at_tesla": Wording(
        "Withdrawn at Tesla",
        DANGER,
        "The person took permissions away in their Tesla account after approving them here.",
    ),
    "consent_revoked": Wording(
        "Access removed at Tesla", DANGER, "The person removed our access in their Tesla account."
    ),
    "sign_in_needed": Wording(
        "Sign-in needed",
        DANGER,
        "The login at Tesla ran out or the password changed. Nobody took anything away.",
    ),
    "declined_in_connect": Wording(
        "Declined in Connect", NEUTRAL, "The person unticked this on our permission page."
    ),
    "not_requested": Wording("Not requested", NEUTRAL, "The application never asked for this permission."),
    "paused": Wording("Paused here", WARNING, "Staff paused requests for this car or this application."),
    "operator_fault": Wording(
        "Operator account", DANGER, "Tesla refuses the operator's own developer account."
    ),
    "provider_incident": Wording(
        "Incident at Tesla",
        WARNING,
        "Many accounts failed at once, so no owner is told anything until staff release it.",
    ),
    "legacy_closed": Wording(
        "Legacy interface closed", DANGER, "This connection uses an interface that Tesla has closed."
    ),
    "legacy_cannot_sign": Wording(
        "Legacy cannot command",
        WARNING,
        "This car takes only signed commands, and the connection uses the legacy interface, which cannot sign.",
    ),
    "vehicle_missing": Wording(
        "Not in the account", DANGER, "Tesla no longer lists this car in the person's account."
    ),
    "remote_access_disabled": Wording(
        "Mobile access off", DANGER, "Mobile access is switched off in the car, so it answers nobody."
    ),
    "in_service": Wording(
        "In service", WARNING, "The car is in service and takes no commands until it is back."
    ),
    "asleep": Wording("Asleep", NEUTRAL, "The car is asleep; it is not woken for reading."),
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

ACTORS: Final[dict[str, Wording]] = {
    Actor.OWNER: Wording("Owner"),
    Actor.DRIVER: Wording("Driver"),
    Actor.APPLICATION: Wording("Application"),
    Actor.STAFF: Wording("Staff"),
    Actor.OPERATOR: Wording("Operator"),
    Actor.TESLA: Wording("Tesla"),
}

KEYS: Final[dict[str, Wording]] = {
    Key.PRESENT: Wording("On the car", SUCCESS),
    Key.ABSENT: Wording("Missing", DANGER),
    Key.NOT_REQUIRED: Wording("Not needed"),
    Key.UNKNOWN: Wording("Not known", WARNING),
    Key.CONFLICT: Wording("Sources disagree", WARNING),
}

KEY_REASONS: Final[dict[str, str]] = {
    KeyReason.DRIVER_ONLY: "only a driver is connected",
    KeyReason.NEVER_CHECKED: "never checked",
    KeyReason.STALE: "checked too long ago",
    KeyReason.LEGACY_ONLY: "only the legacy interface is connected",
    KeyReason.PROVIDER_ERROR: "Tesla gave no answer",
}

CONSENTS: Final[dict[str, Wording]] = {
    Consent.ACTIVE: Wording("Active", SUCCESS),
    Consent.SUSPECTED: Wording("In doubt", WARNING),
    Consent.REVOKED: Wording("Removed at Tesla", DANGER),
    Consent.SIGN_IN_NEEDED: Wording("Sign-in needed", DANGER),
    Consent.UNKNOWN: Wording("Not known"),
}

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

MISSING_REASONS: Final[dict[str, str]] = {
    MissingReason.NOT_GRANTED_AT_TESLA: "not ticked at Tesla",
    MissingReason.WITHDRAWN_AT_TESLA: "taken away at Tesla",
    MissingReason.DECLINED_IN_CONNECT: "declined on our permission page",
    MissingReason.NOT_REQUESTED: "never asked for",
}

PROVIDERS: Final[dict[str, Wording]] = {
    Provider.FLEET: Wording("Fleet API", SUCCESS),
    Provider.LEGACY: Wording("Legacy, must move", WARNING),
    Provider.LEGACY_CLOSED: Wording("Legacy, closed", DANGER),
}

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

SOURCES: Final[dict[str, str]] = {
    "fleet_status": "Tesla's key status",
    "vehicle_list": "Tesla's list of cars",
    "command": "the car itself, answering a command",
    "token": "Tesla's token",
    "scp": "the scopes in Tesla's token",
    "login": "the person's login at Tesla",
    "login_refused": "Tesla refusing the login without saying why: the password was changed, or another system "
    "used it",
    "login_expired": "the login, which nobody used for three months",
    "password_changed": "Tesla saying that the password was changed",
    "token_superseded": "our refresh token, which another system uses too",
    "backup_restored": "our tokens, which came from an old backup",
    "api_denial": "Tesla refusing a request",
}


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
    "user_manually_returned_to_application": Wording("Went back to the application", WARNING),
    "access_denied": Wording("Did not allow it", DANGER),
    "oem_cancelled_login": Wording("Left Tesla's login", WARNING),
    "no_vehicles": Wording("No car in the account", DANGER),
    "vehicle_incompatible": Wording("Car does not fit", DANGER),
    "server_error": Wording("Tesla did not answer", DANGER),
    "configuration_error": Wording("Application set up wrongly", DANGER),
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
