"""The way back to the application: the address it gets at the end of a run, good or bad.

Parameters and names from Smartcar v2.0, Connect: redirect.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode, urlsplit

from django.http import HttpResponseRedirect

from connect.models import ConnectSession
from vehicles import pairing
from vehicles.grants import application_user
from vehicles.models import Connection, Integration, User

DESCRIPTIONS: Final[dict[str, str]] = {
    "access_denied": "User denied access to application.",
    "configuration_error": "There has been an error in the configuration of your application.",
    "no_vehicles": "No vehicles found for the connected account.",
    "oem_cancelled_login": "User left the Tesla login before it was complete.",
    "server_error": "Unexpected server error. Please try again.",
    "user_manually_returned_to_application": "User returned to the application before the connection was complete.",
    "vehicle_incompatible": "The user's vehicle is not compatible.",
}
"""`error_description` of each error a run can end with. For the application's developer, so not translated."""


def success_url(session: ConnectSession, code: str, person: User) -> str:
    """The application's address with the code, its id of the person and, where cars take keys, the pairing link."""
    answer = {"code": code, "user_id": str(application_user(session.application, person).public_id)}
    if session.integration == Integration.FLEET:
        answer["virtual_key_url"] = pairing.bare_link(session.mode)
    return _with_answer(session, answer)


def reauthenticated_url(session: ConnectSession, connection: Connection) -> str:
    """The application's address with its id of the car that works again."""
    return _with_answer(session, {"vehicle_id": str(connection.public_id)})


def error_url(session: ConnectSession, error: str) -> str:
    """The application's address with one of the errors of `DESCRIPTIONS`."""
    answer = {"error": error, "error_description": DESCRIPTIONS[error]}
    if error == "vehicle_incompatible" and session.make:
        answer["make"] = session.make
    return _with_answer(session, answer)


def _with_answer(session: ConnectSession, answer: dict[str, str]) -> str:
    uri = session.redirect_uri
    query = urlencode(answer) + (f"&state={session.state}" if session.state else "")
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{query.lstrip('&')}"


class ToApplication(HttpResponseRedirect):
    """A redirect out of Connect; the address was checked when the run began, whatever its scheme."""

    def __init__(self, address: str) -> None:
        self.allowed_schemes = [urlsplit(address).scheme]
        super().__init__(address)
