"""A language in which every translated sentence stands in ⟦brackets⟧: whatever stands outside was forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import trans_real

from connect.problems import catalogue, link_problems
from connect.problems.catalogue import Problem
from connect.views import pages
from tests.journeys.browser import Browser
from tests.journeys.people import Consumer, Owner
from vehicles.errors import CATALOGUE
from vehicles.tesla.scopes import LABELS

SILENT = ("script", "style", "svg", "code", "pre")
NAMES = {"Tesla", "Carport", "Charging", "English", "Rental", *LABELS.values()}
"""What is called the same in every language here: makes, applications, Tesla's own labels."""
SUPPORT_CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")
PROBLEMS = [
    found
    for found in [*vars(catalogue).values(), *vars(link_problems).values()]
    if isinstance(found, Problem)
]


class Bracketed:
    """A catalogue that has everything, in brackets."""

    def get(self, key: Any, default: Any = None) -> str:
        return f"⟦{key[0] if isinstance(key, tuple) else key}⟧"

    def __getitem__(self, key: Any) -> str:
        return self.get(key)

    def plural(self, message: str, number: int) -> int:
        return 0


@pytest.fixture(autouse=True)
def bracketed(monkeypatch: pytest.MonkeyPatch) -> None:
    german = trans_real.translation("de")
    monkeypatch.setattr(german, "_catalog", Bracketed())


class Texts(HTMLParser):
    """What a page says: texts, and the attributes that are read out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in SILENT
        self.said += [value or "" for name, value in attrs if name in ("alt", "title", "aria-label")]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(data)


def forgotten(page: str, names: set[str] = NAMES) -> list[str]:
    """What a page says outside of brackets that holds a word and is no name. A sentence may go on behind a link."""
    found, depth = [], 0
    for text in Texts(page).said:
        outside = ""
        for sign in text:
            depth += (sign == "⟦") - (sign == "⟧")
            outside += sign if depth == 0 else ""
        for name in sorted(names, key=len, reverse=True):
            outside = outside.replace(name, "")
        if re.search(r"[A-Za-z]{3}", SUPPORT_CODE.sub("", outside)):
            found.append(text.strip())
    return found


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch, portal_url: str) -> dict[str, list[str]]:
    """What every page of the portal that a browser comes to says outside of brackets, by address."""
    found: dict[str, list[str]] = {}
    go = Browser._go

    def going(self: Browser, *given: Any) -> Browser:
        went = go(self, *given)
        if went.address.startswith(portal_url) and went.text.startswith("<!doctype"):
            cars = {"Kombi", "Yeti", "Dampfer", "Model 3", "Model Y", "Model S"}
            cars |= set(re.findall(r"(?<=as )\S+@\S+", went.text))
            if left := forgotten(went.text, NAMES | cars):
                found[went.address] = left
        return went

    monkeypatch.setattr(Browser, "_go", going)
    return found


def test_on_the_way_through_connect_and_the_persons_own_pages(
    seen: dict[str, list[str]],
    owner: Callable[[str], Owner],
    consumer: Callable[..., Consumer],
    portal_url: str,
) -> None:
    application, anna = consumer(name="Charging"), owner("anna")
    browser = anna.browser.open(f"{portal_url}/connect/language/de?next=/")
    assert "⟦" in browser.text
    browser.open(f"{portal_url}/oauth/authorize?client_id=nobody")
    required = ["required:read_vehicle_info", "required:control_security", "read_location"]
    anna.to_permissions(application, required, tick=["vehicle_device_data"])
    browser.open(application.authorize_url(required))
    assert browser.has("start-again-button")
    browser.press("start-again-button").press("continue-button")
    anna.at_tesla()
    if not browser.has("approval-button"):
        browser.press("tesla-button")
        anna.at_tesla()
    browser.press("approval-button")
    anna.finish(application)
    browser.open(application.call("POST", f"/v2.0/vehicles/{one_car_of(application)}/tesla/fix").body["url"])
    browser.open("/connect/account").press("continue-button")
    anna.at_tesla()
    browser.press("delete-button")
    assert seen == {}


def one_car_of(application: Consumer) -> str:
    return str(application.call("GET", "/v2.0/vehicles").body["vehicles"][0])


def test_what_drivers_see_and_pass_on(
    seen: dict[str, list[str]],
    owner: Callable[[str], Owner],
    consumer: Callable[..., Consumer],
    portal_url: str,
) -> None:
    clara = owner("clara")
    clara.browser.open(f"{portal_url}/connect/language/de?next=/")
    clara.to_permissions(consumer(name="Rental")).press("approval-button")
    link = re.search(r'href="([^"]+/connect/owner/[^"]+)"', clara.browser.text)
    assert link
    clara.browser.open(link[1])
    assert seen == {}


@pytest.mark.parametrize("found", PROBLEMS, ids=lambda found: re.sub(r"\W+", "-", str(found.title)))
def test_every_page_that_stops_a_run(found: Problem, rf: Any) -> None:
    from django.utils import translation

    with translation.override("de"):
        page = pages.problem(rf.get("/"), found).content.decode()
    assert forgotten(page) == []


def test_every_page_about_errors(client: Client) -> None:
    for page in ("/docs/errors/", *(spec.page for spec in CATALOGUE.values())):
        shown = client.get(page, headers={"Accept-Language": "de"}).content.decode()
        assert forgotten(shown, NAMES | set(CATALOGUE)) == [], page
