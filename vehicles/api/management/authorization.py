"""Management tokens: an application asks about all of its own connections. `Basic base64("default:" + token)`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.crypto import constant_time_compare
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from vehicles import errors
from vehicles.api.authorization import BearerAuthentication
from vehicles.client_credentials import basic_credentials, checksum
from vehicles.errors import CatalogueError
from vehicles.models import Application

USER_NAME: Final = "default"
"""What stands in place of a user name (Smartcar v2.0: Management)."""


@dataclass(frozen=True, slots=True)
class Manager:
    """The application behind a management token; it acts for itself, not for a person."""

    application: Application
    is_authenticated: bool = True


class ManagementAuthentication(BaseAuthentication):
    """`request.user` becomes the `Manager`. Raises AUTHENTICATION for anything but a valid management token."""

    def authenticate(self, request: Request) -> tuple[Manager, None]:
        return Manager(application_of(request.headers.get("Authorization", ""))), None

    def authenticate_header(self, request: Request) -> str:
        return "Basic"


class ManagementTokenAsBearer(BaseAuthentication):
    """`Authorization: Bearer` with the management token, or HTTP Basic. Raises AUTHENTICATION for anything else.

    Clients of v2.0 end a subscription to a webhook like this.
    """

    def authenticate(self, request: Request) -> tuple[Manager, None]:
        authorization = request.headers.get("Authorization", "")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return Manager(_application_with(token.strip())), None
        return Manager(application_of(authorization)), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class PersonOrApplication(BaseAuthentication):
    """A bearer token, or in HTTP Basic the management token. Raises AUTHENTICATION for anything else."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        scheme = request.headers.get("Authorization", "").partition(" ")[0].lower()
        kind = ManagementAuthentication if scheme == "basic" else BearerAuthentication
        return kind().authenticate(request)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def application_of(authorization: str) -> Application:
    """The application whose management token the value of an Authorization header holds. Raises AUTHENTICATION."""
    scheme, _, credentials = authorization.partition(" ")
    spellings = basic_credentials(credentials) if scheme.lower() == "basic" else []
    return _application_with(*(token for user, token in spellings if user == USER_NAME))


def _application_with(*tokens: str) -> Application:
    for wanted in map(checksum, tokens):
        row = Application.objects.filter(management_token_checksum=wanted).first()
        if row is not None and constant_time_compare(row.management_token_checksum, wanted):
            return row
    raise CatalogueError(errors.AUTHENTICATION, reason="the management token is missing or unknown")


class ManagementScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names the management token."""

    target_class = ManagementAuthentication
    name = "managementToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The scheme in OpenAPI's words."""
        return {"type": "http", "scheme": "basic"}
