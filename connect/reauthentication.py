"""Signing in at Tesla again for a car that is connected already: no permission page, no code, tokens go on working.

Smartcar v2.0, Connect: reauthenticate, by vehicle.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.utils.translation import gettext as _

from connect.authorize import (
    TESLA,
    AuthorizeRequest,
    InvalidRequest,
    application_of,
    external_user_of,
    parameters_of,
    redirect_uri_of,
    state_of,
)
from vehicles.models import Application, Connection, Mode, VehicleGrant


def read(query_string: str) -> AuthorizeRequest:
    """The request in the query of `/oauth/reauthenticate`. Raises `InvalidRequest` for the first fault found."""
    query = parameters_of(query_string)
    application = application_of(query)
    redirect_uri = redirect_uri_of(query, application)
    if query.get("response_type") != "vehicle_id":
        raise InvalidRequest("response_type", _("It must be “vehicle_id”."))
    grants = _grants(query, application)
    return AuthorizeRequest(
        application=application,
        redirect_uri=redirect_uri,
        redirect_uri_given=bool(query.get("redirect_uri")),
        state=state_of(query),
        mode=Mode(grants[0].account.mode),
        any_login=False,
        requested=list(dict.fromkeys(name for grant in grants for name in grant.requested)),
        required=[],
        make=TESLA,
        single_select=False,
        single_select_vin="",
        force_approval=False,
        code_challenge="",
        code_challenge_method="",
        external_user=external_user_of(query),
        connection=grants[0].connection,
    )


def _grants(query: Mapping[str, str], application: Application) -> list[VehicleGrant]:
    """What this application holds on the car; the same fault whether or not such a car exists."""
    unknown = InvalidRequest("vehicle_id", _("This application has no connected vehicle with this id."))
    try:
        wanted = uuid.UUID(query.get("vehicle_id", ""))
    except ValueError:
        raise unknown from None
    connection = Connection.objects.filter(application=application, public_id=wanted).first()
    held = VehicleGrant.objects.filter(connection=connection, revoked_at=None)
    grants = list(held.select_related("account", "connection__vehicle").order_by("pk"))
    if connection is None or not grants:
        raise unknown
    return grants
