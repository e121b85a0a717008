"""Who comes to the simulated Tesla in these tests: a person with a browser, and an application with a client id."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3
from urllib3 import BaseHTTPResponse

from vehicles.tesla import paths, scopes
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.samples.scenarios import PASSWORD
from vehicles.tesla.simulator.server import SimulatorServer

EVERY_SCOPE = (*scopes.SIGN_IN, *scopes.LABELS)


@dataclass
class Page:
    """What a browser shows, after redirects within the simulated Tesla; `location` where it was sent away."""

    status: int
    text: str
    address: str
    location: str = ""

    @property
    def callback(self) -> dict[str, str]:
        """The query with which the browser was sent back to the application."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}

    @property
    def refusal(self) -> str:
        """The code of a refused pairing, empty for none."""
        found = re.search(r'id="pairing-refused" data-reason="([a-z0-9_]+)"', self.text)
        return found.group(1) if found else ""

    def has(self, element_id: str) -> bool:
        """Whether there is an element with that id."""
        return f'id="{element_id}"' in self.text

    def boxes(self) -> dict[str, bool]:
        """The scopes that can be ticked, and whether they are."""
        found = re.findall(
            r'type="checkbox" id="[^"]+" name="scope" value="([a-z_]+)"( checked)?>', self.text
        )
        return {scope: bool(ticked) for scope, ticked in found}


class Browser:
    """One browser with its cookies. Follows redirects only within the simulated Tesla."""

    def __init__(self, tesla: SimulatorServer) -> None:
        self.tesla = tesla
        self.cookies: dict[str, str] = {}
        self._http = urllib3.PoolManager()

    def get(self, path: str, **query: str) -> Page:
        return self._visit("GET", f"{path}?{urlencode(query)}" if query else path)

    def submit(self, page: Page, fields: dict[str, Any]) -> Page:
        """Send the page's form; lists are sent as repeated fields."""
        return self._visit("POST", page.address, urlencode(fields, doseq=True))

    def sign_in(self, page: Page, email: str, password: str = PASSWORD) -> Page:
        assert page.has("username") and page.has("password") and page.has("sign-in-button")
        return self.submit(page, {"username": email, "password": password})

    def _visit(self, method: str, path: str, body: str = "") -> Page:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self._http.request(
            method, self.tesla.url + path, body=body or None, headers=headers, redirect=False
        )
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        location = answer.headers.get("Location", "")
        if location.startswith("/"):
            return self._visit("GET", location)
        return Page(answer.status, answer.data.decode(), path, location)


@dataclass
class Application:
    """A registered application that keeps the tokens of one account."""

    tesla: SimulatorServer
    client: Client
    tokens: dict[str, Any] = field(default_factory=dict)
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)

    def authorize_path(self, **extra: str) -> str:
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uris[0],
            "scope": " ".join(EVERY_SCOPE),
            "state": "the-state",
        }
        return f"{paths.AUTHORIZE}?{urlencode(query | extra)}"

    def connect(self, email: str, *granted: str) -> Application:
        """The whole way for one person: consent to these scopes (default: all), code, tokens."""
        browser = Browser(self.tesla)
        page = browser.sign_in(browser.get(self.authorize_path()), email)
        if page.has("allow-button"):
            page = browser.submit(page, {"decision": "allow", "scope": granted or list(scopes.LABELS)})
        self.tokens = self.redeem(page.callback["code"]).json()
        return self

    def redeem(self, code: str, /, **changes: str) -> BaseHTTPResponse:
        fields = {
            "grant_type": "authorization_code",
            "client_id": self.client.client_id,
            "client_secret": self.client.client_secret or "",
            "code": code,
            "audience": paths.FLEET_API_HOSTS["eu"],
            "redirect_uri": self.client.redirect_uris[0],
        }
        return self.token_call(fields | changes)

    def refresh(self, token: str = "") -> BaseHTTPResponse:
        """Rotate; the new tokens are kept."""
        fields = {
            "grant_type": "refresh_token",
            "client_id": self.client.client_id,
            "refresh_token": token or self.tokens["refresh_token"],
        }
        answer = self.token_call(fields)
        if answer.status == 200:
            self.tokens = answer.json()
        return answer

    def token_call(self, fields: dict[str, str]) -> BaseHTTPResponse:
        return self.http.request(
            "POST", self.tesla.url + paths.TOKEN, fields=fields, encode_multipart=False, retries=False
        )

    def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> BaseHTTPResponse:
        """An API call with the account's access token."""
        bearer = self.tokens["access_token"] if token is None else token
        sent = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"} if bearer else {}
        if method == "POST" and body is None:
            body = {}
        data = json.dumps(body) if body is not None else None
        return self.http.request(
            method, self.tesla.url + path, body=data, headers=sent | headers, retries=False
        )

    def command(self, vin: str, name: str, **arguments: Any) -> BaseHTTPResponse:
        return self.call("POST", paths.COMMAND.format(vin=vin, name=name), arguments)

    def paired(self, *vins: str) -> list[str]:
        """Which of the cars carry the key, by `fleet_status`."""
        answer = self.call("POST", paths.FLEET_STATUS, {"vins": list(vins)})
        return list(answer.json()["response"]["key_paired_vins"])


class Control:
    """The control API."""

    def __init__(self, tesla: SimulatorServer) -> None:
        self.tesla = tesla
        self._http = urllib3.PoolManager()

    def ask(self, method: str, path: str, body: Any = None) -> BaseHTTPResponse:
        data = json.dumps(body) if body is not None else None
        return self._http.request(method, f"{self.tesla.url}/_sim{path}", body=data)

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer of a request that has to succeed."""
        answer = self.ask(method, path, body)
        assert answer.status in (200, 201), answer.data
        return answer.json()


def claims(token: str) -> dict[str, Any]:
    """What a token says, read with the standard base64 alphabet."""
    payload = token.split(".")[1]
    assert not set("-_") & set(payload)
    read: dict[str, Any] = json.loads(base64.b64decode(payload + "=" * (-len(payload) % 4)))
    return read


def error(answer: BaseHTTPResponse) -> tuple[int, str]:
    """Status and text of a refusal in Tesla's envelope."""
    body = answer.json()
    assert body["response"] is None and body["txid"] and "error_description" in body
    return answer.status, body["error"]
