"""The error catalogue: every error the API can answer, with its status, its sentence and what to do next.

The shape, types, codes and compared sentences are those of the Smartcar v2.0 API, because its SDKs parse them.
`CatalogueError` is the only exception that edges turn into answers; `vehicles/api/error_responses.py` renders it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DOCUMENTATION: Final = "https://smartcar.com/docs/errors/api-errors"


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """One row of the catalogue. `resolution` and `user_message` are None where there is nothing to offer."""

    type: str
    code: str | None
    status: int
    description: str
    resolution: str | None = None
    user_message: str | None = None

    @property
    def name(self) -> str:
        """`TYPE:CODE`, or only the type where there is a single case; the name used in logs and diagnoses."""
        return f"{self.type}:{self.code}" if self.code else self.type

    @property
    def doc_url(self) -> str:
        """Where the original API documents this error; clients compare it."""
        anchor = self.code.lower().replace("_", "-") if self.code else "null"
        return f"{DOCUMENTATION}/{self.type.lower().replace('_', '-')}-errors#{anchor}"


def _state(code: str, description: str, user_message: str, resolution: str | None = None) -> ErrorSpec:
    return ErrorSpec("VEHICLE_STATE", code, 409, description, resolution, user_message)


def _account(
    code: str, description: str, user_message: str | None = None, resolution: str | None = None
) -> ErrorSpec:
    return ErrorSpec("CONNECTED_SERVICES_ACCOUNT", code, 400, description, resolution, user_message)


def _upstream(code: str, description: str) -> ErrorSpec:
    message = "Tesla could not be reached or did not answer as expected. Please try again later."
    return ErrorSpec("UPSTREAM", code, 502, description, "RETRY_LATER", message)


AUTHENTICATION: Final = ErrorSpec(
    "AUTHENTICATION",
    None,
    401,
    "The authorization header is missing or malformed, or it contains invalid or expired authentication credentials. "
    "Please check for missing parameters, spelling and casing mistakes, and other syntax issues.",
)
PERMISSION: Final = ErrorSpec(
    "PERMISSION",
    None,
    403,
    "Your application has insufficient permissions to access the requested resource. "
    "Please prompt the user to re-authenticate using Smartcar Connect.",
    "REAUTHENTICATE",
    "The application is not allowed to do this with your car. Connect the car again and allow it there.",
)
VALIDATION: Final = ErrorSpec(
    "VALIDATION",
    None,
    400,
    "Request invalid or malformed. Please check for missing parameters, spelling and casing mistakes, "
    "and other syntax issues.",
)
PATH_NOT_FOUND: Final = ErrorSpec(
    "RESOURCE_NOT_FOUND",
    "PATH",
    404,
    "The requested path does not exist, or not for this HTTP method.",
)
VERSION_NOT_FOUND: Final = ErrorSpec(
    "RESOURCE_NOT_FOUND", "VERSION", 404, "The API version is missing or not a version number."
)
RATE_LIMIT_VEHICLE: Final = ErrorSpec(
    "RATE_LIMIT",
    "VEHICLE",
    429,
    "This vehicle was asked too often. Wait for the number of seconds in the Retry-After header.",
    "RETRY_LATER",
    "Your car was asked too often. Please wait a moment.",
)
SMARTCAR_NOT_CAPABLE: Final = ErrorSpec(
    "COMPATIBILITY", "SMARTCAR_NOT_CAPABLE", 501, "This feature is not offered for this vehicle."
)
VEHICLE_NOT_CAPABLE: Final = ErrorSpec(
    "COMPATIBILITY",
    "VEHICLE_NOT_CAPABLE",
    501,
    "The vehicle is not capable of this: it lacks the hardware.",
    None,
    "Your car does not have what this needs.",
)
PLATFORM_NOT_CAPABLE: Final = ErrorSpec(
    "COMPATIBILITY",
    "PLATFORM_NOT_CAPABLE",
    501,
    "The vehicle is connected through Tesla's older interface, which cannot do this. "
    "Please prompt the user to connect again.",
    "REAUTHENTICATE",
    "Please connect your car again so that it uses Tesla's current interface.",
)
AUTHENTICATION_FAILED: Final = _account(
    "AUTHENTICATION_FAILED",
    "The user's Tesla login is no longer valid. Please prompt the user to sign in again.",
    "Please sign in at Tesla again to reconnect your car.",
    "REAUTHENTICATE",
)
ACCOUNT_PERMISSION: Final = _account(
    "PERMISSION",
    "The user removed access in their Tesla account. Please prompt the user to connect again.",
    "Access was removed in your Tesla account. Connect your car again to go on.",
    "REAUTHENTICATE",
)
VEHICLE_MISSING: Final = _account(
    "VEHICLE_MISSING",
    "This vehicle is no longer associated with the user's connected services account. "
    "Please prompt the user to re-add the vehicle to their account.",
    "This car is no longer in your Tesla account.",
)
VIRTUAL_KEY_REQUIRED: Final = _account(
    "VIRTUAL_KEY_REQUIRED",
    "The virtual key is not on the vehicle. Please prompt the user to add it with the link in the resolution.",
    "Your car does not have the virtual key yet. Open the link on the phone that unlocks your car and approve it.",
    "ACTION_REQUIRED",
)
INTERNAL: Final = ErrorSpec(
    "SERVER",
    "INTERNAL",
    500,
    "Something unexpected happened on our side. It has been recorded under the request id.",
    "RETRY_LATER",
    "Something went wrong. Please try again later.",
)
OVERLOADED: Final = ErrorSpec(
    "SERVER",
    "OVERLOADED",
    503,
    "Too many requests are waiting for Tesla. Wait for the number of seconds in the Retry-After header.",
    "RETRY_LATER",
    "Too much is going on right now. Please try again in a moment.",
)
UNAVAILABLE: Final = ErrorSpec(
    "SERVER",
    "UNAVAILABLE",
    503,
    "Our own database cannot be reached right now. Wait for the number of seconds in the Retry-After header.",
    "RETRY_LATER",
    "Something went wrong. Please try again later.",
)
UPSTREAM_INVALID_DATA: Final = _upstream("INVALID_DATA", "Tesla sent values that make no sense.")
UPSTREAM_KNOWN_ISSUE: Final = _upstream("KNOWN_ISSUE", "Tesla has a known problem, or access is held back.")
UPSTREAM_NO_RESPONSE: Final = _upstream("NO_RESPONSE", "Tesla or the vehicle did not answer.")
UPSTREAM_RATE_LIMIT: Final = _upstream("RATE_LIMIT", "Tesla is limiting requests for this vehicle.")
UPSTREAM_UNKNOWN_ISSUE: Final = _upstream("UNKNOWN_ISSUE", "Tesla answered with an error that is not known.")

ASLEEP: Final = _state(
    "ASLEEP",
    "The vehicle is asleep. The request was not sent to it.",
    "Your car is asleep. It answers again after it was opened or driven.",
)
CHARGING_PLUG_CONNECTED: Final = _state(
    "CHARGING_PLUG_CONNECTED",
    "Not possible while the charging cable is plugged in.",
    "Please unplug the charging cable first.",
)
CHARGING_PLUG_NOT_CONNECTED: Final = _state(
    "CHARGING_PLUG_NOT_CONNECTED", "The vehicle is not plugged in.", "Please plug in your car first."
)
FULLY_CHARGED: Final = _state("FULLY_CHARGED", "The vehicle is fully charged.", "Your car is fully charged.")
NOT_CHARGING: Final = _state("NOT_CHARGING", "The vehicle is not charging.", "Your car is not charging.")
CHARGE_FAULT: Final = _state(
    "CHARGE_FAULT",
    "The charger gives no current, or a schedule prevents charging.",
    "Please check the charger and the charging schedule.",
)
DOOR_OPEN: Final = _state("DOOR_OPEN", "A door is open.", "Please close all doors first.")
IN_MOTION: Final = _state(
    "IN_MOTION", "Not possible while the vehicle is driving.", "Please park your car first."
)
REMOTE_ACCESS_DISABLED: Final = _state(
    "REMOTE_ACCESS_DISABLED",
    "Remote access is switched off in the vehicle.",
    "Please switch on mobile access in your car, under Controls, Safety.",
)
UNREACHABLE: Final = _state(
    "UNREACHABLE", "The vehicle cannot be reached.", "Your car has no reception. Please try again later."
)
VEHICLE_OFFLINE_FOR_SERVICE: Final = _state(
    "VEHICLE_OFFLINE_FOR_SERVICE", "The vehicle is in service mode.", "Your car is in service."
)
VEHICLE_STATE_UNKNOWN: Final = _state(
    "UNKNOWN",
    "The vehicle was unable to perform your request due to an unknown issue.",
    "Your car could not do this. Please try again later.",
    "RETRY_LATER",
)

# Errors of the original that Tesla gives no cause for. Simulated cars answer with them (`simulated_errors`).
MAKE_NOT_COMPATIBLE: Final = ErrorSpec(
    "COMPATIBILITY", "MAKE_NOT_COMPATIBLE", 501, "Vehicles of this make are not supported."
)
ACCOUNT_ISSUE: Final = _account(
    "ACCOUNT_ISSUE",
    "The user has to finish a task in their connected services account.",
    "Please open your Tesla account and do what it asks for.",
)
NO_VEHICLES: Final = _account(
    "NO_VEHICLES",
    "The user's connected services account holds no vehicle.",
    "There is no car in your Tesla account.",
)
SUBSCRIPTION: Final = _account(
    "SUBSCRIPTION",
    "The user's connected services subscription is not active or does not include this.",
    "Please check your subscription in your Tesla account.",
)
CHARGING_IN_PROGRESS: Final = _state(
    "CHARGING_IN_PROGRESS", "The vehicle is charging already.", "Your car is charging already."
)
HOOD_OPEN: Final = _state("HOOD_OPEN", "The hood is open.", "Please close the hood first.")
TRUNK_OPEN: Final = _state("TRUNK_OPEN", "The trunk is open.", "Please close the trunk first.")
IGNITION_ON: Final = _state(
    "IGNITION_ON", "Not possible while the vehicle is switched on.", "Please switch off your car first."
)
LOW_BATTERY: Final = _state(
    "LOW_BATTERY",
    "The vehicle's battery is too low.",
    "Your car's battery is too low. Please charge it and try again.",
    "RETRY_LATER",
)

CATALOGUE: Final[dict[str, ErrorSpec]] = {
    spec.name: spec for spec in list(globals().values()) if isinstance(spec, ErrorSpec)
}
"""Every error by its name (`TYPE:CODE`)."""


@dataclass(frozen=True, slots=True)
class Words:
    """What an error says of itself in place of the catalogue's words, where those would not be true."""

    description: str | None = None
    user_message: str | None = None


TO_DRIVERS: Final[dict[str, Words]] = {
    VIRTUAL_KEY_REQUIRED.name: Words(
        "The virtual key is not on the vehicle. The user drives it and does not own it, and only its owner can add the "
        "key. Please prompt the user to pass the link in the resolution on to the owner.",
        "The car does not have the virtual key yet, and only its owner can add it. Please send them the link.",
    ),
    REMOTE_ACCESS_DISABLED.name: Words(
        user_message="Mobile access is switched off in the car. Please ask its owner to switch it on in the car, under "
        "Controls, Safety.",
    ),
}
"""What is said of an error, by name, where the person drives the car and does not own it."""
KEY_NOT_TOLD_TO_DRIVERS: Final = Words(
    "The user drives this vehicle and does not own it, and Tesla tells only the owner's account whether the virtual "
    "key is on it. Send a command to learn it: without the key, VIRTUAL_KEY_REQUIRED is answered. What is known of the "
    "key stands in `tesla/diagnosis`.",
    "You drive this car and do not own it. Tesla tells only its owner whether the virtual key is on it.",
)
"""Why the key state of a driver's car is refused (with VEHICLE_MISSING, as the original does), and how to learn it."""


class CatalogueError(Exception):
    """A failure the caller can act on. Raise it with the row of the catalogue that says what happened.

    `detail` names fields (`{"field", "message"}`), `resolution_url` is the link that repairs it, `retry_after` is in
    whole seconds, `reason` is for our own log and command rows and is never sent. `words` are said in place of the
    catalogue's. `command_id` is the row that records a command whose outcome is not known. `cause` is the diagnosis'
    word for what stands behind it, and `is_recorded` where a row of its own tells of this request already.
    """

    def __init__(
        self,
        spec: ErrorSpec,
        *,
        detail: list[dict[str, str]] | None = None,
        resolution_url: str | None = None,
        retry_after: int | None = None,
        reason: str = "",
        description: str | None = None,
        words: Words | None = None,
        resolution_withheld: bool = False,
        command_id: str | None = None,
        cause: str = "",
        is_recorded: bool = False,
    ) -> None:
        super().__init__(spec.name)
        self.spec = spec
        self.detail = detail
        self.resolution_url = resolution_url
        self.retry_after = retry_after
        self.reason = reason
        self.words = Words(description) if description else words
        self.resolution_withheld = resolution_withheld
        self.command_id = command_id
        self.cause = cause
        self.is_recorded = is_recorded

    @property
    def description(self) -> str:
        return (self.words and self.words.description) or self.spec.description

    @property
    def user_message(self) -> str | None:
        return (self.words and self.words.user_message) or self.spec.user_message


def invalid(field: str, message: str) -> CatalogueError:
    """The error for a request whose `field` is missing or wrong; `message` says what would be right."""
    return CatalogueError(VALIDATION, detail=[{"field": field, "message": message}])
