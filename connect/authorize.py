"""What an application asks for when it sends a person to Connect, checked before anything else happens.

Every fault is told on a page and never sent to a redirect address: the developer must see it, and an address that was
not yet checked must not receive anybody (Smartcar v2.0: Connect, authorize).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from django.utils.translation import gettext as _

from vehicles import origins
from vehicles.models import Application, Connection, Mode
from vehicles.permissions import PERMISSIONS, REQUIRED_PREFIX

TESLA: Final = "TESLA"
MODES: Final[dict[str, Mode]] = {"live": Mode.LIVE, "simulated": Mode.SIMULATED, "test": Mode.SIMULATED}
_TEST_MODE: Final = "test"
_TRUTH: Final[dict[str, bool]] = {"": False, "false": False, "0": False, "true": True, "1": True}
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_LONGEST_USER: Final = 255


class InvalidRequest(Exception):
    """The application's request cannot be followed; `parameter` is what its developer has to look at."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(parameter)
        self.parameter = parameter
        self.message = message


@dataclass(frozen=True, slots=True)
class AuthorizeRequest:
    """A request that was found in order. `state` is percent-encoded; permissions are names without a prefix."""

    application: Application
    redirect_uri: str
    redirect_uri_given: bool
    state: str
    mode: Mode
    any_login: bool
    requested: list[str]
    required: list[str]
    make: str
    single_select: bool
    single_select_vin: str
    force_approval: bool
    code_challenge: str
    code_challenge_method: str
    external_user: str
    connection: Connection | None = None


def read(query_string: str) -> AuthorizeRequest:
    """The request in the query of `/oauth/authorize`. Raises `InvalidRequest` for the first fault found."""
    query = parameters_of(query_string)
    application = application_of(query)
    redirect_uri = redirect_uri_of(query, application)
    if query.get("response_type") != "code":
        raise InvalidRequest("response_type", _("It must be “code”."))
    requested, required = _permissions(query, application)
    challenge, method = _code_challenge(query, application)
    vin = _single_select_vin(query)
    return AuthorizeRequest(
        application=application,
        redirect_uri=redirect_uri,
        redirect_uri_given=bool(query.get("redirect_uri")),
        state=state_of(query),
        mode=_mode(query),
        any_login=query.get("mode") == _TEST_MODE,
        requested=requested,
        required=required,
        make=TESLA if vin else query.get("make", "").upper()[:32],
        single_select=_flag(query, "single_select") or bool(vin),
        single_select_vin=vin,
        force_approval=_one_of(query, "approval_prompt", ("auto", "force")) == "force",
        code_challenge=challenge,
        code_challenge_method=method,
        external_user=external_user_of(query),
    )


def parameters_of(query_string: str) -> dict[str, str]:
    """The parameters, each given once. Values are Latin-1, one character a byte, so that `state` loses nothing.

    What is looked up or compared holds no NUL afterwards, which PostgreSQL takes in no text.
    """
    query: dict[str, str] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True, encoding="latin-1"):
        if name in query:
            raise InvalidRequest(name, _("It is given more than once."))
        query[name] = value
    for name in (
        "client_id",
        "application_id",
        "redirect_uri",
        "scope",
        "make",
        "single_select_vin",
        "vehicle_id",
    ):
        if not query.get(name, "").isascii() or "\0" in query.get(name, ""):
            raise InvalidRequest(name, _("It holds characters that cannot be part of it."))
    return query


def application_of(query: Mapping[str, str]) -> Application:
    """Who asks, by `client_id` or its newer name."""
    client_id = query.get("client_id") or query.get("application_id")
    if not client_id:
        raise InvalidRequest("client_id", _("It is missing."))
    application = Application.objects.filter(client_id=client_id).first()
    if application is None:
        raise InvalidRequest("client_id", _("No application is registered here under this id."))
    return application


def redirect_uri_of(query: Mapping[str, str], application: Application) -> str:
    """Where the answer goes: an address registered for the application, the first one where none is given."""
    uri = query.get("redirect_uri") or application.first_redirect_uri
    if not uri:
        raise InvalidRequest("redirect_uri", _("It is missing, and the application has none registered."))
    if uri not in application.redirect_uris.split():
        raise InvalidRequest(
            "redirect_uri", _("It is not one of the addresses registered for this application.")
        )
    if not _may_receive_codes(uri, application):
        raise InvalidRequest(
            "redirect_uri",
            _(
                "It must begin with https://, or with http:// on localhost only, or with the application's own scheme."
            ),
        )
    return uri


def state_of(query: Mapping[str, str]) -> str:
    """The application's state, percent-encoded, so that the very bytes come back."""
    return quote(query.get("state", "").encode("latin-1"), safe="")


def _may_receive_codes(uri: str, application: Application) -> bool:
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.fragment:
        return False
    if parts.scheme == "http":
        return host in LOOPBACK
    return parts.scheme in ("https", application.own_scheme.lower()) and bool(host)


def _mode(query: Mapping[str, str]) -> Mode:
    mode = MODES[_one_of(query, "mode", ("live", "simulated", "test"))]
    if not origins.available(mode):
        raise InvalidRequest("mode", _("Simulated cars are not offered here."))
    return mode


def _permissions(query: Mapping[str, str], application: Application) -> tuple[list[str], list[str]]:
    """What is asked for and, of that, what is required; the application's own list where no scope is named."""
    words: Sequence[str] = query.get("scope", "").split() or application.permissions
    names = [word.removeprefix(REQUIRED_PREFIX) for word in words]
    unknown = sorted({name for name in names if name not in PERMISSIONS})
    if unknown:
        raise InvalidRequest("scope", _("These permissions do not exist: %s.") % ", ".join(unknown))
    if not names:
        raise InvalidRequest("scope", _("It is missing, and the application has no permissions configured."))
    required = [name for name, word in zip(names, words, strict=True) if word.startswith(REQUIRED_PREFIX)]
    return list(dict.fromkeys(names)), list(dict.fromkeys(required))


def _code_challenge(query: Mapping[str, str], application: Application) -> tuple[str, str]:
    challenge = query.get("code_challenge", "")
    if not challenge:
        if application.client_type == Application.CLIENT_PUBLIC:
            raise InvalidRequest("code_challenge", _("Public clients must send one."))
        return "", ""
    if query.get("code_challenge_method") != "S256":
        raise InvalidRequest("code_challenge_method", _("It must be “S256”."))
    if not _CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge", _("It must have 43 to 128 unreserved characters."))
    return challenge, "S256"


def _single_select_vin(query: Mapping[str, str]) -> str:
    vin = query.get("single_select_vin", "").upper()
    if vin and not _VIN.fullmatch(vin):
        raise InvalidRequest("single_select_vin", _("It is not a vehicle identification number."))
    if vin and not _flag(query, "single_select"):
        raise InvalidRequest("single_select_vin", _("It is used together with single_select=true."))
    return vin


def external_user_of(query: Mapping[str, str]) -> str:
    """The developer's own name for the person: for their records, proof of nothing."""
    user = (query.get("user") or query.get("external_id") or "").encode("latin-1").decode("utf-8", "replace")
    if len(user) > _LONGEST_USER or "\0" in user:
        raise InvalidRequest("user", _("It must have at most 255 characters."))
    return user


def _flag(query: Mapping[str, str], name: str) -> bool:
    value = _TRUTH.get(query.get(name, "").lower())
    if value is None:
        raise InvalidRequest(name, _("It must be true or false."))
    return value


def _one_of(query: Mapping[str, str], name: str, values: Sequence[str]) -> str:
    """The value, or the first of the values where none was sent."""
    value = query.get(name) or values[0]
    if value not in values:
        raise InvalidRequest(name, _("It must be one of: %s.") % ", ".join(values))
    return value
