"""The fix-it page and the person's own page in a real browser, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from connect.links.fix_link import address
from tests.conftest import SignIn
from tests.connect.browsing import opened, shoot
from tests.connect.browsing import sign_in as sign_in_at_tesla
from tests.factories import ApplicationFactory, FixLinkFactory, VehicleGrantFactory
from vehicles import facts
from vehicles.models import Application, Vehicle, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
NAMED = ["read_vehicle_info", "read_odometer", "control_security"]


@pytest.fixture
def application(db: Any) -> Application:
    return ApplicationFactory(name="Charge Planner", colour="#0f766e")


@pytest.fixture
def fix_link(live_server: Any, application: Application, anna: ScenarioPerson, sign_in: SignIn) -> str:
    """Anna's two cars lack the key, and both are connected to the application."""
    account = sign_in(anna)
    for vehicle in Vehicle.objects.order_by("pk"):
        VehicleGrantFactory(account=account, application=application, vehicle=vehicle, requested=NAMED)
    facts.refresh_verdicts(VehicleGrant.objects.all(), timezone.now())
    return address(FixLinkFactory(application=application, person=account.person))


def key_is_on(vin: str) -> None:
    Vehicle.objects.filter(vin=vin).update(key="present", key_reason="", key_observed_at=timezone.now())
    facts.refresh_verdicts(VehicleGrant.objects.all(), timezone.now())


def test_the_fix_it_page_ticks_itself(page: Page, fix_link: str) -> None:
    page.goto(fix_link)
    open_steps = page.locator("[data-seen=false]")
    expect(open_steps).to_have_count(2)
    shoot(page, "40-fix-it")
    if page.locator(".qr-box").first.is_visible():
        page.locator(".qr-box summary").first.click()
    expect(page.locator(".qr:visible").first).to_be_in_viewport()
    shoot(page, "41-fix-it-code")

    first = Vehicle.objects.order_by("pk").first()
    assert first
    key_is_on(first.vin)

    expect(page.locator("[data-seen=true]")).to_have_count(1, timeout=20000)
    shoot(page, "42-fix-it-half-done")


def test_without_scripts_the_fix_it_page_ticks_at_the_press_of_a_button(
    browser: Browser, fix_link: str
) -> None:
    page = opened(browser, "phone", java_script_enabled=False)
    page.goto(fix_link)
    for vehicle in Vehicle.objects.all():
        key_is_on(vehicle.vin)
    page.click("#check-button")
    expect(page.locator("[data-seen=true]")).to_have_count(2)
    page.context.close()


def walk_own_page(page: Page, url: str, email: str, shoot: Callable[[Page, str], None]) -> None:
    """Sign in, take one car away, delete everything."""
    page.goto(f"{url}/connect/account")
    shoot(page, "43-person-sign-in")
    page.click("#continue-button")
    sign_in_at_tesla(page, email)
    page.wait_for_selector("button[name=grant]")
    shoot(page, "44-person")
    page.locator("button[name=grant]").first.click()
    shoot(page, "45-person-take-away")
    page.click("#confirm-button")
    page.locator("summary").click()
    page.click("#delete-button")
    shoot(page, "46-person-delete")
    page.click("#confirm-button")
    page.wait_for_selector("#deleted")
    shoot(page, "47-person-deleted")


def test_a_person_takes_a_car_away_and_deletes_everything(
    page: Page, live_server: Any, fix_link: str, anna: ScenarioPerson
) -> None:
    walk_own_page(page, live_server.url, anna.email, shoot)
    assert not VehicleGrant.objects.exists()
    page.goto(fix_link)
    shoot(page, "48-fix-it-over")


def test_without_scripts_the_own_page_works_all_the_same(
    browser: Browser, live_server: Any, fix_link: str, anna: ScenarioPerson
) -> None:
    page = opened(browser, "desktop", java_script_enabled=False)
    walk_own_page(page, live_server.url, anna.email, lambda page, name: None)
    assert not VehicleGrant.objects.exists()
    page.context.close()
