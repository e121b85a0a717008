"""What can end or hold up a run, as data: the page that says so, and what the person can do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from vehicles import errors


@dataclass(frozen=True, slots=True)
class Problem:
    """A page. `exit_error` is what the application hears if the person leaves here; `retry` is how to try again.

    With `may_name_car` the person may tell the application which car it was.
    """

    status: int
    title: str | Promise
    text: str | Promise
    exit_error: str = ""
    retry: str = ""
    retry_label: str | Promise = ""
    may_name_car: bool = False


TESLA_AGAIN: Final = _("Go to Tesla again")
_SIGN_IN: Final = "sign_in"
_ANOTHER_ACCOUNT: Final = "another_account"
_PAGE: Final = "page"
_CURRENT_INTERFACE: Final = "current_interface"
_START_AGAIN: Final = "start_again"

UNKNOWN_RUN: Final = Problem(
    404,
    _("This page does not exist"),
    _("The link is incomplete or old. Go back to the application and begin again there."),
)
ANOTHER_BROWSER: Final = Problem(
    403,
    _("Please go on in the browser where you began"),
    _(
        "To protect your account, connecting a car stays in one browser from beginning to end. Nothing was changed. "
        "Return to that browser, or begin again from the application in this one."
    ),
)
TOO_MANY: Final = Problem(
    429,
    _("Too many people begin here at this moment"),
    _(
        "From your network more was begun within a minute than is taken. Nothing was changed. Wait a minute, go back, "
        "and try again."
    ),
)
UNKNOWN_ORIGIN: Final = Problem(
    400,
    _("This page belongs to no application"),
    _("The address names a website that is not registered here. Go back to the application and begin again."),
)
EXPIRED: Final = Problem(
    410,
    _("This took longer than an hour"),
    _("For your safety the page has expired. Start again here or in the application; it takes a minute."),
    exit_error="user_manually_returned_to_application",
    retry=_START_AGAIN,
    retry_label=_("Start again"),
)
DATA_DELETED: Final = Problem(
    410,
    _("Your data was deleted"),
    _(
        "Everything that was kept of you here is gone, also what you chose in this run. No application can use your "
        "cars. To connect one again, start again."
    ),
    exit_error="user_manually_returned_to_application",
    retry=_START_AGAIN,
    retry_label=_("Start again"),
)
ENDED: Final = Problem(
    200,
    _("This is already finished"),
    _("You can close this page. To connect another car, begin again from the application."),
)
USED_LOGIN: Final = Problem(
    400,
    _("This sign-in was already used"),
    _(
        "Each sign-in at Tesla counts once, and only for the page that sent you there. Nothing was changed. "
        "Go back to the application and begin again."
    ),
)
DECLINED_AT_TESLA: Final = Problem(
    200,
    _("You did not allow access at Tesla"),
    _("Nothing was shared. If that was not what you wanted, go to Tesla again and allow it there."),
    exit_error="access_denied",
    retry=_SIGN_IN,
    retry_label=TESLA_AGAIN,
)
LEFT_TESLA: Final = Problem(
    200,
    _("You are not signed in at Tesla"),
    _("Signing in was not completed. Nothing was shared."),
    exit_error="oem_cancelled_login",
    retry=_SIGN_IN,
    retry_label=TESLA_AGAIN,
)
SIGN_IN_FAILED: Final = Problem(
    502,
    _("Tesla did not accept the sign-in"),
    _(
        "Please sign in at Tesla again. If this keeps happening: open the Tesla app on your phone and sign in there "
        "once, since Tesla does not know an account before that."
    ),
    exit_error="server_error",
    retry=_SIGN_IN,
    retry_label=TESLA_AGAIN,
)
TESLA_UNREACHABLE: Final = Problem(
    502,
    _("Tesla is not answering"),
    _("This is not your fault, and nothing was changed. Wait a moment, then try again."),
    exit_error="server_error",
    retry=_PAGE,
    retry_label=_("Try again"),
)
TESLA_UNREACHABLE_AT_SIGN_IN: Final = Problem(
    502,
    _("Tesla is not answering"),
    _("Your sign-in could not be completed. Nothing was changed. Wait a moment, then go to Tesla again."),
    exit_error="server_error",
    retry=_SIGN_IN,
    retry_label=TESLA_AGAIN,
)
MISREGISTERED: Final = Problem(
    502,
    _("Tesla does not let this portal in at the moment"),
    _(
        "You cannot mend this, and nothing was changed. Please tell the support of this portal, or come back later."
    ),
    exit_error="configuration_error",
    retry=_SIGN_IN,
    retry_label=TESLA_AGAIN,
)
UNEXPECTED: Final = Problem(
    500,
    _("Something went wrong here"),
    _("This is not your fault. It was recorded and will be looked into. Try again, or come back later."),
    exit_error="server_error",
    retry=_PAGE,
    retry_label=_("Try again"),
)
ACCESS_ENDED: Final = Problem(
    200,
    _("Tesla no longer gives us access"),
    _(
        "Access was removed in your Tesla account, or your password was changed. Sign in at Tesla again to go on."
    ),
    exit_error="access_denied",
    retry=_SIGN_IN,
    retry_label=TESLA_AGAIN,
)
NOT_CONNECTED: Final = Problem(
    200,
    _("The application is not connected to this Tesla account"),
    _("Nothing was changed. Sign in with the Tesla account that you connected before."),
    exit_error="user_manually_returned_to_application",
    retry=_ANOTHER_ACCOUNT,
    retry_label=_("Use another Tesla account"),
)
WRONG_ACCOUNT: Final = Problem(
    200,
    _("That was another Tesla account"),
    _("Nothing was changed. Sign in with the Tesla account that connected this car before."),
    exit_error="user_manually_returned_to_application",
    retry=_ANOTHER_ACCOUNT,
    retry_label=_("Use another Tesla account"),
)
NOTHING_CONNECTED: Final = Problem(
    200,
    _("Nothing is connected with this Tesla account"),
    _(
        "No application uses a car of this account here. If you have another Tesla account, sign in with that one."
    ),
)
NO_VEHICLES: Final = Problem(
    200,
    _("This Tesla account has no car"),
    _(
        "If you have several Tesla accounts, sign in with the one that shows your car in the Tesla app. "
        "A new car appears after it was delivered and added to your account."
    ),
    exit_error="no_vehicles",
    retry=_ANOTHER_ACCOUNT,
    retry_label=_("Use another Tesla account"),
)
OTHER_VEHICLE: Final = Problem(
    200,
    _("The car that was asked for is not in this account"),
    _(
        "The application asks for one certain car. Sign in with the Tesla account that shows it in the Tesla app."
    ),
    exit_error="vehicle_incompatible",
    retry=_ANOTHER_ACCOUNT,
    retry_label=_("Use another Tesla account"),
    may_name_car=True,
)
OTHER_MAKE: Final = Problem(
    200,
    _("Only Teslas can be connected here"),
    _("The application asked for a car of another make. Go back and choose Tesla there."),
    exit_error="vehicle_incompatible",
)
NO_TESLA_CAN: Final = Problem(
    200,
    _("No Tesla can do what this application needs"),
    _("It cannot work without something that Teslas do not have or do not tell. Nothing was shared."),
    exit_error="vehicle_incompatible",
)
NO_SUBSCRIPTION: Final = Problem(
    200,
    _("The subscription of this account is not active"),
    _(
        "This is a trial login that ends here on purpose. Use another one to connect a sample car, or go back to the "
        "application, which is then told of it."
    ),
    exit_error="invalid_subscription",
    retry=_ANOTHER_ACCOUNT,
    retry_label=_("Use another Tesla account"),
)
NOT_COMPATIBLE: Final = Problem(
    200,
    _("This car cannot be connected"),
    _(
        "This is a trial login that ends here on purpose. Use another one to connect a sample car, or go back to the "
        "application, which is then told of it."
    ),
    exit_error="vehicle_incompatible",
    retry=_ANOTHER_ACCOUNT,
    retry_label=_("Use another Tesla account"),
    may_name_car=True,
)
OF_SIMULATED_CAR: Final = {problem.exit_error: problem for problem in (NO_SUBSCRIPTION, NOT_COMPATIBLE)}
"""What ends a run with a simulated car that is there for it, by the error."""

LEGACY_NOT_OFFERED: Final = Problem(
    200,
    _("Tesla's older interface is not offered here"),
    _(
        "The application still asks for it. Connect through Tesla's current interface instead: you sign in at Tesla "
        "and choose there what to share. Nothing was changed so far."
    ),
    exit_error="configuration_error",
    retry=_CURRENT_INTERFACE,
    retry_label=_("Use the current interface"),
)
LEGACY_CLOSED: Final = Problem(
    200,
    _("Tesla has closed its older interface"),
    _(
        "What was connected through it no longer works, and nobody removed anything. Connect your car through Tesla's "
        "current interface to go on; the application keeps what it knows of your car."
    ),
    exit_error="configuration_error",
    retry=_CURRENT_INTERFACE,
    retry_label=_("Use the current interface"),
)
LEGACY_LEFT: Final = Problem(
    200,
    _("Your cars use Tesla's current interface already"),
    _(
        "The application still asks for the older one, which your cars have left. Sign in once more, through Tesla's "
        "current interface; it takes a minute. Nothing was changed so far."
    ),
    exit_error="configuration_error",
    retry=_CURRENT_INTERFACE,
    retry_label=_("Use the current interface"),
)

FOREIGN_FORM: Final = Problem(
    403,
    _("The page could not be sent"),
    _("It was open for too long, or this browser keeps no cookies. Go back, reload the page and try again."),
)

OF_SIGN_IN: Final[dict[str, Problem]] = {
    errors.AUTHENTICATION_FAILED.name: SIGN_IN_FAILED,
    errors.UPSTREAM_KNOWN_ISSUE.name: MISREGISTERED,
}
"""What a failed sign-in shows, by the catalogue's name; anything else is Tesla not answering."""

OF_TESLA_ERROR: Final[dict[str, Problem]] = {
    "access_denied": DECLINED_AT_TESLA,
    "server_error": TESLA_UNREACHABLE_AT_SIGN_IN,
    "temporarily_unavailable": TESLA_UNREACHABLE_AT_SIGN_IN,
    "invalid_request": MISREGISTERED,
    "invalid_scope": MISREGISTERED,
    "unauthorized_client": MISREGISTERED,
    "unsupported_response_type": MISREGISTERED,
}
"""What an error with which Tesla sends a person back shows (RFC 6749, 4.1.2.1); any other is a login not completed."""


class ConnectProblem(Exception):
    """Raised where a run cannot go on; the edge shows the problem's page."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem.title))
        self.problem = problem
