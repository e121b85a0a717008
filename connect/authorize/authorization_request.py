"""What an application asks for when it sends a person to Connect, checked before anything else happens.

Every fault is told on a page and never sent to a redirect address by itself: the developer must see it, and an address
that was not yet checked must not receive anybody (Smartcar v2.0: Connect, authorize).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from connect.authorize import authorization_response, interfaces
from connect.authorize.parameters import (
    TESLA,
    InvalidRequest,
    application_of,
    flag,
    mode_of,
    one_of,
    own_id_of,
    parameters_of,
    permissions_in,
    state_of,
    takes_any_login,
    words_of_scope,
)
from connect.authorize.redirect_uris import redirect_uri_of
from connect.models import ResponseType
from vehicles.models import Application, Connection, Integration, Mode

_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that was found in order. `state` is percent-encoded; permissions are names without a prefix.

    An empty `redirect_uri` means that the person is not sent back.
    """

    application: Application
    mode: Mode
    requested: list[str]
    response_type: ResponseType
    redirect_uri: str = ""
    redirect_uri_given: bool = True
    state: str = ""
    any_login: bool = False
    required: list[str] = field(default_factory=list)
    make: str = TESLA
    single_select: bool = False
    single_select_vin: str = ""
    force_approval: bool = False
    code_challenge: str = ""
    code_challenge_method: str = ""
    external_user: str = ""
    external_id: str = ""
    connection: Connection | None = None
    integration: Integration = Integration.FLEET


def parse_request(query_string: str) -> AuthorizationRequest:
    """The request in the query of `/oauth/authorize`. Raises `InvalidRequest` for the first fault found."""
    query = parameters_of(query_string)
    application = application_of(query)
    redirect_uri = redirect_uri_of(query, application)
    with faults_lead_back(query, application, redirect_uri):
        return _read(query, application, redirect_uri)


@contextmanager
def faults_lead_back(query: Mapping[str, str], application: Application, redirect_uri: str) -> Iterator[None]:
    """Reading the rest of a request whose address was found in order: faults get a way back for the person."""
    try:
        yield
    except InvalidRequest as fault:
        fault.application = application
        fault.way_back = authorization_response.invalid_request_url(
            redirect_uri, state_of(query), fault.parameter
        )
        raise


def _read(query: Mapping[str, str], application: Application, redirect_uri: str) -> AuthorizationRequest:
    response_type = _response_type(query)
    requested, required = _permissions(query, application)
    challenge, method = _code_challenge(query, application, response_type)
    vin = _single_select_vin(query)
    mode = mode_of(query)
    return AuthorizationRequest(
        application=application,
        mode=mode,
        requested=requested,
        response_type=response_type,
        redirect_uri=redirect_uri,
        redirect_uri_given=bool(query.get("redirect_uri")),
        state=state_of(query),
        any_login=takes_any_login(query),
        required=required,
        make=TESLA if vin else query.get("make", "").upper()[:32],
        single_select=flag(query, "single_select") or bool(vin),
        single_select_vin=vin,
        force_approval=one_of(query, "approval_prompt", ("auto", "force")) == "force",
        code_challenge=challenge,
        code_challenge_method=method,
        external_user=own_id_of(query, "user"),
        external_id=own_id_of(query, "external_id"),
        integration=_integration(query, application, mode),
    )


def _integration(query: Mapping[str, str], application: Application, mode: Mode) -> Integration:
    """What the application uses for new runs, or the Fleet API where the link asks for it.

    The SDKs' own test flow knows no address that has to be carried.
    """
    wanted = one_of(query, "integration", (application.integration, Integration.FLEET))
    return Integration.FLEET if takes_any_login(query) else interfaces.for_new_run(wanted, mode)


def _response_type(query: Mapping[str, str]) -> ResponseType:
    """`none` connects the car and gives no code: for applications that need no token of the person's."""
    try:
        return {"code": ResponseType.CODE, "none": ResponseType.NONE}[query.get("response_type", "")]
    except KeyError:
        raise InvalidRequest("response_type", _("It must be “code” or “none”.")) from None


def _permissions(query: Mapping[str, str], application: Application) -> tuple[list[str], list[str]]:
    """What is asked for and, of that, what is required; the application's own list where no scope is named."""
    words: Sequence[str] = words_of_scope(query) or application.permissions
    if not words:
        raise InvalidRequest("scope", _("It is missing, and the application has no permissions configured."))
    return permissions_in(words)


def _code_challenge(
    query: Mapping[str, str], application: Application, response_type: ResponseType
) -> tuple[str, str]:
    challenge = query.get("code_challenge", "")
    if not challenge:
        if application.client_type == Application.CLIENT_PUBLIC and response_type == ResponseType.CODE:
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
    if vin and not flag(query, "single_select"):
        raise InvalidRequest("single_select_vin", _("It is used together with single_select=true."))
    return vin
