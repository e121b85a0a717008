"""From the application to the finish with Tab, Enter and Space alone, at Tesla too."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.connect.browsing import authorize, opened, tab_to
from tests.factories import ApplicationFactory
from vehicles.models import VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import PASSWORD, ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def press(page: Page, wanted: str, key: str = "Enter") -> list[str]:
    """Tab to it, then press; what had the focus on the way."""
    seen = tab_to(page, wanted)
    page.keyboard.press(key)
    return seen


def arrived(page: Page, wanted: str) -> None:
    """A new page: nothing has the focus yet, and the first Tab offers to skip what every page has."""
    page.wait_for_selector(f"#{wanted}")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Tab")
    skip_link = page.locator(":focus")
    expect(skip_link).to_have_class("skip-link")
    expect(skip_link).to_be_in_viewport()


def sign_in(page: Page, email: str) -> None:
    page.wait_for_selector("#username")
    tab_to(page, "username")
    page.keyboard.type(email)
    tab_to(page, "password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def test_the_whole_journey_by_keyboard_alone(
    browser: Browser,
    live_server: Any,
    simulator: SimulatorServer,
    dieter: ScenarioPerson,
    anna: ScenarioPerson,
) -> None:
    application = ApplicationFactory(name="Charge Planner", colour="#0f766e", requires_key=False)
    page = opened(browser, "desktop")
    authorize(page, live_server.url, application, scope="read_vin read_location control_security")
    arrived(page, "continue-button")
    press(page, "continue-button")
    sign_in(page, anna.email)
    page.wait_for_selector("#allow-button")
    for scope in ("vehicle_device_data", "vehicle_location", "vehicle_cmds"):
        press(page, f"scope-{scope}", "Space")
    press(page, "allow-button")

    arrived(page, "approval-button")
    permission = page.locator("input[name=permissions][value=read_location]")
    while not permission.evaluate("box => box === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    press(page, "approval-button")

    arrived(page, "key-state")
    with page.expect_popup() as popup:
        press(page, "pairing-link")
    tesla = popup.value
    tesla.wait_for_selector("#approve-key-button, #username")
    if tesla.locator("#username").count():
        sign_in(tesla, anna.email)
    tesla.wait_for_selector("#approve-key-button")
    press(tesla, "approve-key-button")
    tesla.wait_for_selector("#pairing-done")
    tesla.close()
    page.wait_for_selector("#continue-button:not([disabled])")
    expect(page.locator("#continue-button")).to_be_focused()
    page.keyboard.press("Enter")

    arrived(page, "skip-button")
    press(page, "skip-button")
    expect(page).to_have_url(re.compile(r"https://example\.com/auth\?code="))
    assert [sorted(grant.approved) for grant in VehicleGrant.objects.all()] == [
        ["control_security", "read_vin"]
    ] * 2
    page.context.close()
