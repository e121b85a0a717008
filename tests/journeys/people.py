"""Who walks the journeys: owners with a browser each, and applications that call the API."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import urllib3

from tests.journeys.browser import Browser
from vehicles.tesla import paths
from vehicles.tesla.scopes import LABELS
from vehicles.tesla.simulator.samples.scenarios import PASSWORD

EVERYTHING = (
    "read_vehicle_info", "read_vin", "read_battery", "read_odometer", "read_location", "control_security",
    "control_charge", "control_navigation",
)  # fmt: skip
"""What an application asks for where the story does not say."""


@dataclass
class Answer:
    """What the API said."""

    status: int
    body: Any

    @property
    def error(self) -> str:
        """`TYPE:CODE`, or `TYPE:null`; empty for a success."""
        return f"{self.body['type']}:{self.body.get('code') or 'null'}" if self.status >= 400 else ""

    @property
    def cure(self) -> str:
        """The link that an error gives to the person."""
        return str((self.body.get("resolution") or {}).get("url") or "")


@dataclass
class Consumer:
    """An application: its credentials, and the token of the person who connected last."""

    portal_url: str
    client_id: str
    client_secret: str
    redirect_uri: str
    tokens: dict[str, Any] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """The application's own ids of the cars, by VIN (of those whose VIN it may read)."""

    def authorize_url(self, scope: Iterable[str] = EVERYTHING, **more: str) -> str:
        """Where it sends people who are to connect a car."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(scope),
            "state": "a state of its own",
        }
        return f"{self.portal_url}/oauth/authorize?{urlencode(query | more)}"

    def redeem(self, code: str) -> None:
        """Exchange a code, and learn which cars it reaches."""
        self._get_tokens(grant_type="authorization_code", code=code, redirect_uri=self.redirect_uri)
        self.learn_ids()

    def refresh(self) -> None:
        """Exchange the refresh token, as an application does when its access token ran out."""
        self._get_tokens(grant_type="refresh_token", refresh_token=self.tokens["refresh_token"])

    def _get_tokens(self, **form: str) -> None:
        headers = urllib3.make_headers(basic_auth=f"{self.client_id}:{self.client_secret}")
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = urllib3.request(
            "POST", f"{self.portal_url}/oauth/token", body=urlencode(form), headers=headers
        )
        assert answer.status == 200, answer.data
        self.tokens = answer.json()

    def learn_ids(self) -> None:
        """Ask for the cars and for the VIN of each."""
        found = self.call("GET", "/v2.0/vehicles").body["vehicles"]
        read = {vehicle: self.call("GET", f"/v2.0/vehicles/{vehicle}/vin") for vehicle in found}
        self.ids = {answer.body["vin"]: vehicle for vehicle, answer in read.items() if not answer.error}

    def get(self, vin: str, path: str) -> Answer:
        """Read something of a car, for example `battery`."""
        return self.call("GET", f"/v2.0/vehicles/{self.ids[vin]}/{path}")

    def post(self, vin: str, path: str, **body: Any) -> Answer:
        """Command a car, for example `security` with `action="LOCK"`."""
        return self.call("POST", f"/v2.0/vehicles/{self.ids[vin]}/{path}", body)

    def lock(self, vin: str) -> Answer:
        """The command that must be signed on most cars."""
        return self.post(vin, "security", action="LOCK")

    def diagnosis(self, vin: str, permission: str = "") -> dict[str, Any]:
        """The whole answer to: may it use this car, and if not, whose turn is it?"""
        asked = f"?permission={permission}" if permission else ""
        body: dict[str, Any] = self.get(vin, f"tesla/diagnosis{asked}").body
        return body

    def call(self, method: str, path: str, body: Any = None) -> Answer:
        """One call of the API with its token."""
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = urllib3.request(
            method, self.portal_url + path, headers=headers, body=None if body is None else json.dumps(body)
        )
        return Answer(answer.status, answer.json() if answer.data else None)


class Owner:
    """A person of the simulated Tesla's cast (or a driver), with a browser. Acts on pages that people can reach."""

    def __init__(self, email: str, simulator_url: str) -> None:
        self.email = email
        self.simulator_url = simulator_url
        self.browser = Browser()

    def connect(
        self,
        application: Consumer,
        scope: Iterable[str] = EVERYTHING,
        *,
        tick: Iterable[str] = tuple(LABELS),
        url: str = "",
        **approved: Sequence[str],
    ) -> None:
        """Walk through Connect, leaving keys for later, and give the application its code.

        `tick` are the boxes on Tesla's consent page, where it is shown; `approved` the `vehicles` or `permissions` on
        ours, where they differ from what stands ticked. `url` is the link that was followed, if not the plain one.
        """
        self.to_permissions(application, scope, tick=tick, url=url)
        self.finish(application, **approved)

    def to_permissions(
        self,
        application: Consumer,
        scope: Iterable[str] = EVERYTHING,
        *,
        tick: Iterable[str] = tuple(LABELS),
        url: str = "",
    ) -> Browser:
        """From the application's link to our permission page, over Tesla."""
        self.browser.open(url or application.authorize_url(scope)).press("continue-button")
        self.at_tesla(tick)
        return self.browser

    def at_tesla(self, tick: Iterable[str] = tuple(LABELS)) -> Browser:
        """Sign in and allow, as far as Tesla asks for it; on the legacy way, bring the address at which it ends."""
        if self.browser.has("callback-address"):
            return self.carry_address()
        self.sign_in()
        if self.browser.has("allow-button"):
            self.browser.press("allow-button", scope=list(tick))
        return self.browser

    def carry_address(self) -> Browser:
        """Sign in at Tesla in another tab, and paste the address where that ends."""
        run = self.browser.address
        self.browser.follow("tesla-login-link")
        self.sign_in()
        address = self.browser.address
        assert address.startswith(paths.OWNER_API_CALLBACK), address
        return self.browser.open(run).press("continue-button", callback_address=address)

    def sign_in(self) -> Browser:
        """Sign in on a page of Tesla's that asks for it."""
        if self.browser.has("sign-in-button"):
            self.browser.press("sign-in-button", username=self.email, password=PASSWORD)
        return self.browser

    def finish(self, application: Consumer, **approved: Sequence[str]) -> None:
        """From our permission page, or from wherever it was skipped to, back to the application."""
        if self.browser.has("approval-button"):
            self.browser.press("approval-button", **approved)
        while self.browser.has("skip-button"):
            self.browser.press("skip-button")
        if self.browser.status:
            self.browser.press("continue-button")
        assert self.browser.query.get("code"), (self.browser.address, self.browser.text[:3000])
        application.redeem(self.browser.query["code"])

    def add_key(self, pairing_link: str) -> Browser:
        """Open the link on the phone and approve the key."""
        self.browser.open(pairing_link)
        self.sign_in()
        if self.browser.has("approve-key-button"):
            self.browser.press("approve-key-button")
        return self.browser

    def remove_access(self) -> Browser:
        """Take the operator's access away in the Tesla account."""
        self.browser.open(self.simulator_url + paths.THIRD_PARTY_APPS)
        self.sign_in()
        return self.browser.press("remove-access-button")
