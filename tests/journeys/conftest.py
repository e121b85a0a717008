"""A portal and a simulated Tesla over real HTTP, owners who walk through pages, and applications that call the API.

def test_a_story(owner, consumer):
    application, anna = consumer(), owner("anna")
    anna.connect(application)
    assert application.lock(ANNAS_MODEL_3).error == "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED"
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import time_machine
import urllib3
from django.utils import timezone

from tests.factories import ApplicationFactory
from tests.journeys.people import Consumer, Owner
from vehicles.tesla.simulator.server import SimulatorServer

Later = Callable[..., Any]


@pytest.fixture(autouse=True)
def everything_runs(live_server: Any, simulator: SimulatorServer) -> None:
    """The portal serves over HTTP, and so does the simulated Tesla."""


@pytest.fixture
def owner(simulator: SimulatorServer) -> Callable[[str], Owner]:
    """`owner("anna")`: a person of the cast with a browser of their own. Drivers as well."""
    return lambda name: Owner(f"{name}@owners.example", simulator.url)


@pytest.fixture
def consumer(portal_url: str) -> Callable[..., Consumer]:
    """`consumer(integration="legacy")`: a registered application; keywords as `ApplicationFactory` takes them."""

    def registered(**more: Any) -> Consumer:
        secret = secrets.token_urlsafe(32)
        row = ApplicationFactory(client_secret=secret, **more)
        return Consumer(portal_url, row.client_id, secret, row.first_redirect_uri)

    return registered


@pytest.fixture
def control(simulator: SimulatorServer) -> Callable[..., Any]:
    """`control("PATCH", "/provider", {"legacy_open": False})`: what happens at Tesla without anybody's doing."""

    def control(method: str, path: str, body: Any = None) -> Any:
        answer = urllib3.request(method, f"{simulator.url}/_sim{path}", json=body)
        assert answer.status in (200, 201), answer.data
        return answer.json()

    return control


@pytest.fixture
def executed(control: Callable[..., Any]) -> Callable[[str], list[str]]:
    """`executed(vin)`: the names of the commands that the car really carried out, in order."""
    return lambda vin: [done["command"] for done in control("GET", f"/vehicles/{vin}/executed")]


@pytest.fixture
def later() -> Later:
    """`with later(seconds=11):` it is that much later, for everybody."""

    @contextmanager
    def ahead(**ahead: float) -> Iterator[None]:
        with time_machine.travel(timezone.now() + timedelta(**ahead), tick=True):
            yield

    return ahead
