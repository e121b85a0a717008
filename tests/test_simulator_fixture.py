"""The fixtures that other tests stand on: a simulated Tesla, and people who have signed in there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
import urllib3

from tests.conftest import TESLA_ORIGINS, SignIn
from tests.factories import ApplicationFactory
from vehicles import grants
from vehicles.models import Vehicle
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.upstream import calls

pytestmark = pytest.mark.django_db


def test_every_origin_of_tesla_is_the_simulated_one(simulator: SimulatorServer, settings: Any) -> None:
    assert {getattr(settings, name) for name in TESLA_ORIGINS} == {simulator.url}
    assert urllib3.request("GET", simulator.url).status == 200


def test_a_person_who_signed_in_has_working_tokens_and_listed_cars(
    sign_in: SignIn, anna: ScenarioPerson
) -> None:
    account = sign_in(anna)
    assert account.sub == anna.sub
    assert set(Vehicle.objects.values_list("vin", flat=True)) == {car.vin for car in anna.vehicles}
    assert len(calls.listed_vehicles(account)) == 2


def test_grants_reach_no_further_than_the_scopes_of_the_login(
    sign_in: SignIn, bernd: ScenarioPerson, now: datetime
) -> None:
    account = sign_in(bernd, scopes=["openid", "offline_access", "vehicle_device_data"])
    asked = ["read_battery", "control_security"]
    [grant] = grants.give(
        application=ApplicationFactory(),
        account=account,
        vehicles=list(Vehicle.objects.all()),
        requested=asked,
        approved=asked,
        now=now,
    )
    assert grant.approved == ["read_battery"]


def test_each_test_has_a_simulated_tesla_of_its_own(simulator: SimulatorServer, anna: ScenarioPerson) -> None:
    account = simulator.world.account(anna.email)
    assert account is not None
    assert account.consents == {}
