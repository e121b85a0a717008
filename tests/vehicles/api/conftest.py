"""An application, a person, their car and a token; and a client that speaks for the application."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import (
    AccessTokenFactory,
    TeslaAccountFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.vehicles.api.answering_tesla import AnsweringTesla
from vehicles.models import Application, Integration, TeslaAccount, VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.tesla.auth import Tokens
from vehicles.tokens import store

KEYLESS_VIN = "5YJSA1E20HF000001"
"""A Model S from 2017: it takes no virtual key and no signed commands."""


@dataclass
class Calls:
    """The API as one application calls it, for one person."""

    grant: VehicleGrant
    token: str

    @property
    def application(self) -> Application:
        return self.grant.connection.application

    @property
    def account(self) -> TeslaAccount:
        return self.grant.account

    @property
    def vehicle_id(self) -> str:
        return str(self.grant.connection.public_id)

    def __call__(self, method: str, path: str, *, token: str | None = None, **more: Any) -> Any:
        """`{id}` in the path stands for the vehicle's id."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"} | more.pop(
            "headers", {}
        )
        address = path.replace("{id}", self.vehicle_id)
        return Client().generic(method, address, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        return self("GET", path, **more)

    def post(self, path: str, data: str, **more: Any) -> Any:
        return self("POST", path, data=data, content_type="application/json", **more)

    def lock(self, data: str = '{"action": "LOCK"}', **more: Any) -> Any:
        return self.post("/v2.0/vehicles/{id}/security", data, **more)


@pytest.fixture
def tesla(settings: Any) -> Iterator[AnsweringTesla]:
    """A Tesla that answers what the test says."""
    with AnsweringTesla() as server:
        settings.TESLA_API_URL = server.url
        yield server


@pytest.fixture
def api(db: None) -> Calls:
    """An application that may do everything with a keyless car."""
    return calls_for(keyless_grant())


def keyless_grant(**more: Any) -> VehicleGrant:
    """A grant on a car that takes commands unsigned; its account is signed in at Tesla."""
    vehicle = VehicleFactory(
        vin=KEYLESS_VIN, model="Model S", year=2017, key="not_required", protocol_required=False
    )
    account = TeslaAccountFactory()
    tokens = Tokens("access", "refresh", 28800)
    store.store_login(account, Integration.FLEET, tokens, timezone.now())
    requested = [
        "read_security",
        "read_vehicle_info",
        "read_vin",
        "read_battery",
        "read_charge",
        "read_odometer",
    ]
    return VehicleGrantFactory(
        vehicle=vehicle,
        account=account,
        **{"requested": [*requested, "read_location", "control_security"], **more},
    )


def calls_for(grant: VehicleGrant, **more: Any) -> Calls:
    """The API as called with a token for this grant's application and person."""
    application, person = grant.connection.application, grant.account.person
    token = AccessTokenFactory(application=application, user=person, **more)
    return Calls(grant, token.raw)


@pytest.fixture
def signed(db: None, sign_in: Any, dieter: Any) -> Calls:
    """An application that may do everything with Dieter's Model 3, which has the key and wants signed commands."""
    return calls_for(_full_grant(sign_in(dieter)))


@pytest.fixture
def unsigned(db: None, sign_in: Any, bernd: Any) -> Calls:
    """An application that may do everything with Bernd's Model S of 2018, which takes commands unsigned."""
    return calls_for(_full_grant(sign_in(bernd)))


@pytest.fixture
def keyless(db: None, sign_in: Any, anna: Any) -> Calls:
    """An application that may do everything with Anna's Model 3, which wants signatures and lacks the key."""
    return calls_for(_full_grant(sign_in(anna)))


def _full_grant(account: TeslaAccount) -> VehicleGrant:
    vehicle = account.accesses.order_by("vehicle__vin").first().vehicle
    granted: VehicleGrant = VehicleGrantFactory(account=account, vehicle=vehicle, requested=list(PERMISSIONS))
    return granted
