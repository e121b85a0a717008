"""What every page for owners keeps to: nothing untrue without scripts, no hidden warning, no dead end, no twins."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format

from connect.authorize import authorization_response
from connect.links import fix_link
from connect.models import ConnectSession
from connect.run import browser
from tests.connect.conftest import Journey
from tests.factories import (
    ApplicationFactory,
    ConnectSessionFactory,
    FixLinkFactory,
    PersonVisitFactory,
    TeslaAccountFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.runner import ROOT
from vehicles import facts
from vehicles.client_credentials import checksum
from vehicles.models import TeslaAccount, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson

TEMPLATES: Final = sorted((ROOT / "connect/templates/connect").glob("*.html"))
_UNSEEN_TAGS: Final = {"script", "style", "title"}
_VOID: Final = {"input", "meta", "link", "img", "br", "path", "circle"}


@dataclass
class Seen(HTMLParser):
    """A page as somebody sees it whose browser runs no scripts: what is `hidden` or folded away is left out."""

    source: str
    text: str = ""
    words_on: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, bool]] = []
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in _VOID:
            is_folded = tag == "details" and "open" not in given
            self._open.append((tag, "hidden" in given or tag in _UNSEEN_TAGS or is_folded))
        if tag in ("a", "button"):
            self.words_on.append("")
        if tag == "h2":
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(unseen for _, unseen in self._open):
            return
        tags = [tag for tag, _ in self._open]
        self.text += " " + data.strip()
        if {"a", "button"} & set(tags):
            self.words_on[-1] += data
        if "h2" in tags:
            self.headings[-1] += data


def seen(answer: HttpResponse | str) -> Seen:
    return Seen(answer if isinstance(answer, str) else answer.content.decode())


# Without scripts ---------------------------------------------------------------------------------------------------

ONLY_WITH_SCRIPTS: Final = re.compile(r"by itself|goes on|page shows when|keep looking|as soon as it is seen")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.stem)
def test_what_only_scripts_do_is_said_only_where_they_run(template: Path) -> None:
    text = template.read_text()
    for found in ONLY_WITH_SCRIPTS.finditer(text):
        around = text[: found.start()]
        tag = around[around.rindex("<") :]
        assert "data-scripted hidden" in tag, (
            f"untrue without scripts: {text[found.start() - 60 : found.end() + 20]}"
        )


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.stem)
def test_whoever_has_no_scripts_is_told_what_to_press_instead(template: Path) -> None:
    text = template.read_text()
    assert text.count("data-scripted") <= text.count("data-plain-only")


def test_the_key_page_without_scripts_tells_to_look_again(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()

    page = seen(journey.look())

    assert "It shows by itself" not in page.text
    assert "press “Check now”" in page.text and "Check now" in page.words_on


# Warnings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.stem)
def test_no_warning_is_folded_away(template: Path) -> None:
    for folded in re.findall(r"<details.*?</details>", template.read_text(), re.DOTALL):
        assert "caution" not in folded and "notice warn" not in folded and "not_ticked" not in folded


def test_what_was_not_ticked_stands_in_sight_above_the_button_that_goes_on_without_it(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email, ["vehicle_device_data"])

    source = journey.look()
    page = seen(source)

    assert "1 thing was not ticked at Tesla" in page.text
    assert "Lock and unlock the car" in page.text and "Vehicle Commands" in page.text
    assert source.index('id="not-ticked"') < source.index('id="approval-button"')
    assert "Allow the rest" in page.words_on and "Allow" not in page.words_on


def test_where_everything_was_ticked_nothing_is_warned_of(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)

    page = seen(journey.look())

    assert "not ticked" not in page.text and "Allow" in page.words_on


# Ways back ---------------------------------------------------------------------------------------------------------

HOMES: Final = {
    "https://app.example/auth?tenant=1": "https://app.example/",
    "http://localhost:8002/callback": "http://localhost:8002/",
    "sc0b0cf2d9://exchange": "",
    "": "",
}


@pytest.mark.parametrize("redirect_uri", HOMES)
def test_a_finished_run_leads_back_to_the_application_or_to_what_was_allowed(
    db: None, redirect_uri: str
) -> None:
    client, session = in_browser(
        ConnectSessionFactory(redirect_uri=redirect_uri, step="ended", exit_reason="x")
    )

    page = client.get(f"/connect/{session.pk}").content.decode()

    assert "This is already finished" in page
    home = re.search(r'id="back-button" href="([^"]*)"', page)
    assert (home[1] if home else "") == HOMES[redirect_uri]
    assert 'id="own-page-link" href="/connect/account"' in page


def test_a_run_of_a_browser_client_leads_back_to_its_pages(db: None) -> None:
    page = "http://localhost:8000/connect/redirect?app_origin=https%3A%2F%2Fapp.example"
    assert authorization_response.home_url(ConnectSession(redirect_uri=page)) == "https://app.example"


def in_browser(session: ConnectSession) -> tuple[Client, ConnectSession]:
    """A browser that began this run, which is over."""
    secret, client = browser.new_secret(), Client()
    client.cookies["carport_connect"] = secret
    session.browser_checksum, session.ended_at = checksum(secret), timezone.now()
    session.save()
    return client, session


@pytest.mark.parametrize(
    "query", ["", "client_id=nobody", "client_id=nobody&redirect_uri=https://evil.example"]
)
def test_a_link_that_is_not_in_order_is_no_dead_end(db: None, query: str) -> None:
    assert 'id="front-button" href="/"' in Client().get(f"/oauth/authorize?{query}").content.decode()


# Cars and buttons that can be told apart ------------------------------------------------------------------------------


@dataclass
class Fleet:
    """Three cars of one person at one application: two share their name, all their model."""

    account: TeslaAccount
    grants: list[VehicleGrant]

    def settled(self) -> Fleet:
        facts.refresh_verdicts(VehicleGrant.objects.all(), timezone.now())
        return self


@pytest.fixture
def fleet(db: None) -> Fleet:
    account, application = TeslaAccountFactory(), ApplicationFactory(name="Charge Planner")
    cars = [
        VehicleFactory(model="Model 3", display_name=name, colour=colour, key="present")
        for name, colour in (("", "DeepBlue"), ("", "Red"), ("Kombi", "Red"))
    ]
    grants = [VehicleGrantFactory(application=application, vehicle=car, account=account) for car in cars]
    return Fleet(account, grants)


def fix_page(fleet: Fleet, client: Client | None = None) -> HttpResponse:
    first = fleet.grants[0]
    link = FixLinkFactory(application=first.connection.application, person=fleet.account.person)
    return (client or Client()).get(urlsplit(fix_link.address(link)).path)


def signed_in_browser(account: TeslaAccount, now: datetime) -> Client:
    secret, client = browser.new_secret(), Client()
    client.cookies["carport_connect"] = secret
    PersonVisitFactory(account=account, signed_in_at=now, began_at=now, browser_checksum=checksum(secret))
    return client


LOST: Final[dict[str, dict[str, Any]]] = {
    "removed": {"consent": "revoked"},
    "signed out": {"consent": "sign_in_needed"},
    "unticked": {"granted_scopes": []},
}


@pytest.mark.parametrize("lost", LOST)
def test_a_fix_it_page_tells_cars_apart_and_asks_for_one_sign_in(fleet: Fleet, lost: str) -> None:
    TeslaAccount.objects.update(**LOST[lost])
    for number, grant in enumerate(fleet.grants):
        grant.requested = grant.approved = [*grant.requested, *["read_odometer", "read_location"][:number]]
        grant.save()

    page = seen(fix_page(fleet.settled()))

    headings = [heading for heading in page.headings if heading]
    assert len(set(headings)) == 3 and not any("Your car" in heading for heading in headings)
    for grant in fleet.grants:
        assert grant.connection.vehicle.vin_ending in page.text
    assert "dark blue" in page.text and "red" in page.text
    assert len([words for words in page.words_on if words.startswith("Sign in at Tesla")]) == 1


def test_two_accounts_get_a_sign_in_each_and_its_name_says_for_which_car(fleet: Fleet) -> None:
    other = TeslaAccountFactory(person=fleet.account.person)
    application = fleet.grants[0].connection.application
    VehicleGrantFactory(account=other, application=application, vehicle=VehicleFactory(display_name="Yeti"))
    TeslaAccount.objects.update(consent="revoked")

    page = seen(fix_page(fleet.settled()))

    buttons = [words for words in page.words_on if words.startswith("Sign in at Tesla")]
    assert len(buttons) == len(set(buttons)) == 2 and any("Yeti" in words for words in buttons)


def test_cars_that_the_application_may_not_know_are_numbered_and_named_to_their_owner(
    fleet: Fleet, now: datetime
) -> None:
    VehicleGrant.objects.update(requested=["control_security"], approved=["control_security"])
    TeslaAccount.objects.update(consent="revoked")

    stranger = seen(fix_page(fleet.settled()))
    owner = seen(fix_page(fleet, signed_in_browser(fleet.account, now)))

    assert {"Your car, 1 of 3", "Your car, 2 of 3", "Your car, 3 of 3"} <= set(stranger.headings)
    assert "Kombi" not in stranger.text and fleet.grants[0].connection.vehicle.vin_ending not in stranger.text
    assert "once you have signed in" in stranger.text
    assert "Kombi" in owner.headings and "of 3" not in owner.text


def test_the_persons_page_lists_permissions_names_cars_apart_and_has_one_form_of_date(
    fleet: Fleet, now: datetime
) -> None:
    client = signed_in_browser(fleet.account, now)

    source = client.get("/connect/account").content.decode()
    page = seen(source)

    assert ";" not in page.text
    assert source.count("<li>Lock and unlock the car</li>") == 3
    takes = [words for words in page.words_on if words.startswith("Take ") and words.endswith("away")]
    assert len(takes) == len(set(takes)) == 3
    day = date_format(fleet.grants[0].approved_at, "DATE_FORMAT")
    assert page.text.count(day) == 6 and not re.search(r"\d+/\d+/\d{4}|a\.m\.|p\.m\.", page.text)


def test_what_is_about_to_end_names_cars_apart_as_well(fleet: Fleet, now: datetime) -> None:
    client = signed_in_browser(fleet.account, now)

    answer = client.post("/connect/account/take-away", {"grant": [str(grant.pk) for grant in fleet.grants]})

    ends = re.findall(r"<li>(.*?)</li>", answer.content.decode())
    assert len(ends) == len(set(ends)) == 3
