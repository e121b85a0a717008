"""The walking skeleton: an owner connects in a browser, an application on the official SDK reads and locks the car."""

from __future__ import annotations

import importlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
import smartcar
import smartcar.config
import time_machine
from django.utils import timezone

from tests.factories import ApplicationFactory
from vehicles.models import Application
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, ANNAS_MODEL_Y, BERNDS_MODEL_S, PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECRET = secrets.token_urlsafe(32)
REDIRECT = "https://example.com/auth"
SCOPE = [
    "required:read_vehicle_info", "read_vin", "read_battery", "read_odometer", "read_location", "control_security",
]  # fmt: skip


@pytest.fixture
def application(portal_url: str, monkeypatch: pytest.MonkeyPatch) -> Application:
    """A registered application whose SDK was told nothing but where Carport is."""
    registered = ApplicationFactory(name="Journey", client_secret=SECRET, redirect_uris=REDIRECT)
    monkeypatch.setenv("SMARTCAR_API_ORIGIN", portal_url)
    monkeypatch.setenv("SMARTCAR_CONNECT_ORIGIN", portal_url)
    monkeypatch.setenv("SMARTCAR_AUTH_ORIGIN", f"{portal_url}/oauth/token")
    importlib.reload(smartcar.config)
    return registered


@pytest.fixture
def client(application: Application) -> smartcar.AuthClient:
    return smartcar.AuthClient(application.client_id, SECRET, REDIRECT, mode="live")


def connect(page: Page, client: smartcar.AuthClient, email: str) -> str:
    """Go through Connect as this owner, ticking everything and leaving keys for later; returns the code."""
    page.route("https://example.com/**", lambda route: route.fulfill(body="back at the application"))
    page.goto(client.get_auth_url(SCOPE, {"state": "a state/with=signs&"}))
    page.click("#continue-button")
    sign_in(page, email)
    for box in page.locator("input[name=scope]").all():
        assert not box.is_checked()
        box.check()
    page.click("#allow-button")
    assert page.locator(".page-content").is_visible()
    page.click("#approval-button")
    while page.locator("#skip-button").count():
        page.click("#skip-button")
    page.wait_for_url("https://example.com/**")
    query = parse_qs(urlsplit(page.url).query)
    assert query["state"] == ["a state/with=signs&"]
    return query["code"][0]


def sign_in(page: Page, email: str) -> None:
    page.fill("#username", email)
    page.fill("#password", PASSWORD)
    page.click("#sign-in-button")


def cars_by_vin(client: smartcar.AuthClient, code: str) -> dict[str, smartcar.Vehicle]:
    access = client.exchange_code(code)
    vehicles = [
        smartcar.Vehicle(each, access.access_token)
        for each in smartcar.get_vehicles(access.access_token).vehicles
    ]
    return {vehicle.vin().vin: vehicle for vehicle in vehicles}


def is_paired(car: smartcar.Vehicle) -> Any:
    # The SDK keeps its default `headers` from call to call, so each call brings its own.
    return car.request("GET", "tesla/virtual_key", headers={}).body["isPaired"]


def executed(simulator: SimulatorServer, vin: str) -> list[str]:
    car = simulator.world.car(vin)
    assert car is not None
    return [done.command for done in car.executed]


@pytest.mark.usefixtures("live_server")
def test_a_model_3_is_read_at_once_and_locks_when_its_owner_has_added_the_key(
    browser: Browser, client: smartcar.AuthClient, simulator: SimulatorServer
) -> None:
    page = browser.new_page()
    cars = cars_by_vin(client, connect(page, client, "anna@owners.example"))
    assert set(cars) == {ANNAS_MODEL_3, ANNAS_MODEL_Y}

    car = cars[ANNAS_MODEL_3]
    assert car.attributes().model == "Model 3"
    assert 0 < car.battery().percent_remaining <= 1
    assert car.odometer().distance > 0
    assert -90 <= car.location().latitude <= 90
    assert set(car.permissions().permissions) == {name.removeprefix("required:") for name in SCOPE}

    with pytest.raises(smartcar.SmartcarException) as refused:
        car.lock()
    assert (refused.value.type, refused.value.code) == ("CONNECTED_SERVICES_ACCOUNT", "VIRTUAL_KEY_REQUIRED")
    assert (is_paired(car), executed(simulator, ANNAS_MODEL_3)) == (False, [])

    page.goto(refused.value.resolution["url"])
    page.click("#approve-key-button")
    page.wait_for_selector("#pairing-done")
    # A missing key is looked for again once what is known of it is ten seconds old.
    with time_machine.travel(timezone.now() + timedelta(seconds=11), tick=True):
        assert (is_paired(car), is_paired(cars[ANNAS_MODEL_Y])) == (True, False)
        assert car.lock().status == "success"
    assert len(executed(simulator, ANNAS_MODEL_3)) == 1


@pytest.mark.usefixtures("live_server")
def test_a_model_s_of_2018_locks_without_a_key(
    browser: Browser, client: smartcar.AuthClient, simulator: SimulatorServer
) -> None:
    cars = cars_by_vin(client, connect(browser.new_page(), client, "bernd@owners.example"))
    assert cars[BERNDS_MODEL_S].lock().status == "success"
    assert len(executed(simulator, BERNDS_MODEL_S)) == 1
