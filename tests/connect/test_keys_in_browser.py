"""The key step in a real browser: several cars, driver and owner, a wait that is too long, keyboard, no scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tests.connect.browsing import approve_key, authorize, opened, shoot, sign_in, tab_to
from vehicles.models import Application, Vehicle, VehicleGrant
from vehicles.tesla.simulator.car.vehicle_numbers import with_check_digit
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson, ScenarioVehicle, person
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

MODEL_3, MODEL_Y, MODEL_S = (
    with_check_digit(vin) for vin in ("5YJ3E7EA_KF000701", "7SAYGDEE_NF000702", "5YJSA1E2_JF000703")
)


@pytest.fixture
def greta(simulator: SimulatorServer) -> ScenarioPerson:
    """Owns three cars: two that need the key, one red and one white, and a Model S of 2018 that needs none."""
    cars = (
        ScenarioVehicle(MODEL_3, "OWNER", "absent", name="Rosso"),
        ScenarioVehicle(MODEL_Y, "OWNER", "absent", name="Bianca"),
        ScenarioVehicle(MODEL_S, "OWNER", "not_required", name="Oldie"),
    )
    greta = person("greta@owners.example", "Greta Graf", *cars)
    simulator.world.add_person(greta)
    for vin, paint in ((MODEL_3, "RedMulticoat"), (MODEL_Y, "PearlWhite")):
        car = simulator.world.car(vin)
        assert car is not None
        car.sections["vehicle_config"]["exterior_color"] = paint
    return greta


def to_key_page(page: Page, url: str, application: Application, email: str, **changes: str) -> None:
    authorize(page, url, application, make="TESLA", **changes)
    page.click("#continue-button")
    sign_in(page, email)
    page.click("#approval-button")
    page.wait_for_selector("#key-state")


def test_three_cars_of_which_two_need_the_key(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, greta: ScenarioPerson
) -> None:
    to_key_page(page, live_server.url, application, greta.email)
    expect(page.locator(".queue")).to_contain_text("Rosso")
    expect(page.locator(".queue li").nth(2)).to_contain_text(re.compile("Oldie.*Needs no key", re.S))
    expect(page.locator("ol.numbered").first).to_contain_text("Model 3, red, VIN ending 0701")
    shoot(page, "20-key-of-two")
    approve_key(page, greta.email)
    page.click("#continue-button:not([disabled])")

    expect(page.locator("h1")).to_contain_text("Bianca")
    expect(page.locator(".queue li").first).to_contain_text("Key added")
    shoot(page, "21-second-key")
    page.click("#skip-button")

    page.wait_for_url("https://example.com/auth?code=**")
    assert VehicleGrant.objects.count() == 3
    assert set(Vehicle.objects.values_list("display_name", "key")) == {
        ("Rosso", "present"),
        ("Bianca", "absent"),
        ("Oldie", "not_required"),
    }


def test_a_phone_opens_the_link_and_a_desktop_shows_the_code_and_either_has_both(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, anna: ScenarioPerson
) -> None:
    to_key_page(page, live_server.url, application, anna.email)
    is_phone = page.shot_prefix.startswith("phone")

    expect(page.locator("#pairing-link")).to_be_visible()
    expect(page.locator(".numbered .qr")).to_be_visible(visible=not is_phone)
    if is_phone:
        page.click("#other-device summary")
        expect(page.locator("#other-device .qr")).to_be_visible()
        shoot(page, "22-other-phone")


def test_after_a_minute_the_page_tells_the_usual_reasons_by_itself(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, greta: ScenarioPerson
) -> None:
    to_key_page(page, live_server.url, application, greta.email)
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        expect(page.locator("#key-state")).to_contain_text("has not arrived yet", timeout=30000)
        reasons = page.locator("#key-reasons details")
        expect(reasons.first).to_contain_text("The Tesla app is signed in as somebody else")
        shoot(page, "23-reasons")
    car = simulator.world.car(MODEL_3)
    assert car is not None
    car.set_state("offline")
    with time_machine.travel(timezone.now() + timedelta(seconds=90)):
        expect(reasons).to_have_count(1, timeout=60000)
        expect(reasons).to_contain_text("The car has no connection")
        shoot(page, "24-offline")


def test_a_driver_and_the_owner_each_in_their_own_browser(
    page: Page,
    browser: Browser,
    live_server: Any,
    simulator: SimulatorServer,
    application: Application,
    anna: ScenarioPerson,
    clara: ScenarioPerson,
) -> None:
    to_key_page(page, live_server.url, application, clara.email)
    expect(page.locator("h1")).to_contain_text("Kombi needs a key from its owner")
    shoot(page, "30-driver")
    owner = opened(browser, "phone")
    owner.shot_prefix = page.shot_prefix
    owner.goto(str(page.locator("#owner-link").get_attribute("href")))
    expect(owner.locator(".stages li").first).to_have_attribute("aria-current", "step")
    owner.click("#continue-button")
    sign_in(owner, clara.email)
    expect(owner.locator("#problem")).to_contain_text("does not own the car")
    shoot(owner, "31-not-the-owner")
    owner.click("#continue-button")
    sign_in(owner, anna.email)
    owner.wait_for_selector("#pairing-link")
    shoot(owner, "32-owners-key")
    approve_key(owner, anna.email)
    expect(owner.locator("#all-done")).to_be_visible(timeout=30000)
    shoot(owner, "33-owner-done")

    page.click("#continue-button:not([disabled])", timeout=60000)
    page.wait_for_url("https://example.com/auth?code=**")
    assert VehicleGrant.objects.get().account.sub == clara.sub


def test_a_closed_tab_goes_on_where_it_stopped(
    page: Page, live_server: Any, simulator: SimulatorServer, application: Application, anna: ScenarioPerson
) -> None:
    to_key_page(page, live_server.url, application, anna.email)
    kept = page.url
    another = page.context.new_page()
    another.shot_prefix = page.shot_prefix
    page.goto("about:blank")

    authorize(another, live_server.url, application, make="TESLA")
    expect(another.locator("h1")).to_contain_text("Go on where you stopped?")
    shoot(another, "40-go-on")
    another.click("#continue-button")
    expect(another).to_have_url(kept)
    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        another.reload()
        expect(another.locator("#problem")).to_contain_text("longer than an hour")
        shoot(another, "41-expired")
        another.click("#retry-button")
        another.wait_for_selector("#continue-button")
        assert another.url != kept


def test_the_key_step_by_keyboard_alone(
    browser: Browser,
    live_server: Any,
    simulator: SimulatorServer,
    application: Application,
    anna: ScenarioPerson,
) -> None:
    page = opened(browser, "desktop")
    to_key_page(page, live_server.url, application, anna.email)
    seen = tab_to(page, "skip-button")
    assert seen.index("pairing-link") < seen.index("skip-button")
    assert "continue-button" not in seen, "it cannot be pressed yet"
    tab_to(page, "SUMMARY")
    page.keyboard.press("Enter")
    expect(page.locator("#other-device")).to_have_attribute("open", "")
    tab_to(page, "forward-link")
    tab_to(page, "skip-button", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("Yeti")

    approve_key(page, anna.email)
    page.wait_for_selector("#continue-button:not([disabled])")
    tab_to(page, "continue-button")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"https://example\.com/auth\?code="))


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_without_scripts_owner_and_driver_come_through(
    browser: Browser,
    live_server: Any,
    simulator: SimulatorServer,
    application: Application,
    anna: ScenarioPerson,
    clara: ScenarioPerson,
    size: str,
) -> None:
    driver = opened(browser, size, java_script_enabled=False)
    owner = opened(browser, size, java_script_enabled=False)
    to_key_page(driver, live_server.url, application, clara.email)
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        owner.goto(str(driver.locator("#owner-link").get_attribute("href")))
        owner.click("#continue-button")
        sign_in(owner, anna.email)
        owner.wait_for_selector("#check-button")
        assert owner.locator("#key-reasons details").count() == 0, "the owner's wait has only begun"
        approve_key(owner, anna.email)
    with time_machine.travel(timezone.now() + timedelta(seconds=70)):
        owner.click("#check-button")
        expect(owner.locator("#all-done")).to_be_visible()
        driver.click("#check-button")
        driver.click("#continue-button")

    driver.wait_for_url("https://example.com/auth?code=**")
