"""What an endpoint knows of a request that it refuses: whose it is, and which car and control it is about."""

from __future__ import annotations

from typing import Final

from django.utils import timezone
from rest_framework.request import Request

from vehicles.api.authorization import Caller
from vehicles.api.client_authentication import Client
from vehicles.api.management.authorization import Manager
from vehicles.errors import CatalogueError
from vehicles.history import refused_requests
from vehicles.models import Application, VehicleGrant

_GRANT: Final = "grant_asked_about"
_CONTROL: Final = "control_asked_for"


def about(request: Request, grant: VehicleGrant, *, control: str = "") -> None:
    """Remember what the request is about, for the case that it is refused."""
    request.__dict__.update({_GRANT: grant, _CONTROL: control})


def note(request: Request, error: CatalogueError) -> None:
    """Keep the refusal of this request, where it is known whose it is."""
    application = _application(request)
    if application is None:
        return
    refused_requests.note(
        error,
        application=application,
        grant=request.__dict__.get(_GRANT),
        method=str(request.method),
        route=_route(request),
        control=request.__dict__.get(_CONTROL, ""),
        now=timezone.now(),
    )


def _route(request: Request) -> str:
    """The path with names in place of its variable parts: what stands there may be anything, a VIN as well."""
    place, route = request.resolver_match, str(request.path)
    for name, value in place.kwargs.items() if place else ():
        route = route.replace(f"/{value}", f"/{{{name}}}")
    return route


def _application(request: Request) -> Application | None:
    """Whose request it is. Looks at what was found out already, for finding it out may be what was refused."""
    caller, user = request.__dict__.get("_auth"), request.__dict__.get("_user")
    if isinstance(caller, Caller):
        return caller.application
    return user.application if isinstance(user, Manager | Client) else None
