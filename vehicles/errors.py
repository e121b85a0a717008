"""The error catalogue: every error the API can answer, with its status, its sentence and what to do next.

The shape, types, codes and compared sentences are those of the Smartcar v2.0 API, because its SDKs parse them. The
sentences are marked for translation here: answers translate what is meant for a person, our pages all of them.
`CatalogueError` is the only exception that edges turn into answers; `vehicles/api/error_responses.py` renders it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from vehicles.translatable import gettext_noop as _

DOCUMENTATION: Final = "/docs/errors/"
"""Where the portal explains the errors; below it each has a page of its own."""


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
    def page(self) -> str:
        """The path of the page that explains this error, which `docURL` leads to."""
        parts = [self.type, self.code] if self.code else [self.type]
        return DOCUMENTATION + "".join(part.lower().replace("_", "-") + "/" for part in parts)


def _state(code: str, description: str, user_message: str, resolution: str | None = None) -> ErrorSpec:
    return ErrorSpec("VEHICLE_STATE", code, 409, description, resolution, user_message)


def _account(
    code: str, description: str, user_message: str | None = None, resolution: str | None = None
) -> ErrorSpec:
    return ErrorSpec("CONNECTED_SERVICES_ACCOUNT", code, 400, description, resolution, user_message)


def _upstream(code: str, description: str) -> ErrorSpec:
    message = _("Tesla could not be reached or did not answer as expected. Please try again later.")
    return ErrorSpec("UPSTREAM", code, 502, description, "RETRY_LATER", message)


def _billing(code: str, description: str, resolution: str = "CONTACT_SUPPORT") -> ErrorSpec:
    message = _("The application cannot do this at the moment. Please ask those who run it.")
    return ErrorSpec("BILLING", code, 430, description, resolution, message)


def _server(
    code: str, description: str, user_message: str, resolution: str = "RETRY_LATER", status: int = 500
) -> ErrorSpec:
    return ErrorSpec("SERVER", code, status, description, resolution, user_message)


def _incompatible(
    code: str, description: str, user_message: str | None = None, resolution: str | None = None
) -> ErrorSpec:
    return ErrorSpec("COMPATIBILITY", code, 501, description, resolution, user_message)


AUTHENTICATION: Final = ErrorSpec(
    "AUTHENTICATION",
    None,
    401,
    _(
        "The authorization header is missing or malformed, or it contains invalid or expired authentication "
        "credentials. Please check for missing parameters, spelling and casing mistakes, and other syntax issues."
    ),
)
PERMISSION: Final = ErrorSpec(
    "PERMISSION",
    None,
    403,
    _(
        "Your application has insufficient permissions to access the requested resource. "
        "Please prompt the user to re-authenticate using Smartcar Connect."
    ),
    "REAUTHENTICATE",
    _("The application is not allowed to do this with your car. Connect the car again and allow it there."),
)
VALIDATION: Final = ErrorSpec(
    "VALIDATION",
    None,
    400,
    _(
        "Request invalid or malformed. Please check for missing parameters, spelling and casing mistakes, "
        "and other syntax issues."
    ),
)
# Documented by name only: the example of the original has `null` for a code, and so have our answers to a wrong value.
VALIDATION_PARAMETER: Final = ErrorSpec(
    "VALIDATION", "PARAMETER", 400, _("A parameter is well-formed, but its value is wrong.")
)
PATH_NOT_FOUND: Final = ErrorSpec(
    "RESOURCE_NOT_FOUND", "PATH", 404, _("The requested path does not exist, or not for this HTTP method.")
)
VERSION_NOT_FOUND: Final = ErrorSpec(
    "RESOURCE_NOT_FOUND", "VERSION", 404, _("The API version is missing or not a version number.")
)
RATE_LIMIT_VEHICLE: Final = ErrorSpec(
    "RATE_LIMIT",
    "VEHICLE",
    429,
    _("This vehicle was asked too often. Wait for the number of seconds in the Retry-After header."),
    "RETRY_LATER",
    _("Your car was asked too often. Please wait a moment."),
)
RATE_LIMIT_APPLICATION: Final = ErrorSpec(
    "RATE_LIMIT",
    "SMARTCAR_API",
    429,
    _("Your application sends requests too fast. Please send fewer, and try again later."),
    "RETRY_LATER",
    _("Too much is going on right now. Please try again in a moment."),
)
VEHICLE_LIMIT: Final = _billing("VEHICLE_LIMIT", _("Your plan allows no further vehicle."))
VEHICLE_REQUEST_LIMIT: Final = _billing(
    "VEHICLE_REQUEST_LIMIT", _("The requests that your plan allows for this vehicle and month are used up.")
)
INVALID_PLAN: Final = _billing("INVALID_PLAN", _("Your plan does not include this feature."))
ACCOUNT_SUSPENDED: Final = _billing(
    "ACCOUNT_SUSPENDED", _("Your account is suspended because a payment is overdue."), "FINANCE"
)
SMARTCAR_NOT_CAPABLE: Final = _incompatible(
    "SMARTCAR_NOT_CAPABLE", _("This feature is not offered for this vehicle.")
)
VEHICLE_NOT_CAPABLE: Final = _incompatible(
    "VEHICLE_NOT_CAPABLE",
    _("The vehicle is not capable of this: it lacks the hardware."),
    _("Your car does not have what this needs."),
)
PLATFORM_NOT_CAPABLE: Final = _incompatible(
    "PLATFORM_NOT_CAPABLE",
    _(
        "The vehicle is connected through Tesla's older interface, which cannot do this. "
        "Please prompt the user to connect again."
    ),
    _("Please connect your car again so that it uses Tesla's current interface."),
    "REAUTHENTICATE",
)
AUTHENTICATION_FAILED: Final = _account(
    "AUTHENTICATION_FAILED",
    _("The user's Tesla login is no longer valid. Please prompt the user to sign in again."),
    _("Please sign in at Tesla again to reconnect your car."),
    "REAUTHENTICATE",
)
ACCOUNT_PERMISSION: Final = _account(
    "PERMISSION",
    _("The user removed access in their Tesla account. Please prompt the user to connect again."),
    _("Access was removed in your Tesla account. Connect your car again to go on."),
    "REAUTHENTICATE",
)
VEHICLE_MISSING: Final = _account(
    "VEHICLE_MISSING",
    _(
        "This vehicle is no longer associated with the user's connected services account. "
        "Please prompt the user to re-add the vehicle to their account."
    ),
    _("This car is no longer in your Tesla account."),
)
VIRTUAL_KEY_REQUIRED: Final = _account(
    "VIRTUAL_KEY_REQUIRED",
    _(
        "The virtual key is not on the vehicle. Please prompt the user to add it with the link in the resolution."
    ),
    _(
        "Your car does not have the virtual key yet. Open the link on the phone that unlocks your car and approve it."
    ),
    "ACTION_REQUIRED",
)
INTERNAL: Final = _server(
    "INTERNAL",
    _("Something unexpected happened on our side. It has been recorded under the request id."),
    _("Something went wrong. Please try again later."),
)
RECORD_NOT_FOUND: Final = _server(
    "RECORD_NOT_FOUND",
    _("The size of this vehicle's battery is not known."),
    _("The size of your car's battery is not known."),
    "CONTACT_SUPPORT",
)
MULTIPLE_RECORDS_FOUND: Final = _server(
    "MULTIPLE_RECORDS_FOUND",
    _("This vehicle was built with batteries of several sizes; the detail lists them."),
    _("It is not known which battery your car has."),
    "CONTACT_SUPPORT",
)
OVERLOADED: Final = _server(
    "OVERLOADED",
    _("Too many requests are waiting for Tesla. Wait for the number of seconds in the Retry-After header."),
    _("Too much is going on right now. Please try again in a moment."),
    status=503,
)
UNAVAILABLE: Final = _server(
    "UNAVAILABLE",
    _(
        "Our own database cannot be reached right now. Wait for the number of seconds in the Retry-After header."
    ),
    _("Something went wrong. Please try again later."),
    status=503,
)
UPSTREAM_INVALID_DATA: Final = _upstream("INVALID_DATA", _("Tesla sent values that make no sense."))
UPSTREAM_KNOWN_ISSUE: Final = _upstream(
    "KNOWN_ISSUE", _("Tesla has a known problem, or access is held back.")
)
UPSTREAM_NO_RESPONSE: Final = _upstream("NO_RESPONSE", _("Tesla or the vehicle did not answer."))
UPSTREAM_RATE_LIMIT: Final = _upstream("RATE_LIMIT", _("Tesla is limiting requests for this vehicle."))
UPSTREAM_UNKNOWN_ISSUE: Final = _upstream(
    "UNKNOWN_ISSUE", _("Tesla answered with an error that is not known.")
)

ASLEEP: Final = _state(
    "ASLEEP",
    _("The vehicle is asleep. The request was not sent to it."),
    _("Your car is asleep. It answers again after it was opened or driven."),
)
CHARGING_PLUG_CONNECTED: Final = _state(
    "CHARGING_PLUG_CONNECTED",
    _("Not possible while the charging cable is plugged in."),
    _("Please unplug the charging cable first."),
)
CHARGING_PLUG_NOT_CONNECTED: Final = _state(
    "CHARGING_PLUG_NOT_CONNECTED", _("The vehicle is not plugged in."), _("Please plug in your car first.")
)
FULLY_CHARGED: Final = _state(
    "FULLY_CHARGED", _("The vehicle is fully charged."), _("Your car is fully charged.")
)
NOT_CHARGING: Final = _state(
    "NOT_CHARGING", _("The vehicle is not charging."), _("Your car is not charging.")
)
CHARGE_FAULT: Final = _state(
    "CHARGE_FAULT",
    _("The charger gives no current, or a schedule prevents charging."),
    _("Please check the charger and the charging schedule."),
)
DOOR_OPEN: Final = _state("DOOR_OPEN", _("A door is open."), _("Please close all doors first."))
IN_MOTION: Final = _state(
    "IN_MOTION", _("Not possible while the vehicle is driving."), _("Please park your car first.")
)
REMOTE_ACCESS_DISABLED: Final = _state(
    "REMOTE_ACCESS_DISABLED",
    _("Remote access is switched off in the vehicle."),
    _("Please switch on mobile access in your car, under Controls, Safety."),
)
UNREACHABLE: Final = _state(
    "UNREACHABLE",
    _("The vehicle cannot be reached."),
    _("Your car has no reception. Please try again later."),
)
VEHICLE_OFFLINE_FOR_SERVICE: Final = _state(
    "VEHICLE_OFFLINE_FOR_SERVICE", _("The vehicle is in service mode."), _("Your car is in service.")
)
VEHICLE_STATE_UNKNOWN: Final = _state(
    "UNKNOWN",
    _("The vehicle was unable to perform your request due to an unknown issue."),
    _("Your car could not do this. Please try again later."),
    "RETRY_LATER",
)

MAKE_NOT_COMPATIBLE: Final = _incompatible(
    "MAKE_NOT_COMPATIBLE", _("Vehicles of this make are not supported.")
)
ACCOUNT_ISSUE: Final = _account(
    "ACCOUNT_ISSUE",
    _("The user has to finish a task in their connected services account."),
    _("Please open your Tesla account and do what it asks for."),
)
NO_VEHICLES: Final = _account(
    "NO_VEHICLES",
    _("The user's connected services account holds no vehicle."),
    _("There is no car in your Tesla account."),
)
SUBSCRIPTION: Final = _account(
    "SUBSCRIPTION",
    _("The user's connected services subscription is not active or does not include this."),
    _("Please check your subscription in your Tesla account."),
)
CHARGING_IN_PROGRESS: Final = _state(
    "CHARGING_IN_PROGRESS", _("The vehicle is charging already."), _("Your car is charging already.")
)
HOOD_OPEN: Final = _state("HOOD_OPEN", _("The hood is open."), _("Please close the hood first."))
TRUNK_OPEN: Final = _state("TRUNK_OPEN", _("The trunk is open."), _("Please close the trunk first."))
IGNITION_ON: Final = _state(
    "IGNITION_ON", _("Not possible while the vehicle is switched on."), _("Please switch off your car first.")
)
LOW_BATTERY: Final = _state(
    "LOW_BATTERY",
    _("The vehicle's battery is too low."),
    _("Your car's battery is too low. Please charge it and try again."),
    "RETRY_LATER",
)

CATALOGUE: Final[dict[str, ErrorSpec]] = {
    spec.name: spec for spec in list(globals().values()) if isinstance(spec, ErrorSpec)
}
"""Every error by its name (`TYPE:CODE`)."""
ONLY_SIMULATED: Final = frozenset(
    {
        *(VALIDATION_PARAMETER, RATE_LIMIT_APPLICATION, MULTIPLE_RECORDS_FOUND, MAKE_NOT_COMPATIBLE),
        *(VEHICLE_LIMIT, VEHICLE_REQUEST_LIMIT, INVALID_PLAN, ACCOUNT_SUSPENDED),
        *(ACCOUNT_ISSUE, NO_VEHICLES, SUBSCRIPTION),
        *(CHARGING_IN_PROGRESS, HOOD_OPEN, TRUNK_OPEN, IGNITION_ON, LOW_BATTERY),
    }
)
"""Errors of the original that nothing here or at Tesla gives cause for: only simulated cars answer with them."""


@dataclass(frozen=True, slots=True)
class Words:
    """What an error says of itself in place of the catalogue's words, where those would not be true."""

    description: str | None = None
    user_message: str | None = None


TO_DRIVERS: Final[dict[str, Words]] = {
    VIRTUAL_KEY_REQUIRED.name: Words(
        "The virtual key is not on the vehicle. The user drives it and does not own it, and only its owner can add the "
        "key. Please prompt the user to pass the link in the resolution on to the owner.",
        _(
            "The car does not have the virtual key yet, and only its owner can add it. Please send them the link."
        ),
    ),
    REMOTE_ACCESS_DISABLED.name: Words(
        user_message=_(
            "Mobile access is switched off in the car. Please ask its owner to switch it on in the car, under "
            "Controls, Safety."
        )
    ),
}
"""What is said of an error, by name, where the person drives the car and does not own it."""


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
        detail: list[dict[str, Any]] | None = None,
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
