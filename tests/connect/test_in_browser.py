"""The journey in a real browser, at phone and desktop size (`browsing` tells how to keep pictures of it)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page

from tests.connect.browsing import approve_key, authorize, opened, shoot, sign_in
from tests.connect.conftest import AtTesla
from tests.factories import ApplicationFactory, VehicleGrantFactory
from vehicles.evidence import incidents
from vehicles.models import Application, Connection, IncidentKind, TeslaAccount, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import PASSWORD
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def application(db: Any) -> Application:
    return ApplicationFactory(name="Charge Planner", colour="#0f766e", requires_key=False)


@pytest.mark.slow
def test_an_owner_of_two_cars_adds_one_key_and_leaves_the_other_for_later(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, anna: Any
) -> None:
    authorize(page, live_server.url, application)
    shoot(page, "1-preamble")
    page.click("#continue-button")
    sign_in(page, anna.email)
    page.wait_for_selector(".page-content #approval-button")
    shoot(page, "3-permissions")
    page.click("#approval-button")
    page.wait_for_selector("#skip-button")
    shoot(page, "4-key")
    assert page.locator("#continue-button").is_disabled()

    approve_key(page, anna.email)
    page.wait_for_selector("#continue-button:not([disabled])")
    shoot(page, "5-key-added")
    page.click("#continue-button")
    page.wait_for_selector("#skip-button")
    shoot(page, "6-second-key")
    page.click("#skip-button")

    page.wait_for_url("https://example.com/auth**")
    assert dict(parse_qsl(urlsplit(page.url).query)).keys() == {"code", "state", "user_id", "virtual_key_url"}
    assert VehicleGrant.objects.count() == 2


@pytest.mark.slow
def test_pages_that_stop_a_run_say_what_to_do(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, clara: Any
) -> None:
    authorize(page, live_server.url, application, redirect_uri="https://evil.example/")
    shoot(page, "7-invalid-request")
    authorize(page, live_server.url, application, make="TESLA")
    page.click("#continue-button")
    page.wait_for_selector("#sign-in-button")
    page.go_back()
    page.reload()
    shoot(page, "8-tesla-again")
    page.click("#continue-button")
    sign_in(page, clara.email, but="vehicle_device_data")
    shoot(page, "9-required-missing")
    page.click("#tesla-button")
    page.locator("#scope-vehicle_device_data").check()
    page.locator("#scope-vehicle_location").uncheck()
    page.click("#allow-button")
    shoot(page, "10-driver-permissions")
    page.click("#approval-button")
    page.wait_for_selector("#skip-button")
    shoot(page, "12-driver-key")
    page.goto(str(page.locator("#owner-link").get_attribute("href")))
    shoot(page, "13-owner")
    page.goto(f"{live_server.url}/connect/00000000-0000-4000-8000-000000000000")
    shoot(page, "14-unknown")


@pytest.mark.slow
def test_the_callback_address_is_carried_over_from_teslas_tab(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, emma: Any
) -> None:
    Application.objects.update(integration="legacy")
    authorize(page, live_server.url, application, make="TESLA")
    page.click("#continue-button")
    shoot(page, "20-legacy-login")
    # Where the login ends, a browser shows only to people who look for it.
    there, login_page = AtTesla(), str(page.locator("#tesla-login-link").get_attribute("href"))
    address = there.open(there.log_in(login_page, emma.email))
    page.fill("#callback-address", "not an address")
    page.click("#continue-button")
    shoot(page, "21-legacy-refused")
    assert address.startswith("tesla://auth/callback?")
    page.fill("#callback-address", f"Failed to launch '{address}' because no application knows it.")
    page.click("#continue-button")
    page.click("#approval-button")
    page.wait_for_url("https://example.com/auth**")
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"legacy"}
    incidents.begin(IncidentKind.LEGACY_CLOSED, "live", timezone.now())
    authorize(page, live_server.url, application, make="TESLA")
    shoot(page, "22-legacy-closed")


def refused_once_more(page: Page, url: str, application: Application, email: str) -> None:
    """A required box is missing, and Tesla brings the person back without asking again."""
    authorize(page, url, application, make="TESLA", scope="required:control_security read_odometer")
    page.click("#continue-button")
    sign_in(page, email, but="vehicle_cmds")
    page.click("#tesla-button")
    page.wait_for_url("**/removal")


def remove_access(page: Page) -> None:
    """On Tesla's page, in a tab of its own."""
    with page.expect_popup() as popup:
        page.click("#tesla-apps-link")
    popup.value.click("#remove-access-button")
    popup.value.wait_for_selector("#access-removed")
    popup.value.close()


@pytest.mark.slow
def test_the_guide_ticks_itself_when_tesla_says_that_access_is_removed(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, dieter: Any
) -> None:
    simulator.world.provider.asks_for_missing_scopes = False
    refused_once_more(page, live_server.url, application, dieter.email)
    account = TeslaAccount.objects.get()
    VehicleGrantFactory(account=account, application=ApplicationFactory(name="Night Watch"))
    page.reload()
    shoot(page, "17-removal-guide")
    assert page.locator("[data-seen=true]").count() == 0 and not page.locator("#check-button").is_visible()

    remove_access(page)
    page.wait_for_selector("[data-seen=true] >> nth=2")
    shoot(page, "18-removal-seen")
    page.click("#tesla-button")
    page.locator("#scope-vehicle_cmds").check()
    page.locator("#scope-vehicle_device_data").check()
    page.click("#allow-button")
    page.click("#approval-button")
    page.wait_for_url("https://example.com/auth?code=**")


@pytest.mark.slow
def test_without_scripts_the_guide_ticks_at_the_press_of_a_button(
    browser: Browser, live_server: Any, simulator: SimulatorServer, application: Application, dieter: Any
) -> None:
    simulator.world.provider.asks_for_missing_scopes = False
    page = opened(browser, "phone", java_script_enabled=False)
    refused_once_more(page, live_server.url, application, dieter.email)
    remove_access(page)
    while page.locator("#check-button").count():
        page.wait_for_timeout(1000)
        page.click("#check-button")

    assert page.locator("[data-seen=true]").count() == 3
    page.click("#tesla-button")
    page.wait_for_selector("#allow-button")


@pytest.mark.slow
def test_a_reauthentication_by_make_ends_on_a_page_of_ours(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, dieter: Any
) -> None:
    authorize(page, live_server.url, application, make="TESLA", scope="read_vin")
    page.click("#continue-button")
    sign_in(page, dieter.email)
    page.click("#approval-button")
    page.wait_for_url("https://example.com/auth**")
    VehicleGrant.objects.update(integration="legacy")
    query = {
        "response_type": "vehicle_id",
        "client_id": str(application.client_id),
        "make": "TESLA",
        "scope": "read_vin read_location control_security",
    }

    page.goto(f"{live_server.url}/oauth/reauthenticate?{urlencode(query)}")
    shoot(page, "19-reauthenticate-make")
    page.click("#continue-button")
    page.locator("#scope-vehicle_location").check()
    page.locator("#scope-vehicle_cmds").check()
    page.click("#allow-button")
    page.wait_for_selector("#approval-button")
    shoot(page, "20-move")
    page.click("#approval-button")
    page.wait_for_selector("#moved")
    shoot(page, "21-moved")

    grant = VehicleGrant.objects.get()
    assert grant.integration == "fleet"
    assert set(grant.approved) == {"read_vin", "read_location", "control_security"}


@pytest.mark.slow
def test_pages_at_which_the_application_can_be_told_more(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, anna: Any
) -> None:
    authorize(page, live_server.url, application, scope="read_minds")
    shoot(page, "22-invalid-request-with-way-back")
    page.click("#leave-button")
    page.wait_for_url("https://example.com/auth?error=configuration_error**")
    vin = "5YJ3E7EA0KF999999"
    authorize(page, live_server.url, application, single_select="true", single_select_vin=vin)
    page.click("#continue-button")
    sign_in(page, anna.email)
    page.wait_for_selector("#leave-button")
    shoot(page, "23-another-car")
    page.locator("input[name=tell]").nth(1).check()
    page.click("#leave-button")
    page.wait_for_url("https://example.com/auth?error=vehicle_incompatible**&vin=5YJ**")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at_tesla", "heard"),
    [
        ("login_cancelled", "oem_cancelled_login"),
        ("server_error", "server_error"),
        ("unauthorized_client", "configuration_error"),
    ],
)
def test_whoever_comes_back_from_tesla_without_a_login_finds_the_way_to_the_application(
    browser: Browser, live_server: Any, simulator: SimulatorServer, application: Application,
    at_tesla: str, heard: str,
) -> None:  # fmt: skip
    page = opened(browser, "phone")
    page.shot_prefix = "phone-exit"
    authorize(page, live_server.url, application, make="TESLA")
    page.click("#continue-button")
    page.wait_for_selector("#sign-in-button")
    state = dict(parse_qsl(urlsplit(page.url).query))["state"]
    page.goto(f"{live_server.url}/connect/tesla/callback?{urlencode({'state': state, 'error': at_tesla})}")
    shoot(page, at_tesla)
    leave(page, heard)


@pytest.mark.slow
def test_whoever_declines_at_tesla_finds_the_way_to_the_application(
    browser: Browser, live_server: Any, simulator: SimulatorServer, application: Application, anna: Any
) -> None:
    page = opened(browser, "phone")
    page.shot_prefix = "phone-exit"
    authorize(page, live_server.url, application, make="TESLA")
    page.click("#continue-button")
    page.fill("#username", anna.email)
    page.fill("#password", PASSWORD)
    page.click("#sign-in-button")
    page.click("#deny-button")
    shoot(page, "declined-at-tesla")
    leave(page, "access_denied")


@pytest.mark.slow
def test_whoever_has_no_car_finds_the_way_to_the_application(
    browser: Browser, live_server: Any, simulator: SimulatorServer, application: Application, anna: Any
) -> None:
    page = opened(browser, "phone")
    page.shot_prefix = "phone-exit"
    simulator.world.accounts[anna.email].access.clear()
    authorize(page, live_server.url, application, make="TESLA")
    page.click("#continue-button")
    sign_in(page, anna.email)
    page.wait_for_selector("#leave-button")
    shoot(page, "no-car")
    leave(page, "no_vehicles")


def leave(page: Page, error: str) -> None:
    """Back to the application, which hears this error."""
    page.click("#leave-button")
    page.wait_for_url(f"https://example.com/auth?error={error}**")


@pytest.mark.slow
def test_without_scripts_the_journey_completes_all_the_same(
    browser: Browser, live_server: Any, simulator: SimulatorServer, application: Application, anna: Any
) -> None:
    page = opened(browser, "phone", java_script_enabled=False)
    authorize(page, live_server.url, application, single_select="true")
    page.click("#continue-button")
    sign_in(page, anna.email)
    page.locator("input[type=radio]").first.check()
    page.click("#approval-button")
    approve_key(page, anna.email)
    while page.locator("#continue-button").is_disabled():
        page.wait_for_timeout(500)
        page.click("#check-button")
    page.click("#continue-button")

    page.wait_for_url("https://example.com/auth**")
    assert "code=" in page.url


@pytest.mark.slow
def test_reauthentication_and_the_pages_around_it(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, bernd: Any
) -> None:
    authorize(page, live_server.url, application, make="TESLA")
    page.click("#continue-button")
    sign_in(page, bernd.email)
    page.click("#approval-button")
    page.wait_for_url("https://example.com/auth**")
    query = {
        "response_type": "vehicle_id",
        "client_id": str(application.client_id),
        "vehicle_id": str(Connection.objects.get().public_id),
    }

    page.goto(f"{live_server.url}/oauth/reauthenticate?{urlencode(query)}")
    shoot(page, "15-reauthenticate")
    page.click("#continue-button")
    page.wait_for_url("https://example.com/auth?vehicle_id=**")

    simulator.world.accounts[bernd.email].access.clear()
    authorize(page, live_server.url, application, make="TESLA", approval_prompt="force")
    page.click("#continue-button")
    page.wait_for_selector("#problem")
    shoot(page, "16-no-vehicles")
    page.click("#leave-button")
    page.wait_for_url("https://example.com/auth?error=no_vehicles**")


def test_the_click_path_of_the_published_sdks_fits(
    browser: Browser, live_server: Any, simulator: SimulatorServer, application: Application
) -> None:
    page = opened(browser, "desktop")
    authorize(page, live_server.url, application, mode="test")
    page.click("button#continue-button")
    page.click("button#TESLA.brand-list-item")
    page.fill("#username", "9f0c1b6a@email.example")
    page.fill("#password", "password")
    page.click("#sign-in-button")
    page.wait_for_selector(".page-content")
    page.click("button#approval-button")

    page.wait_for_url("https://example.com/auth?code=**")
