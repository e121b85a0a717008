"""What the demo's database holds before anybody connects: staff, applications, and one owner on the legacy API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password

from portal import application_credentials
from portal.demo.environment import Ports
from vehicles import grants
from vehicles.diagnosis import Consent, Key
from vehicles.models import (
    Application,
    Integration,
    Mode,
    TeslaAccount,
    TeslaToken,
    User,
    Vehicle,
    VehicleAccess,
)
from vehicles.tesla import vin as vins
from vehicles.tesla.simulator.scenarios import ScenarioPerson, ScenarioVehicle

EXAMPLE_REDIRECT = "https://example.com/auth"
STAFF = "staff"
LEGACY_PERMISSIONS = ("read_vehicle_info", "read_vin", "read_battery", "read_odometer", "control_security")


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


def keep_legacy_owner(person: ScenarioPerson, application: Application, now: datetime) -> None:
    """A person who connected long ago through the legacy API, with their cars and grants. Does nothing twice."""
    if TeslaAccount.objects.filter(sub=person.sub, mode=Mode.LIVE).exists():
        return
    user = User.objects.create(username=f"tesla-{person.sub}", is_person=True, password=make_password(None))
    account = TeslaAccount.objects.create(
        person=user,
        mode=Mode.LIVE,
        sub=person.sub,
        email=person.email,
        region=person.region,
        consent=Consent.UNKNOWN,
    )
    TeslaToken.objects.create(account=account, integration=Integration.LEGACY)
    grants.give(
        application=application,
        account=account,
        vehicles=_cars(account, person.vehicles, now),
        requested=LEGACY_PERMISSIONS,
        approved=LEGACY_PERMISSIONS,
        integration=Integration.LEGACY,
        now=now,
    )


def _cars(account: TeslaAccount, cars: Sequence[ScenarioVehicle], now: datetime) -> list[Vehicle]:
    rows = []
    for car in cars:
        vehicle, _ = Vehicle.objects.get_or_create(
            vin=car.vin,
            mode=account.mode,
            defaults={
                "model": vins.model(car.vin),
                "year": vins.year(car.vin),
                "display_name": car.name,
                "key": Key.UNKNOWN,
                "key_reason": "legacy_only",
            },
        )
        VehicleAccess.objects.get_or_create(
            account=account, vehicle=vehicle, defaults={"access_type": car.access_type, "seen_at": now}
        )
        rows.append(vehicle)
    return rows
