"""What the README says of the first five minutes, done word by word in a browser, and the same with two tabs."""

from __future__ import annotations

import importlib.util
import re
import sys
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any, Final

import pytest
import smartcar.config
from playwright.sync_api import Browser, Page, expect

from tests.connect.browsing import opened, sign_in
from tests.factories import ApplicationFactory
from tests.runner import ROOT
from vehicles.models import Vehicle
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SECRET: Final = "known-to-the-sample-application"
STORY: Final = (ROOT / "README.md").read_text().partition("first five minutes")[2].partition("Ctrl-C")[0]


@pytest.fixture
def sample_url(portal_url: str, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the sample application runs, registered as in the demo."""
    for name, value in {"API_ORIGIN": portal_url, "CONNECT_ORIGIN": portal_url}.items():
        monkeypatch.setattr(smartcar.config, name, value)
    monkeypatch.setattr(smartcar.config, "AUTH_ORIGIN", f"{portal_url}/oauth/token")
    spec = importlib.util.spec_from_file_location(
        "sample_application", ROOT / "docs" / "sample_application.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "sample_application", module)
    spec.loader.exec_module(module)
    server = ThreadingHTTPServer(("127.0.0.1", 0), module.Pages)
    url = f"http://localhost:{server.server_address[1]}"
    application = ApplicationFactory(
        name="Sample application", client_secret=SECRET, redirect_uris=f"{url}/callback"
    )
    monkeypatch.setenv("SMARTCAR_CLIENT_ID", str(application.client_id))
    monkeypatch.setenv("SMARTCAR_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("SMARTCAR_REDIRECT_URI", f"{url}/callback")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


def press(page: Page, words: str) -> None:
    """Press what the README calls by these words."""
    assert f"*{words}*" in " ".join(STORY.split()), f"the README does not say to press {words}"
    page.get_by_text(words, exact=True).first.click()


def to_the_keys(page: Page, anna: ScenarioPerson) -> None:
    press(page, "Connect your Tesla")
    press(page, "Continue")
    assert anna.email in STORY
    sign_in(page, anna.email)
    press(page, "Allow")


def shows_both_cars(page: Page, sample_url: str) -> None:
    """The application's own page, with Anna's cars and nothing that went wrong."""
    expect(page.locator("article.car")).to_have_count(2, timeout=30000)
    assert page.url.startswith(sample_url) and page.locator(".fault").count() == 0


def skip_both_keys(page: Page) -> None:
    for number in (1, 2):
        page.get_by_text(f"Car {number} of 2").wait_for()
        page.click("#skip-button")


def the_model_3(page: Page) -> Any:
    return page.locator("article.car", has_text="Model 3")


def test_they_go_as_the_readme_says(
    browser: Browser, sample_url: str, simulator: SimulatorServer, anna: ScenarioPerson
) -> None:
    page = opened(browser, "phone")
    page.goto(sample_url)
    to_the_keys(page, anna)
    for _ in range(2):
        press(page, "Not now")
    shows_both_cars(page, sample_url)

    the_model_3(page).get_by_text("Lock", exact=True).click()
    press(page, "Add the key to this car")
    if page.locator("#username").count():
        page.fill("#username", anna.email)
        page.fill("#password", anna.password)
        page.click("#sign-in-button")
    page.click("#approve-key-button")
    page.wait_for_selector("#pairing-done")
    # The ten seconds that the README speaks of.
    Vehicle.objects.update(key_observed_at=None)
    page.goto(sample_url)
    the_model_3(page).get_by_text("Lock", exact=True).click()

    expect(the_model_3(page).locator(".done")).to_have_text("Locked.")


def test_every_word_to_press_is_somewhere_in_the_story() -> None:
    words = set(re.findall(r"\*([^*]+)\*", " ".join(STORY.split())))
    assert words == {
        "Connect your Tesla", "Continue", "Allow", "Not now", "Lock", "Add the key to this car",
    }  # fmt: skip


def test_two_tabs_of_it_both_end_well(
    browser: Browser, sample_url: str, simulator: SimulatorServer, anna: ScenarioPerson
) -> None:
    first = opened(browser, "phone")
    first.goto(sample_url)
    to_the_keys(first, anna)
    second = first.context.new_page()
    second.goto(sample_url)
    second.click("#connect")
    assert second.inner_text("h1").split() == ["Go", "on", "where", "you", "stopped?"]
    second.click("#continue-button")
    skip_both_keys(second)
    shows_both_cars(second, sample_url)

    first.reload()
    first.click("#continue-button, #back-button")

    shows_both_cars(first, sample_url)


def test_two_tabs_that_both_began_before_anybody_signed_in_both_end_well(
    browser: Browser, sample_url: str, simulator: SimulatorServer, anna: ScenarioPerson
) -> None:
    first = opened(browser, "phone")
    second = first.context.new_page()
    for page in (first, second):
        page.goto(sample_url)
        page.click("#connect")
    for page in (first, second):
        page.click("#continue-button")
        if page.locator("#username").count():
            sign_in(page, anna.email)
        page.wait_for_selector("#approval-button, #skip-button")
        if page.locator("#approval-button").count():
            page.click("#approval-button")
        skip_both_keys(page)

        shows_both_cars(page, sample_url)
