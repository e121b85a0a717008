"""People in front of a real browser: its sizes, and what they do on the way through Connect.

Set SCREENSHOTS to a folder to keep pictures of each page. Each page is looked over by axe for what keeps people with
disabilities out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, Route

from vehicles.models import Application
from vehicles.tesla.scopes import LABELS
from vehicles.tesla.simulator.samples.scenarios import PASSWORD

SIZES = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    "desktop": {"viewport": {"width": 1280, "height": 800}},
}


def opened(browser: Browser, size: str, **options: Any) -> Page:
    """A page in a browser of its own, at phone or desktop size."""
    context = browser.new_context(**SIZES[size], reduced_motion="reduce", **options)
    context.route("https://example.com/**", _application)
    context.set_default_timeout(30000)
    return context.new_page()


def listening(page: Page, name: str) -> Iterator[Page]:
    """The page, whose console must stay silent until the test is over; `name` begins the names of its pictures."""
    page.shot_prefix = name
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    # What the browser blocks or trips over it says on the console; failed pages are shown on purpose.
    assert [text for text in complaints if "the server responded with a status" not in text] == []


def _application(route: Route) -> None:
    route.fulfill(status=200, content_type="text/html", body="<title>Back in the application</title>")


def shoot(page: Page, name: str) -> None:
    """Keep a picture, and see that nothing is wider than the screen or keeps anybody out."""
    # A press may still be on its way to the next page.
    page.locator("body").wait_for(state="attached")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = barriers(page)
    assert found == [], f"{page.url}: {found}"
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{page.shot_prefix}-{name}.png", full_page=True)


_LOOK_OVER = """
axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } })
"""
"""The size of what is pressed belongs to WCAG 2.2, and axe looks at it only where it is told to."""


def barriers(page: Page) -> list[str]:
    """What axe finds serious or critical on the page."""
    page.evaluate(_axe())
    found = page.evaluate(_LOOK_OVER)["violations"]
    return [
        f"{rule['id']}: {node['html']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]


@lru_cache(maxsize=1)
def _axe() -> str:
    """The script of axe-core, as its package for Python ships it."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()


def authorize(page: Page, url: str, application: Application, **changes: str) -> None:
    """Come from the application, as it sends people."""
    query = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": "https://example.com/auth",
        "scope": "required:read_vehicle_info read_vin read_battery read_charge read_odometer read_location "
        "read_climate control_security control_charge",
        "state": "xyz",
    } | changes
    page.goto(f"{url}/oauth/authorize?{urlencode(query)}")


def sign_in(page: Page, email: str, *, but: str = "") -> None:
    """Sign in at Tesla and tick every box but one, where Tesla asks."""
    page.fill("#username", email)
    page.fill("#password", PASSWORD)
    page.click("#sign-in-button")
    if not page.locator("#allow-button").count():
        return
    for scope in LABELS:
        box = page.locator(f"#scope-{scope}")
        if box.count() and scope != but:
            box.check()
    page.click("#allow-button")


def approve_key(page: Page, email: str) -> None:
    """Open the link of the key page in a second tab, as the phone's Tesla app would, and approve there."""
    with page.expect_popup() as popup:
        page.click("#pairing-link")
    tesla = popup.value
    if tesla.locator("#username").count():
        tesla.fill("#username", email)
        tesla.fill("#password", PASSWORD)
        tesla.click("#sign-in-button")
    tesla.click("#approve-key-button")
    tesla.wait_for_selector("#pairing-done")
    tesla.close()


_SHOWS_FOCUS = """
[document.activeElement, document.activeElement.closest("label")].some(
  (each) => each && getComputedStyle(each).outlineStyle !== "none"
)
"""


def tab_to(page: Page, wanted: str, key: str = "Tab") -> list[str]:
    """Press Tab until the element has the focus; what had it on the way, by id or else by tag. Each must show it."""
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press(key)
        focused = page.evaluate("document.activeElement.id || document.activeElement.tagName")
        seen.append(focused)
        assert focused == "BODY" or page.evaluate(_SHOWS_FOCUS), (
            f"{focused} does not show that it has the focus"
        )
        if focused == wanted:
            return seen
    raise AssertionError(f"#{wanted} was not reached: {seen}")
