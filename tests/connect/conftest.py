"""A person with two windows: one at the simulated Tesla, one in Connect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urljoin, urlsplit

import pytest
import urllib3
from django.http import HttpResponse
from django.test import Client, TestCase

from connect.models import ConnectSession
from tests.factories import EVERY_SCOPE, ApplicationFactory
from vehicles.models import Application
from vehicles.tesla.simulator.samples.scenarios import PASSWORD
from vehicles.tesla.simulator.server import SimulatorServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class AtTesla:
    """A browser at the simulated Tesla: keeps its cookie, fills in its forms, never follows the way back."""

    def __init__(self) -> None:
        self.http = urllib3.PoolManager(retries=False)
        self.cookie = ""

    def log_in(self, address: str, email: str) -> str:
        """Sign in on the page at this address; returns where that leads."""
        return self._send(address, [("username", email), ("password", PASSWORD), ("decision", "sign-in")])

    def allow(self, address: str, scopes: Iterable[str]) -> str:
        """Tick exactly these scopes on the consent page; returns the address back to the portal."""
        return self._send(address, [*(("scope", scope) for scope in scopes), ("decision", "allow")])

    def deny(self, address: str) -> str:
        return self._send(address, [("decision", "deny")])

    def open(self, address: str) -> str:
        """Open a page; returns where it redirects to, or its text."""
        return self._go("GET", address, None)

    def approve_key(self, pairing_link: str, email: str) -> str:
        """What the owner does in the Tesla app; returns the text of the last page."""
        self.log_in(pairing_link, email)
        return self._send(pairing_link, [("decision", "approve")])

    def connect(self, address: str, email: str, scopes: Iterable[str] = EVERY_SCOPE) -> str:
        """Log in and allow, as far as Tesla asks; returns the address back to the portal."""
        consent = self.log_in(address, email)
        shown = self.open(consent)
        return shown if shown.startswith("http") else self.allow(consent, scopes)

    def _send(self, address: str, form: list[tuple[str, str]]) -> str:
        return self._go("POST", address, form)

    def _go(self, method: str, address: str, form: list[tuple[str, str]] | None) -> str:
        headers = {"Cookie": self.cookie} if self.cookie else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(form) if form is not None else None
        answer = self.http.request(method, address, body=body, headers=headers, redirect=False)
        self.cookie = answer.headers.get("Set-Cookie", self.cookie).partition(";")[0]
        location = answer.headers.get("Location")
        return urljoin(address, location) if location else answer.data.decode()


class Journey:
    """One person's way through Connect, for one application, with Django's test client as their browser."""

    def __init__(self, application: Application, client: Client | None = None) -> None:
        self.application = application
        self.client = client or Client()
        self.tesla = AtTesla()
        self.page = ""
        self.first_page = ""
        """What a link of the application showed, until a button was pressed there."""

    def authorize(self, **changes: Any) -> HttpResponse:
        """Open `/oauth/authorize`; a parameter given as None is left out."""
        query = {
            "response_type": "code",
            "client_id": self.application.client_id,
            "redirect_uri": "https://example.com/auth",
            "scope": "read_vehicle_info read_odometer control_security",
            "state": "a state",
        } | changes
        return self.open(f"/oauth/authorize?{urlencode({k: v for k, v in query.items() if v is not None})}")

    def open(self, link: str) -> HttpResponse:
        """Follow the application's link. `page` is then the address of the run, which the first press makes."""
        answer = self.client.get(link)
        shown = answer.content.decode()
        run = re.search(r'action="(/connect/[0-9a-f-]{36})/', shown)
        self.page = run.group(1) if run else ""
        self.first_page = shown if self._word_in(shown) else ""
        return answer

    @staticmethod
    def _word_in(shown: str) -> dict[str, str]:
        word = re.search(r'name="run" value="([^"]+)"', shown)
        return {"run": word.group(1)} if word else {}

    def look(self) -> str:
        """The page where the run stands."""
        return self.first_page or self.client.get(self.page).content.decode()

    def post(self, action: str, **form: Any) -> HttpResponse:
        word = self._word_in(self.first_page)
        answer = self.client.post(f"{self.page}/{action}", word | form)
        if word and answer.status_code < 400:
            self.first_page = ""
        return answer

    def to_tesla(self) -> str:
        """Press Continue, and Tesla where the make is asked for; returns Tesla's address."""
        address: str = self.post("begin").headers["Location"]
        return self.post("sign-in").headers["Location"] if address == self.page else address

    def return_from_tesla(self, address: str) -> HttpResponse:
        parts = urlsplit(address)
        return self.client.get(f"{parts.path}?{parts.query}")

    def sign_in(self, email: str, scopes: Iterable[str] = EVERY_SCOPE) -> HttpResponse:
        """From the preamble to Tesla and back."""
        return self.return_from_tesla(self.tesla.connect(self.to_tesla(), email, scopes))

    def approve(self, **changes: Any) -> HttpResponse:
        """Send the permission page's form as it stands, or with other choices; what waits for the commit is done."""
        form = ticked(self.look()) | changes
        with TestCase.captureOnCommitCallbacks(execute=True):
            return self.post("approve", **form)

    @property
    def run(self) -> ConnectSession:
        return ConnectSession.objects.get(pk=self.page.rpartition("/")[2])


def ticked(page: str) -> dict[str, list[str]]:
    """What the permission page's form would send as it is shown."""
    form: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        values = dict(re.findall(r'(name|value)="([^"]*)"', tag))
        if " checked" in tag and " disabled" not in tag:
            form.setdefault(values["name"], []).append(values["value"])
    return form


def answer_of(response: HttpResponse) -> dict[str, str]:
    """The query of the redirect to the application."""
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


def query_of(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query)


@pytest.fixture
def application(db: None) -> Application:
    return ApplicationFactory(name="Charge Planner")


@pytest.fixture
def journey(application: Application, simulator: SimulatorServer) -> Journey:
    """A person in front of the application, with the simulated Tesla running."""
    return Journey(application)


@pytest.fixture(
    params=[
        "phone-light",
        *(pytest.param(look, marks=pytest.mark.slow) for look in ("desktop-light", "phone-dark")),
    ]
)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A real browser at phone and desktop size, whose console must stay silent."""
    from tests.connect.browsing import listening, opened

    size, _, scheme = request.param.partition("-")
    yield from listening(opened(browser, size, color_scheme=scheme), request.param)
