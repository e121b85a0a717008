"""What anybody can do without signing in leaves no row, or one of a number that they cannot raise."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone

from connect.models import AddressBudget, Arrivals, ConnectSession, PersonVisit, RunStep, ShownFault, Step
from connect.run import address_limits, funnel, opening
from tests.connect.conftest import Journey
from tests.factories import ApplicationFactory, VehicleGrantFactory
from vehicles.models import Application, Event
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson

pytestmark = pytest.mark.django_db


def rows() -> dict[str, int]:
    """How many rows each table holds."""
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def more_rows(act: Callable[[], object], times: int = 20) -> dict[str, int]:
    """How many rows it makes, done again and again in new browsers."""
    before = rows()
    for _ in range(times):
        act()
    return {name: number - before[name] for name, number in rows().items() if number != before[name]}


@pytest.fixture
def car_of(application: Application) -> str:
    grant = VehicleGrantFactory(application=application)
    return str(grant.connection.public_id)


ENTRIES: dict[str, Callable[[str, str], str]] = {
    "authorize": lambda client_id, _: (
        f"/oauth/authorize?response_type=code&client_id={client_id}&redirect_uri=https://example.com/auth&scope=read_vin"
    ),
    "authorize for nobody to go back to": lambda client_id, _: (
        f"/oauth/authorize?response_type=code&client_id={client_id}&scope=read_vin&state=x"
    ),
    "reauthenticate": lambda client_id, car: (
        f"/oauth/reauthenticate?response_type=vehicle_id&client_id={client_id}&vehicle_id={car}"
        "&redirect_uri=https://example.com/auth"
    ),
    "reauthenticate by make": lambda client_id, _: (
        f"/oauth/reauthenticate?response_type=vehicle_id&client_id={client_id}&make=TESLA&scope=read_vin"
    ),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_opening_a_link_of_an_application_makes_no_row_but_its_hours_counter(
    application: Application, car_of: str, entry: str
) -> None:
    link = ENTRIES[entry](application.client_id, car_of)

    made = more_rows(lambda: Client().get(link))

    assert made == {"connect.Arrivals": 1}
    counted = Arrivals.objects.get()
    assert (counted.application, counted.number) == (application, 20)
    assert counted.entry == ("connect" if entry.startswith("authorize") else "reauthenticate")


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_first_press_makes_the_run(application: Application, car_of: str, entry: str) -> None:
    journey = Journey(application)
    journey.open(ENTRIES[entry](application.client_id, car_of))

    made = more_rows(lambda: journey.post("begin"), times=1)

    assert made["connect.ConnectSession"] == 1 and made["vehicles.Event"] == 1
    assert journey.run.step == Step.TESLA


def test_a_form_sent_twice_or_from_two_tabs_makes_one_run(journey: Journey) -> None:
    journey.authorize()
    word = {"run": re.findall(r'name="run" value="([^"]+)"', journey.first_page)[0]}
    for _ in range(3):
        assert journey.client.post(f"{journey.page}/begin", word).status_code == 302
    assert ConnectSession.objects.count() == 1
    assert Event.objects.filter(kind="connect:started").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_first_presses_at_the_same_moment_make_one_run(journey: Journey) -> None:
    journey.authorize()
    word = {"run": re.findall(r'name="run" value="([^"]+)"', journey.first_page)[0]}
    start = Barrier(2)

    def press(_: int) -> int:
        client = Client()
        client.cookies = journey.client.cookies
        start.wait()
        try:
            return client.post(f"{journey.page}/begin", word).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(press, range(2))) == [302, 302]
    assert ConnectSession.objects.count() == 1
    assert Event.objects.filter(kind="connect:started").count() == 1


def test_leaving_is_a_press_too_and_the_funnel_sees_it(journey: Journey, now: datetime) -> None:
    journey.authorize()
    assert "error=" in journey.post("leave", reason="access_denied").headers["Location"]
    first = funnel.stages(mode="live", since=now - timedelta(days=1), now=now)[0]
    assert (first.reached, first.left, first.still_there) == (1, 1, 0)


def test_going_back_in_the_browser_shows_the_first_page_of_the_same_run(journey: Journey) -> None:
    journey.authorize()
    journey.post("begin")
    run = journey.run

    shown = journey.authorize().content.decode()

    assert "would like to connect" in shown and journey.run == run and not journey.first_page
    assert journey.post("begin").status_code == 302
    assert ConnectSession.objects.count() == 1 and Arrivals.objects.get().number == 1


def test_choosing_another_language_leads_back_to_the_same_link_and_counts_nobody_twice(
    journey: Journey, settings: Any
) -> None:
    shown = journey.authorize(state="a&b").content.decode()
    link = re.findall(r'href="(/connect/language/de[^"]+)"', shown)[0]
    own_page = f"{settings.PUBLIC_URL}/oauth/authorize?x"

    answer = journey.client.get(link, headers={"Referer": own_page}, follow=True)

    assert "möchte" in answer.content.decode() and "state=a%26b" in answer.redirect_chain[-1][0]
    assert Arrivals.objects.get().number == 1


@pytest.mark.parametrize(
    "change", [lambda word: "", lambda word: word[:-1], lambda word: "x" + word, lambda word: "forged"]
)
def test_a_forged_word_begins_nothing(journey: Journey, change: Callable[[str], str]) -> None:
    journey.authorize()
    word = re.findall(r'name="run" value="([^"]+)"', journey.first_page)[0]
    assert journey.client.post(f"{journey.page}/begin", {"run": change(word)}).status_code == 404
    assert not ConnectSession.objects.exists()


def test_a_word_is_worth_nothing_for_another_run_or_in_another_browser(journey: Journey) -> None:
    journey.authorize()
    word = {"run": re.findall(r'name="run" value="([^"]+)"', journey.first_page)[0]}
    assert Client().post(f"{journey.page}/begin", word).status_code == 403
    other = Journey(journey.application, journey.client)
    other.authorize(state="other")
    assert other.client.post(f"{other.page}/begin", word).status_code == 404
    assert not ConnectSession.objects.exists()


def test_a_page_that_stood_open_too_long_says_so_and_starts_again(journey: Journey) -> None:
    journey.authorize()
    word = {"run": re.findall(r'name="run" value="([^"]+)"', journey.first_page)[0]}
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        answer = journey.post("begin")
        assert answer.status_code == 410 and "longer than an hour" in answer.content.decode()
        journey.first_page = ""
        assert journey.post("start-again").status_code == 302
    with time_machine.travel(timezone.now() + opening.TAKEN_FOR + timedelta(minutes=1)):
        ConnectSession.objects.all().delete()
        assert journey.client.post(f"{journey.page}/begin", word).status_code == 404


def test_what_stands_in_the_way_is_told_before_the_first_press_and_leads_back(journey: Journey) -> None:
    text = journey.authorize(make="BMW").content.decode()
    assert "support-code" in text and not ConnectSession.objects.exists()
    assert (
        "error=vehicle_incompatible"
        in journey.post("leave", reason="vehicle_incompatible").headers["Location"]
    )


def test_who_presses_nothing_is_in_the_funnel(journey: Journey, now: datetime) -> None:
    with time_machine.travel(now - timedelta(hours=3), tick=False):
        for _ in range(4):
            Journey(journey.application, Client()).authorize()
    Journey(journey.application, Client()).authorize()
    journey.authorize()
    journey.post("begin")

    first = funnel.stages(mode="live", since=now - timedelta(days=1), now=now)[0]

    assert (first.reached, first.left, first.went_on, first.still_there) == (6, 4, 1, 1)
    (share,) = funnel.shares(mode="live", since=now - timedelta(days=1))
    assert (share.name, share.begun, share.finished) == ("Charge Planner", 6, 0)
    assert RunStep.objects.filter(step="preamble").count() == 1


FORMS: dict[str, Callable[[Client, str], Any]] = {
    "a run's first press": lambda *given: _first_press(*given),  # noqa: PLW0108 - it stands below
    "the person's own page": lambda client, _: client.post("/connect/account/sign-in"),
}


def _first_press(client: Client, client_id: str) -> Any:
    journey = Journey(Application.objects.get(client_id=client_id), client)
    journey.authorize()
    return journey.post("begin")


@pytest.mark.parametrize("form", FORMS)
def test_one_address_makes_only_so_many_rows_a_minute(
    settings: Any, application: Application, form: str
) -> None:
    settings.STARTS_PER_ADDRESS_AND_MINUTE = 3
    here, there = {"REMOTE_ADDR": "2001:db8:1:2::7"}, {"REMOTE_ADDR": "198.51.100.7"}
    with time_machine.travel("2026-11-23T12:00:20Z", tick=False):
        answers = [FORMS[form](Client(**here), application.client_id) for _ in range(5)]
        neighbour = FORMS[form](Client(REMOTE_ADDR="2001:db8:1:2::8"), application.client_id)
        other = FORMS[form](Client(**there), application.client_id)

    assert [answer.status_code for answer in (*answers, neighbour, other)] == [
        302,
        302,
        302,
        429,
        429,
        429,
        302,
    ]
    assert answers[-1].headers["Retry-After"] == "40"
    assert "Wait a minute" in answers[-1].content.decode()
    assert ConnectSession.objects.count() + PersonVisit.objects.count() == 4
    with time_machine.travel("2026-11-23T12:01:00Z", tick=False):
        assert FORMS[form](Client(**here), application.client_id).status_code == 302


def test_a_clock_that_was_ahead_once_shuts_no_address_out(settings: Any) -> None:
    settings.STARTS_PER_ADDRESS_AND_MINUTE = 1
    with time_machine.travel("2027-01-01T00:00:00Z", tick=False):
        address_limits.count("198.51.100.7", timezone.now())
    address_limits.count("198.51.100.7", timezone.now())


@pytest.mark.parametrize("address", ["", "unix:", "fe80::1%eth0", "198.51.100.7"])
def test_an_address_is_kept_as_a_checksum(address: str) -> None:
    address_limits.count(address, timezone.now())
    kept = str(AddressBudget.objects.values().get())
    assert "198.51" not in kept and "fe80" not in kept


def test_fault_pages_are_told_apart_by_nothing_that_the_caller_chooses(client: Client) -> None:
    client_id = ApplicationFactory().client_id
    for number in range(5):
        for query in (
            f"a{number}=1&a{number}=2",
            f"%00{number}=1&%00{number}=2",
            f"client_id={client_id}&p{number}&p{number}",
        ):
            answer = client.get(f"/oauth/authorize?{query}")
            assert answer.status_code == 400 and "support-code" in answer.content.decode()
    assert set(ShownFault.objects.values_list("reason", flat=True)) == {
        "The link is not in order: another parameter"
    }
    assert "\0" not in str(ShownFault.objects.values_list("sent", flat=True))
    assert ShownFault.objects.filter(sent="a3").exists()


def test_a_whole_journey_still_ends_where_it_should(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    assert "code=" in journey.approve().headers["Location"]
    assert [entry["step"] for entry in journey.run.trail][:2] == ["preamble", "tesla"]
