"""The demo's people at the simulated Tesla: what they would do in a browser, and what it has to be told, over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import urllib3

from vehicles import sync
from vehicles.models import Integration, Mode, TeslaAccount
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tokens import logins


class SimulatorRefused(Exception):
    """The simulated Tesla did not take what it was told."""


def sign_in_legacy(person: ScenarioPerson) -> TeslaAccount:
    """The person signs in to the legacy API. Raises `SimulatorRefused`."""
    verifier = secrets.token_urlsafe(48)
    login = logins.legacy_login_page(Mode.LIVE, state=secrets.token_urlsafe(16), code_verifier=verifier)
    account = logins.sign_in_legacy(mode=Mode.LIVE, code=code_of(login, person), code_verifier=verifier)
    sync.learn_email(account, Integration.LEGACY)
    return account


def code_of(authorize: str, person: ScenarioPerson) -> str:
    """Sign in on the login page; the consent is there already, so the answer is an authorization code.

    Raises `SimulatorRefused` where none comes back.
    """
    login = urlencode({"username": person.email, "password": person.password})
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    signed_in = urllib3.request("POST", authorize, body=login, headers=form, redirect=False)
    cookie = signed_in.headers.get("Set-Cookie", "").partition(";")[0]
    back = urllib3.request("GET", authorize, headers={"Cookie": cookie}, redirect=False)
    query = parse_qs(urlsplit(back.headers.get("Location", "")).query)
    if "code" not in query:
        raise SimulatorRefused(f"no code for {person.email}: HTTP {back.status}")
    return query["code"][0]


def tell(simulator_url: str, method: str, path: str, body: Mapping[str, Any]) -> None:
    """Use the control API. Raises `SimulatorRefused`."""
    answer = urllib3.request(method, simulator_url + path, json=body)
    if answer.status >= 400:
        raise SimulatorRefused(f"{method} {path}: HTTP {answer.status}")
