"""Reading the query that an application sends a person with; what is wrong with it is said of one parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote

from django.utils.translation import gettext as _

from connect.authorize.addresses import NoAddress, one_form
from vehicles import origins
from vehicles.models import Application, Mode
from vehicles.permissions import PERMISSIONS, REQUIRED_PREFIX

TESLA: Final = "TESLA"
MODES: Final[dict[str, Mode]] = {"live": Mode.LIVE, "simulated": Mode.SIMULATED, "test": Mode.SIMULATED}
_TEST_MODE: Final = "test"
_TRUTH: Final[dict[str, bool]] = {"": False, "false": False, "0": False, "true": True, "1": True}
_LONGEST_ID: Final = 255
_PLAIN: Final = ("client_id", "application_id", "make", "single_select_vin", "vehicle_id")
_ADDRESSES: Final = ("redirect_uri", "app_origin")


KNOWN: Final = frozenset(
    (
        "app_origin", "application_id", "approval_prompt", "client_id", "code_challenge", "code_challenge_method",
        "external_id", "integration", "make", "mode", "redirect_uri", "response_type", "scope", "single_select",
        "single_select_vin", "state", "test_mode", "user", "vehicle_id",
    )
)  # fmt: skip
"""Every name under which something is looked for; any other is the caller's own invention."""
ANOTHER: Final = "another parameter"
_LONGEST_NAME: Final = 64


class InvalidRequest(Exception):
    """The application's request cannot be followed; `parameter` is what its developer has to look at.

    `sent` is what of its value is wrong, for staff; the message says so to the developer. `way_back` is the address
    with which the person may return to the application, where it was found in order.
    """

    def __init__(self, parameter: str, message: str, sent: str = "") -> None:
        super().__init__(parameter)
        self.parameter = printable(parameter)[:_LONGEST_NAME]
        self.message = message
        self.sent = printable(sent)
        self.application: Application | None = None
        self.way_back = ""

    @property
    def of(self) -> str:
        """The parameter as one of a closed set, by which such faults can be counted and kept apart."""
        return self.parameter if self.parameter in KNOWN else ANOTHER


def parameters_of(query_string: str) -> dict[str, str]:
    """The parameters, each given once. Values are Latin-1, one character a byte, so that `state` loses nothing.

    What is looked up or compared holds no NUL afterwards, which PostgreSQL takes in no text; addresses are in the one
    form in which they are compared.

    Raises `InvalidRequest` for a name given twice and for characters that its value cannot have.
    """
    query: dict[str, str] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True, encoding="latin-1"):
        if name in query:
            raise InvalidRequest(name, _("It is given more than once."))
        query[name] = value
    for name in _PLAIN:
        if not query.get(name, "").isascii() or "\0" in query.get(name, ""):
            raise InvalidRequest(name, _("It holds characters that cannot be part of it."))
    return query | {name: _address(name, query[name]) for name in _ADDRESSES if name in query}


def _address(name: str, value: str) -> str:
    try:
        return one_form(value.encode("latin-1").decode())
    except (UnicodeDecodeError, NoAddress):
        raise InvalidRequest(name, _("It holds characters that cannot be part of it.")) from None


def application_of(query: Mapping[str, str]) -> Application:
    """Who asks, by `client_id` or its newer name.

    Raises `InvalidRequest`: missing, contradictory or unknown.
    """
    client_id, alias = query.get("client_id"), query.get("application_id")
    if client_id and alias and client_id != alias:
        raise InvalidRequest("application_id", _("It differs from client_id, for which it is another name."))
    if not (client_id or alias):
        raise InvalidRequest("client_id", _("It is missing."))
    application = Application.objects.filter(client_id=client_id or alias).first()
    if application is None:
        raise InvalidRequest("client_id", _("No application is registered here under this id."))
    return application


def state_of(query: Mapping[str, str]) -> str:
    """The application's state, percent-encoded, so that the very bytes come back."""
    return quote(query.get("state", "").encode("latin-1"), safe="")


def mode_of(query: Mapping[str, str]) -> Mode:
    """Which Tesla the run leads to; live unless something else is asked for.

    Raises `InvalidRequest` where simulated cars are not offered.
    """
    mode = MODES["test" if takes_any_login(query) else one_of(query, "mode", ("live", "simulated", "test"))]
    if not origins.available(mode):
        raise InvalidRequest("mode", _("Simulated cars are not offered here."))
    return mode


def takes_any_login(query: Mapping[str, str]) -> bool:
    """Whether the run is a test run; `test_mode` is a very old name for that."""
    return query.get("mode", "") == _TEST_MODE or ("mode" not in query and flag(query, "test_mode"))


def words_of_scope(query: Mapping[str, str]) -> list[str]:
    """The words of `scope`, whatever characters they hold: those that are no permission are told by name."""
    return query.get("scope", "").encode("latin-1").decode("utf-8", "replace").split()


def permissions_in(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The permissions of a scope, each once, and those of them that are required.

    Raises `InvalidRequest` naming those that do not exist.
    """
    names = [word.removeprefix(REQUIRED_PREFIX) for word in words]
    unknown = sorted({name for name in names if name not in PERMISSIONS})
    if unknown:
        told = ", ".join(map(printable, unknown))
        raise InvalidRequest("scope", _("These permissions do not exist: %s.") % told, sent=told)
    required = [name for name, word in zip(names, words, strict=True) if word.startswith(REQUIRED_PREFIX)]
    return list(dict.fromkeys(names)), list(dict.fromkeys(required))


def printable(word: str) -> str:
    """The text without what cannot be shown, nor stored: control characters, and the NUL that PostgreSQL refuses."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in word
    )


def own_id_of(query: Mapping[str, str], name: str) -> str:
    """The developer's own name for the person: for their records, proof of nothing.

    Raises `InvalidRequest` above 255 characters.
    """
    value = query.get(name, "").encode("latin-1").decode("utf-8", "replace")
    if len(value) > _LONGEST_ID or "\0" in value:
        raise InvalidRequest(name, _("It must have at most 255 characters."))
    return value


def flag(query: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false; false where it was not sent.

    Raises `InvalidRequest` for any other word.
    """
    value = _TRUTH.get(query.get(name, "").lower())
    if value is None:
        raise InvalidRequest(name, _("It must be true or false."), sent=query[name])
    return value


def one_of(query: Mapping[str, str], name: str, values: Sequence[str]) -> str:
    """The value, or the first of the values where none was sent.

    Raises `InvalidRequest` for any other value.
    """
    value = query.get(name) or values[0]
    if value not in values:
        raise InvalidRequest(name, _("It must be one of: %s.") % ", ".join(values), sent=value)
    return value
