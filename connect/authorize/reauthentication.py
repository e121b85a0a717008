"""Signing in at Tesla again for what is connected already: no code is given, the application's tokens go on working.

By vehicle, the person comes back with the car's id. By make, what the application was given before moves to Tesla's
current interface and may be widened; the person is not sent back (Smartcar v2.0, Connect: reauthenticate).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.utils.translation import gettext as _

from connect.authorize import interfaces
from connect.authorize.authorization_request import AuthorizationRequest, faults_lead_back
from connect.authorize.parameters import (
    TESLA,
    InvalidRequest,
    application_of,
    mode_of,
    own_id_of,
    parameters_of,
    permissions_in,
    state_of,
    takes_any_login,
    words_of_scope,
)
from connect.authorize.redirect_uris import redirect_uri_of
from connect.models import ResponseType
from vehicles.models import Application, Connection, Integration, Mode, VehicleGrant


def parse_request(query_string: str) -> AuthorizationRequest:
    """The request in the query of `/oauth/reauthenticate`. Raises `InvalidRequest` for the first fault found."""
    query = parameters_of(query_string)
    application = application_of(query)
    if query.get("make") and not query.get("vehicle_id"):
        return _by_make(query, application)
    redirect_uri = redirect_uri_of(query, application)
    with faults_lead_back(query, application, redirect_uri):
        return _by_vehicle(query, application, redirect_uri)


def _by_vehicle(
    query: Mapping[str, str], application: Application, redirect_uri: str
) -> AuthorizationRequest:
    _check_response_type(query)
    grants = _grants(query, application)
    mode = Mode(grants[0].account.mode)
    return AuthorizationRequest(
        application=application,
        mode=mode,
        requested=list(dict.fromkeys(name for grant in grants for name in grant.requested)),
        response_type=ResponseType.VEHICLE_ID,
        redirect_uri=redirect_uri,
        redirect_uri_given=bool(query.get("redirect_uri")),
        state=state_of(query),
        external_user=own_id_of(query, "user"),
        connection=grants[0].connection,
        integration=interfaces.for_new_run(_integration(grants), mode),
    )


def _integration(grants: list[VehicleGrant]) -> Integration:
    """Signing in at the Fleet API renews every grant on the car, at the legacy API only those that have not moved."""
    have_moved = any(grant.integration == Integration.FLEET for grant in grants)
    return Integration.FLEET if have_moved else Integration.LEGACY


def _by_make(query: Mapping[str, str], application: Application) -> AuthorizationRequest:
    """Nothing moves without Tesla's scopes behind every permission named; where some are `required:`, behind those."""
    _check_response_type(query)
    if query["make"].upper() != TESLA:
        raise InvalidRequest("make", _("Only TESLA can be reauthenticated by make."))
    requested, required = permissions_in(words_of_scope(query))
    if not requested:
        raise InvalidRequest("scope", _("It is missing."))
    return AuthorizationRequest(
        application=application,
        mode=mode_of(query),
        requested=requested,
        required=required or requested,
        response_type=ResponseType.VEHICLE_ID,
        any_login=takes_any_login(query),
        external_user=own_id_of(query, "user"),
    )


def _check_response_type(query: Mapping[str, str]) -> None:
    if query.get("response_type") != "vehicle_id":
        raise InvalidRequest("response_type", _("It must be “vehicle_id”."))


def _grants(query: Mapping[str, str], application: Application) -> list[VehicleGrant]:
    """What this application holds on the car; the same fault whether or not such a car exists."""
    unknown = InvalidRequest("vehicle_id", _("This application has no connected vehicle with this id."))
    try:
        wanted = uuid.UUID(query.get("vehicle_id", ""))
    except ValueError:
        raise unknown from None
    connection = Connection.objects.filter(application=application, public_id=wanted).first()
    held = VehicleGrant.objects.active().filter(connection=connection)
    grants = list(held.select_related("account", "connection__vehicle").order_by("pk"))
    if connection is None or not grants:
        raise unknown
    return grants
