"""A copy of a browser's cookie from before somebody signed in opens nothing of theirs afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from connect.links import fix_link, owner_link
from connect.run import browser
from tests.connect.conftest import Journey, answer_of
from tests.connect.test_legacy_login import LegacyJourney
from tests.connect.test_owner_link import AtTheLink
from tests.factories import ApplicationFactory, FixLinkFactory, UserFactory
from vehicles.models import Application, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson

OWN_PAGE = "/connect/account"


def copy_of(client: Client) -> Client:
    """Another browser with the cookies as they are now."""
    copy = Client()
    copy.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    assert copy.cookies
    return copy


def at_own_page(journey: Journey, email: str) -> Iterator[Client]:
    """Up to Tesla, giving out a copy of the cookies, and back."""
    address = journey.client.post(f"{OWN_PAGE}/sign-in").headers["Location"]
    yield copy_of(journey.client)
    back = journey.tesla.open(journey.tesla.log_in(address, email))
    assert journey.return_from_tesla(back).headers["Location"] == OWN_PAGE


def is_refused(answer: HttpResponse) -> bool:
    return answer.status_code == 403 and "in the browser where you began" in answer.content.decode()


@pytest.fixture
def connected(journey: Journey, anna: ScenarioPerson) -> Journey:
    """Anna allowed the application her cars."""
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()
    return journey


def test_nobody_else_opens_the_persons_page(connected: Journey, anna: ScenarioPerson) -> None:
    signing_in = at_own_page(connected, anna.email)
    thief = next(signing_in)
    next(signing_in, None)

    assert "Charge Planner" in connected.client.get(OWN_PAGE).content.decode()
    assert "Charge Planner" not in thief.get(OWN_PAGE).content.decode()
    thief.post(f"{OWN_PAGE}/delete", {"confirmed": "1"})
    assert VehicleGrant.objects.active().count() == 2


def test_nobody_else_goes_on_with_the_run(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize()
    address = journey.to_tesla()
    thief = Journey(journey.application, copy_of(journey.client))
    journey.return_from_tesla(journey.tesla.connect(address, anna.email))

    assert is_refused(thief.client.get(journey.page))
    thief.authorize()
    assert thief.page not in ("", journey.page), "the unfinished run was offered to somebody else"
    assert "Kombi" in journey.look()
    assert is_refused(thief.client.post(f"{journey.page}/approve", {}))


def test_nobody_else_goes_on_with_a_run_over_the_legacy_api(
    journey: Journey, application: Application
) -> None:
    Application.objects.update(integration="legacy")
    person = LegacyJourney(application)
    address = person.sign_in_there(person.to_login_page())
    thief = copy_of(person.client)
    assert person.bring(address).status_code == 302

    assert is_refused(thief.get(person.page))
    assert 'id="approval-button"' in person.look()


def test_nobody_else_sees_the_owners_key_page(connected: Journey, anna: ScenarioPerson) -> None:
    grant = VehicleGrant.objects.all()[0]
    owner = AtTheLink(urlsplit(owner_link.address(grant, timezone.now())).path)
    address = owner.to_tesla()
    thief = copy_of(owner.client)
    owner.return_from_tesla(owner.tesla.connect(address, anna.email))

    assert owner.client.get(f"{owner.address}/state").status_code == 200
    assert thief.get(f"{owner.address}/state").status_code == 404


def test_a_fix_it_page_tells_nobody_else_what_it_tells_the_person(
    connected: Journey, anna: ScenarioPerson
) -> None:
    VehicleGrant.objects.update(requested=["read_battery"], approved=["read_battery"])
    person = VehicleGrant.objects.all()[0].account.person
    signing_in = at_own_page(connected, anna.email)
    thief = next(signing_in)
    next(signing_in, None)
    link = FixLinkFactory(application=connected.application, person=person)
    page = urlsplit(fix_link.address(link)).path

    assert "Kombi" in connected.client.get(page).content.decode()
    assert "Kombi" not in thief.get(page).content.decode()


def test_what_other_tabs_are_at_goes_on(
    connected: Journey, anna: ScenarioPerson, bernd: ScenarioPerson
) -> None:
    """Some tabs are at Tesla and one before it, while another signs in."""
    client = connected.client
    at_tesla = Journey(ApplicationFactory(), client)
    at_tesla.authorize(state="at Tesla")
    back = at_tesla.tesla.connect(at_tesla.to_tesla(), bernd.email)
    before = Journey(ApplicationFactory(), client)
    before.authorize(state="before")
    legacy = LegacyJourney(ApplicationFactory(integration="legacy"), client)
    legacy_address = legacy.sign_in_there(legacy.to_login_page(state="legacy"))
    list(at_own_page(connected, anna.email))

    at_tesla.return_from_tesla(back)
    assert answer_of(at_tesla.approve())["state"] == "at Tesla"
    before.sign_in(bernd.email)
    assert answer_of(before.approve())["state"] == "before"
    assert legacy.bring(legacy_address).headers["Location"] == legacy.page
    assert 'id="approval-button"' in legacy.look()


def test_a_sign_in_that_fails_changes_nothing(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    before = journey.client.cookies["carport_connect"].value
    journey.return_from_tesla(journey.tesla.deny(journey.tesla.log_in(journey.to_tesla(), bernd.email)))

    assert journey.client.cookies["carport_connect"].value == before
    assert journey.client.get(journey.page).status_code == 200


def test_everything_that_a_browser_holds_is_renewed() -> None:
    bound = {
        model for model in apps.get_models() if any(f.name == "browser_checksum" for f in model._meta.fields)
    }
    assert bound == set(browser.BOUND)


def test_a_staff_session_from_before_the_sign_in_opens_nothing(client: Client, db: None) -> None:
    staff = UserFactory(password="correct horse battery")
    client.get("/admin/login/")
    session = client.session
    session["planted"] = "1"
    session.save()
    client.cookies["carport_session"] = session.session_key
    thief = copy_of(client)
    form = {"username": staff.username, "password": "correct horse battery", "next": "/admin/"}
    csrf_before = client.cookies["carport_csrf"].value
    assert client.post("/admin/login/", form).status_code == 302

    assert client.get("/admin/").status_code == 200
    assert thief.get("/admin/").status_code == 302
    assert not Session.objects.filter(session_key=session.session_key).exists()
    assert client.cookies["carport_csrf"].value != csrf_before
