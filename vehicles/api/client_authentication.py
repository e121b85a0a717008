"""Client credentials: an application asks for itself, with `Basic base64(client_id:client_secret)`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.hashers import check_password
from django.utils.crypto import constant_time_compare
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from vehicles import errors
from vehicles.client_credentials import basic_credentials
from vehicles.errors import CatalogueError
from vehicles.models import Application


@dataclass(frozen=True, slots=True)
class Client:
    """The application behind client credentials."""

    application: Application
    is_authenticated: bool = True


class ClientAuthentication(BaseAuthentication):
    """`request.user` becomes the `Client`. Raises AUTHENTICATION for anything but the credentials of an application."""

    def authenticate(self, request: Request) -> tuple[Client, None]:
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        for client_id, secret in basic_credentials(credentials) if scheme.lower() == "basic" else []:
            application = _application(client_id)
            if application is not None and _is_secret_of(application, secret):
                return Client(application), None
        raise CatalogueError(errors.AUTHENTICATION, reason="no valid client credentials")

    def authenticate_header(self, request: Request) -> str:
        return "Basic"


def _application(client_id: str) -> Application | None:
    # PostgreSQL takes no NUL in a text, so such an id cannot even be looked up.
    return None if "\x00" in client_id else Application.objects.filter(client_id=client_id).first()


def _is_secret_of(application: Application, secret: str) -> bool:
    """Whether the secret is the application's, which is stored hashed unless the application says otherwise."""
    if application.hash_client_secret:
        return check_password(secret, application.client_secret)
    return constant_time_compare(secret, application.client_secret)


class ClientScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's description names client credentials."""

    target_class = ClientAuthentication
    name = "clientCredentials"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The scheme in OpenAPI's words."""
        return {"type": "http", "scheme": "basic"}
