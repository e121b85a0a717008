"""What the demo's database holds before anybody connects: staff and applications."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password

from portal import application_credentials
from portal.demo.environment import Ports
from vehicles.models import Application, Integration, User

EXAMPLE_REDIRECT = "https://example.com/auth"
STAFF = "staff"


@dataclass(frozen=True, slots=True)
class DemoApplication:
    """An API consumer of the demo with the credentials that it can always be given again."""

    name: str
    integration: str
    redirect_uri: str
    colour: str
    client_id: str
    client_secret: str
    management_token: str

    @property
    def redirect_uris(self) -> list[str]:
        """Its own and the one that SDK examples use."""
        return list(dict.fromkeys([self.redirect_uri, EXAMPLE_REDIRECT]))


def applications(ports: Ports, seed: str) -> list[DemoApplication]:
    """The demo's applications; the first is the one that is started with it. Credentials follow from the seed."""

    def application(name: str, integration: str, redirect_uri: str, colour: str) -> DemoApplication:
        client_id = uuid.UUID(bytes=_derive(seed, f"{name}:client_id")[:16], version=4)
        secret, token = (_text(_derive(seed, f"{name}:{what}")) for what in ("secret", "management"))
        return DemoApplication(name, integration, redirect_uri, colour, str(client_id), secret, token)

    callback = f"{ports.sample_application_url}/callback"
    return [
        application("Sample application", Integration.FLEET, callback, "#0f766e"),
        application("Charge planner", Integration.FLEET, EXAMPLE_REDIRECT, "#1d4ed8"),
        application("Mileage book", Integration.LEGACY, EXAMPLE_REDIRECT, "#9a3412"),
    ]


def _derive(seed: str, purpose: str) -> bytes:
    return hmac.new(seed.encode(), purpose.encode(), hashlib.sha256).digest()


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def keep_staff(password: str) -> None:
    """The staff login, with every right, and this password."""
    User.objects.update_or_create(
        username=STAFF, defaults={"is_staff": True, "is_superuser": True, "password": make_password(password)}
    )


def keep_application(wanted: DemoApplication, owner: User) -> Application:
    """The application's row, created or brought to what the demo's ports and secrets say."""
    row = Application.objects.filter(client_id=wanted.client_id).first()
    row = row or Application(client_id=wanted.client_id, client_secret=wanted.client_secret)
    row.name, row.integration, row.colour = wanted.name, wanted.integration, wanted.colour
    row.redirect_uris = " ".join(wanted.redirect_uris)
    row.client_type = Application.CLIENT_CONFIDENTIAL
    row.authorization_grant_type = Application.GRANT_AUTHORIZATION_CODE
    row.user = owner
    row.save()
    application_credentials.keep_management_token(row, wanted.management_token)
    return row
