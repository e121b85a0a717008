"""Staff screens in a real browser: the theme's scripts work under the content security policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories import UserFactory, VehicleFactory, VehicleGrantFactory

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_staff_sign_in_and_filter_the_list(browser: Browser, live_server: object, portal_url: str) -> None:
    UserFactory(username="root", password="a-long-password-1", is_superuser=True)
    lacks = VehicleGrantFactory(vehicle=VehicleFactory(key="absent")).connection.vehicle
    has = VehicleGrantFactory(vehicle=VehicleFactory(key="present")).connection.vehicle
    page = browser.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)

    page.goto(f"{portal_url}/admin/")
    page.fill("#id_username", "root")
    page.fill("#id_password", "a-long-password-1")
    page.click("button[type=submit]")
    page.wait_for_selector(".cp-tile")
    page.goto(f"{portal_url}/admin/vehicles/vehicle/")
    assert page.get_by_text(lacks.vin).is_visible()
    assert page.get_by_text(has.vin).is_visible()
    page.get_by_text("Filters").first.click()
    page.locator("select[name=key]").select_option("absent", force=True)
    page.get_by_role("button", name="Apply Filters").click()
    page.wait_for_url("**key=absent**")
    assert page.get_by_text(lacks.vin).is_visible()
    assert page.get_by_text(has.vin).count() == 0
    assert [text for text in complaints if "Content Security Policy" in text] == []
