"""A web page that opens Connect in a window of its own, in a real browser; with the published SDK where it is at hand.

SMARTCAR_AUTH_SDK names the SDK's file: `dist/npm/sdk.js` of the npm package `@smartcar/auth`. Its own dialog always
opens connect.smartcar.com: the page opens the window as docs/sdks.md says, or the browser sends that address on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.connect.browsing import sign_in
from tests.factories import ApplicationFactory
from vehicles.models import Application, ApplicationUser
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ORIGIN = "https://app.example"
LISTENER = """
<!doctype html><meta charset="utf-8"><title>App</title><button id="connect">Connect</button><pre id="heard"></pre>
<script>
  addEventListener("message", (event) => {
    heard.textContent = JSON.stringify({ origin: event.origin, ...event.data });
  });
  connect.addEventListener("click", () => open(%r, "", "width=500,height=800"));
</script>
"""
WITH_SDK = """
<!doctype html><meta charset="utf-8"><title>App</title><button id="connect">Connect</button><pre id="heard"></pre>
<script src="/sdk.js"></script>
<script>
  const smartcar = new Smartcar({
    applicationId: %r, redirectUri: %r, scope: ["read_vin", "control_security"], externalId: "driver 7",
    onComplete: (error, code, state, virtualKeyUrl, userId, externalId) => {
      heard.textContent = JSON.stringify({
        error: error && error.name, text: error && error.message, code, state, virtualKeyUrl, userId, externalId,
      });
    },
  });
  const options = { state: "ä state", vehicleInfo: { make: "TESLA" } };
  const portal = %r;
  if (!portal) smartcar.addClickHandler({ id: "connect", ...options });
  else connect.addEventListener("click", () => {
    open(smartcar.getAuthUrl(options).replace("https://connect.smartcar.com", portal));
  });
</script>
"""


@pytest.fixture
def application(db: Any) -> Application:
    return ApplicationFactory(name="Charge Planner", allowed_origins=ORIGIN, redirect_uris="")


@pytest.fixture
def window(browser: Browser) -> Iterator[Page]:
    """The window of the application's page."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(30000)
    yield context.new_page()
    context.close()


def show(window: Page, text: str, origin: str = ORIGIN) -> None:
    """Open the application's page, which consists of this."""
    window.route(f"{origin}/", lambda route: route.fulfill(content_type="text/html", body=text))
    window.goto(f"{origin}/")


def opened(window: Page) -> Page:
    with window.expect_popup() as popup:
        window.click("#connect")
    return popup.value


def authorize_url(portal: str, application: Application, **more: str) -> str:
    query = {
        "response_type": "code",
        "application_id": application.client_id,
        "redirect_uri": f"{portal}/connect/redirect?app_origin={ORIGIN}",
        "scope": "read_vin",
        "make": "TESLA",
        "state": "eyJ4IjogIisvPSJ9+/==",
    }
    return f"{portal}/oauth/authorize?{urlencode(query | more)}"


def heard(window: Page) -> dict[str, Any]:
    window.wait_for_function("heard.textContent")
    return dict(window.evaluate("JSON.parse(heard.textContent)"))


def test_the_answer_reaches_the_page_that_opened_the_window(
    window: Page,
    live_server: Any,
    simulator: SimulatorServer,
    application: Application,
    dieter: ScenarioPerson,
) -> None:
    show(window, LISTENER % authorize_url(live_server.url, application))
    popup = opened(window)
    popup.click("#continue-button")
    sign_in(popup, dieter.email)
    with popup.expect_event("close"):
        popup.click("#approval-button")

    message = heard(window)
    assert message["name"] == "SmartcarAuthMessage" and message["origin"] == live_server.url
    assert message["state"] == "eyJ4IjogIisvPSJ9+/==" and message["error"] is None and message["code"]
    assert message["userId"] == str(ApplicationUser.objects.get().public_id)


def test_without_a_code_the_page_hears_that_the_car_is_connected(
    window: Page,
    live_server: Any,
    simulator: SimulatorServer,
    application: Application,
    dieter: ScenarioPerson,
) -> None:
    address = authorize_url(
        live_server.url, application, response_type="none", redirect_uri="", app_origin=ORIGIN
    )
    show(window, LISTENER % address)
    popup = opened(window)
    popup.click("#continue-button")
    sign_in(popup, dieter.email)
    with popup.expect_event("close"):
        popup.click("#approval-button")

    message = heard(window)
    assert message["code"] is None and message["error"] is None and message["userId"]


def test_a_page_of_another_origin_hears_nothing(
    window: Page, live_server: Any, simulator: SimulatorServer, application: Application
) -> None:
    show(window, LISTENER % authorize_url(live_server.url, application), "https://evil.example")
    popup = opened(window)
    with popup.expect_event("close"):
        popup.click("#leave-button")

    window.wait_for_timeout(300)
    assert window.text_content("#heard") == ""


def test_opened_without_a_window_behind_it_the_page_says_what_to_do(
    window: Page, live_server: Any, application: Application
) -> None:
    window.goto(f"{live_server.url}/connect/redirect?{urlencode({'app_origin': ORIGIN, 'code': 'x'})}")

    assert "You can close this window" in window.inner_text("h1") and ORIGIN in window.inner_text("main")


class TestThePublishedSdk:
    @pytest.fixture(autouse=True)
    def _sdk(self, window: Page, live_server: Any, simulator: SimulatorServer) -> None:
        file = Path(os.environ.get("SMARTCAR_AUTH_SDK", ""))
        if not file.is_file():
            pytest.skip("SMARTCAR_AUTH_SDK does not name the file of the SDK")

        def to_the_portal(route: Route) -> None:
            parts = urlsplit(route.request.url)
            route.fulfill(status=302, headers={"Location": f"{live_server.url}{parts.path}?{parts.query}"})

        window.context.route("https://connect.smartcar.com/**", to_the_portal)
        window.route(f"{ORIGIN}/sdk.js", lambda route: route.fulfill(path=file))

    @pytest.fixture(params=["opened by the page", "opened by the SDK"])
    def popup(
        self, request: pytest.FixtureRequest, window: Page, live_server: Any, application: Application
    ) -> Page:
        address = f"{live_server.url}/connect/redirect?app_origin={ORIGIN}"
        portal = live_server.url if request.param == "opened by the page" else ""
        show(window, WITH_SDK % (application.client_id, address, portal))
        return opened(window)

    def test_hears_the_code_and_everything_beside_it(
        self, window: Page, popup: Page, dieter: ScenarioPerson
    ) -> None:
        popup.click("#continue-button")
        sign_in(popup, dieter.email)
        with popup.expect_event("close"):
            popup.click("#approval-button")

        user = ApplicationUser.objects.get()
        message = heard(window)
        assert message.pop("code") and "/_ak/" in message.pop("virtualKeyUrl")
        assert message == {
            "error": None, "text": None, "state": "ä state", "userId": str(user.public_id), "externalId": "driver 7",
        }  # fmt: skip

    def test_hears_that_the_owner_declined(self, window: Page, popup: Page, dieter: ScenarioPerson) -> None:
        popup.click("#continue-button")
        sign_in(popup, dieter.email)
        with popup.expect_event("close"):
            popup.click("#leave-button")

        message = heard(window)
        assert (message["error"], message["text"]) == ("AccessDenied", "User denied access to application.")
        assert message["state"] == "ä state" and message["code"] is None
