"""The way back to the application: the address it gets at the end of a run, good or bad.

Parameters and names from Smartcar v2.0, Connect: redirect. `invalid_subscription` is sent in simulated runs alone:
Tesla's interfaces tell of no subscription without which a car could not be connected.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit

from django.http import HttpResponse
from django.utils.encoding import iri_to_uri

from connect.authorize import redirect_uris
from connect.authorize.parameters import TESLA
from connect.models import ConnectSession
from vehicles import pairing
from vehicles.models import ApplicationUser, Connection, Integration, Vehicle

ACCESS_DENIED: Final = "access_denied"
INCOMPATIBLE: Final = "vehicle_incompatible"

DESCRIPTIONS: Final[dict[str, str]] = {
    ACCESS_DENIED: "User denied access to application.",
    "configuration_error": "There has been an error in the configuration of your application.",
    "invalid_subscription": "The user's connected services subscription is not active.",
    "no_vehicles": "No vehicles found for the connected account.",
    "oem_cancelled_login": "User left the Tesla login before it was complete.",
    "server_error": "Unexpected server error. Please try again.",
    "user_manually_returned_to_application": "User returned to the application before the connection was complete.",
    INCOMPATIBLE: "The user's vehicle is not compatible.",
}
"""`error_description` of each error a run can end with. For the application's developer, so not translated."""


def success_url(session: ConnectSession, user: ApplicationUser, code: str = "") -> str:
    """The application's address with its ids of the person, the code if any, and where keys are added."""
    answer = {"code": code} if code else {}
    answer["user_id"] = str(user.public_id)
    if user.external_id:
        answer["external_id"] = user.external_id
    if session.integration == Integration.FLEET:
        answer["virtual_key_url"] = pairing.bare_link(session.mode)
    return _with_answer(session.redirect_uri, session.state, answer)


def reauthenticated_url(session: ConnectSession, connection: Connection) -> str:
    """The application's address with its id of the car that works again."""
    return _with_answer(session.redirect_uri, session.state, {"vehicle_id": str(connection.public_id)})


def error_url(session: ConnectSession, error: str, told: Vehicle | None = None) -> str:
    """The application's address with one of the errors of `DESCRIPTIONS`; `told` is a car the person agreed to name."""
    answer = {"error": error, "error_description": DESCRIPTIONS[error], **_MORE.get(error, {})}
    if told is not None:
        car = {"make": TESLA, "vin": told.vin, "model": told.model, "year": str(told.year or "")}
        answer |= {name: value for name, value in car.items() if value}
    return _with_answer(session.redirect_uri, session.state, answer)


_MORE: Final[dict[str, dict[str, str]]] = {
    "configuration_error": {
        "status_code": "500",
        "error_message": "Tesla refused the login request of this portal; its operator has to correct that.",
    }
}


def invalid_request_url(redirect_uri: str, state: str, parameter: str) -> str:
    """The application's address for a person who goes back from a request that could not be followed."""
    answer = {
        "error": "configuration_error",
        "error_description": DESCRIPTIONS["configuration_error"],
        "status_code": "400",
        "error_message": f"The parameter {parameter} is missing or invalid.",
    }
    return _with_answer(redirect_uri, state, answer)


def _with_answer(uri: str, state: str, answer: dict[str, str]) -> str:
    query = urlencode(answer) + (f"&state={state}" if state else "")
    joint = "" if uri.endswith(("?", "&")) else "&" if "?" in uri else "?"
    return f"{uri}{joint}{query}"


def home_url(session: ConnectSession) -> str:
    """The application's website, for somebody whose run was answered already: its address without a path or answer.

    Empty where it has none: it is sent nobody, or is an app with a scheme of its own.
    """
    if redirect_uris.is_page(session.redirect_uri):
        return redirect_uris.app_origin(session.redirect_uri)
    parts = urlsplit(session.redirect_uri)
    return f"{parts.scheme}://{parts.netloc}/" if parts.scheme in ("http", "https") else ""


class ToApplication(HttpResponse):
    """A redirect out of Connect; the address was checked when the run began, whatever its scheme.

    As long as it is: Django's own redirect refuses what a long `state` makes of it.
    """

    status_code = 302

    def __init__(self, address: str) -> None:
        super().__init__(headers={"Location": iri_to_uri(address)})
