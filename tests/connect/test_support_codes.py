"""Whatever goes wrong for somebody: the page carries a code to read out, and staff who type it see what it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from connect import tasks
from connect.links import fix_link, owner_link
from connect.models import ConnectSession, FixLink, ShownFault
from connect.problems import fault_pages, support_codes
from tests.connect.conftest import AtTesla, Journey
from tests.factories import (
    ApplicationFactory,
    FixLinkFactory,
    ShownFaultFactory,
    UserFactory,
    VehicleGrantFactory,
)
from vehicles.models import Application
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db: None) -> Client:
    user = UserFactory()
    user.groups.add(Group.objects.get(name="viewer"))
    client = Client()
    client.force_login(user)
    return client


def code_on(page: HttpResponse) -> str:
    found = re.search(r'id="support-code">([^<]+)<', page.content.decode())
    assert found, "the page carries no support code"
    return found.group(1)


def found_by_staff(staff: Client, code: str) -> str:
    """The page that the search for the code ends on."""
    answer = staff.get(reverse("admin:connect_shownfault_find"), {"code": code}, follow=True)
    assert support_codes.shown(support_codes.normalize(code)) in answer.content.decode()
    return str(answer.redirect_chain[-1][0])


def _withdrawn_fix_link() -> str:
    return urlsplit(fix_link.address(FixLinkFactory(withdrawn_at=timezone.now()))).path


def _old_owner_link() -> str:
    return urlsplit(owner_link.address(VehicleGrantFactory(), timezone.now() - timedelta(days=8))).path


def _unknown_scope() -> str:
    query = {
        "response_type": "code",
        "client_id": ApplicationFactory(name="Charge Planner").client_id,
        "redirect_uri": "https://example.com/auth",
        "scope": "read_minds",
    }
    return f"/oauth/authorize?{urlencode(query)}"


WITHOUT_A_RUN: dict[str, tuple[Callable[[], str], int, str]] = {
    "no such run": (lambda: f"/connect/{uuid4()}", 404, "This page does not exist"),
    "no such address": (lambda: "/connect/0815", 404, "There is nothing here"),
    "forged fix-it link": (lambda: "/fix/forged:word", 404, "This page does not exist"),
    "withdrawn fix-it link": (_withdrawn_fix_link, 410, "This link is over"),
    "forged owner's link": (lambda: "/connect/owner/forged", 404, "This page does not exist"),
    "old owner's link": (_old_owner_link, 410, "This link is too old"),
    "forged key page": (lambda: "/connect/key/forged", 404, "This page does not exist"),
    "used sign-in": (lambda: "/connect/tesla/callback?code=x&state=y", 400, "This sign-in was already used"),
    "foreign origin": (lambda: "/connect/redirect?app_origin=https://evil.example", 400, "This page belongs to no"),
    "unknown application": (lambda: "/oauth/authorize?client_id=x", 400, "The link is not in order: client_id"),
    "unknown permission": (_unknown_scope, 400, "The link is not in order: scope"),
}  # fmt: skip


@pytest.mark.parametrize("case", WITHOUT_A_RUN)
def test_a_page_without_a_run_carries_a_code_that_staff_find(
    client: Client, staff: Client, case: str
) -> None:
    address, status, reason = WITHOUT_A_RUN[case]
    page = client.get(address(), headers={"Accept-Language": "de"})
    assert page.status_code == status

    place = found_by_staff(staff, code_on(page))

    fault = ShownFault.objects.get()
    assert place == reverse("admin:connect_shownfault_change", args=[fault.pk])
    assert fault.reason.startswith(reason)
    assert fault.request_id == page.headers["SC-Request-Id"]


SENT_AMISS: dict[str, tuple[dict[str, str], str]] = {
    "one permission": ({"scope": "read_vin read_minds"}, "read_minds"),
    "several, required": ({"scope": "required:read_minds read_vin lock_soul"}, "lock_soul, read_minds"),
    "with commas": ({"scope": "read_vin,read_odometer"}, "read_vin,read_odometer"),
    "with an umlaut": ({"scope": "read_vin lese_tür"}, "lese_tür"),
    "with a space of its own": ({"scope": "read_vin à"}, "à"),
    "unprintable": ({"scope": "read_\0vin"}, "read_\N{REPLACEMENT CHARACTER}vin"),
    "capitals": ({"scope": "READ_VIN"}, "READ_VIN"),
    "a mode": ({"mode": "Live"}, "Live"),
    "a flag": ({"single_select": "yes"}, "yes"),
}


@pytest.mark.parametrize("case", SENT_AMISS)
def test_staff_see_what_was_wrong_in_a_link_and_so_does_whoever_may_see_the_page(
    client: Client, staff: Client, case: str
) -> None:
    changes, wrong = SENT_AMISS[case]
    query = {
        "response_type": "code",
        "client_id": ApplicationFactory().client_id,
        "redirect_uri": "https://example.com/auth",
        "scope": "read_vin",
    }
    page = client.get(f"/oauth/authorize?{urlencode(query | changes)}")

    assert "leave-button" in page.content.decode()
    if "scope" in changes:
        assert f"These permissions do not exist: {wrong}." in page.content.decode()
    place = found_by_staff(staff, code_on(page))
    for seen in (place, reverse("admin:connect_shownfault_changelist")):
        assert wrong in staff.get(seen).content.decode()


def test_many_faults_of_one_kind_share_codes_and_the_one_that_says_the_same_first(client: Client) -> None:
    for number in range(fault_pages.MOST_AN_HOUR):
        ShownFaultFactory(reason="The link is not in order: scope", sent="read_minds" if number == 3 else "x")
    page = client.get(_unknown_scope())
    assert ShownFault.objects.count() == fault_pages.MOST_AN_HOUR
    assert ShownFault.objects.get(support_code=support_codes.normalize(code_on(page))).sent == "read_minds"


def test_the_application_is_kept_where_it_is_known(client: Client) -> None:
    client.get(_unknown_scope())
    application = ShownFault.objects.get().application
    assert application and application.name == "Charge Planner"


def test_a_run_in_another_browser_leads_staff_to_the_run(journey: Journey, staff: Client) -> None:
    journey.authorize()
    journey.post("begin")
    page = Client().get(journey.page)
    assert page.status_code == 403

    place = found_by_staff(staff, code_on(page))

    assert (
        reverse("admin:connect_connectsession_change", args=[journey.run.pk])
        in staff.get(place).content.decode()
    )
    assert support_codes.shown(journey.run.support_code) not in page.content.decode()


def test_a_form_without_its_token_carries_one(journey: Journey, staff: Client) -> None:
    journey.authorize()
    strict = Client(enforce_csrf_checks=True)
    page = strict.post(f"{journey.page}/begin")
    assert page.status_code == 403
    found_by_staff(staff, code_on(page))


def test_somebody_unknown_at_their_own_page_gets_one_and_may_try_again(
    simulator: SimulatorServer, client: Client, staff: Client, bernd: ScenarioPerson
) -> None:
    back = AtTesla().connect(client.post("/connect/account/sign-in").headers["Location"], bernd.email)
    page = client.get(f"{urlsplit(back).path}?{urlsplit(back).query}")

    assert "Nothing is connected with this Tesla account" in page.content.decode()
    assert 'id="retry-button" href="/connect/account"' in page.content.decode()
    found_by_staff(staff, code_on(page))
    assert bernd.email not in str(ShownFault.objects.values())


def test_the_codes_of_runs_and_fix_it_links_are_found_in_the_same_place(
    journey: Journey, staff: Client
) -> None:
    journey.authorize()
    journey.post("begin")
    link: FixLink = FixLinkFactory()
    for row in (journey.run, link):
        place = found_by_staff(staff, support_codes.shown(row.support_code).lower())
        assert place == reverse(f"admin:connect_{row._meta.model_name}_change", args=[row.pk])
    assert not ShownFault.objects.exists()


@pytest.mark.parametrize("code", ["AAAA-AAAA", "no code", ""])
def test_a_code_that_nothing_carries_is_told_so(staff: Client, code: str) -> None:
    ConnectSession.objects.update(support_code="")
    answer = staff.get(reverse("admin:connect_shownfault_find"), {"code": code}, follow=True)
    assert "Nothing carries this support code or request id" in answer.content.decode()


def test_a_robot_cannot_fill_the_table_and_people_still_get_a_code(client: Client, staff: Client) -> None:
    ShownFaultFactory.create_batch(fault_pages.MOST_AN_HOUR)
    page = client.get(f"/connect/{uuid4()}")

    assert ShownFault.objects.count() == fault_pages.MOST_AN_HOUR
    found_by_staff(staff, code_on(page))
    client.get("/connect/tesla/callback")
    assert ShownFault.objects.count() == fault_pages.MOST_AN_HOUR + 1


def test_what_nobody_asks_about_any_more_is_forgotten() -> None:
    ShownFaultFactory(shown_at=timezone.now() - timedelta(days=31))
    kept = ShownFaultFactory(shown_at=timezone.now() - timedelta(days=29))
    tasks.forget_old_rows()
    assert list(ShownFault.objects.all()) == [kept]


def test_nobody_without_a_role_finds_anything(application: Application) -> None:
    fault = ShownFaultFactory()
    client = Client()
    client.force_login(UserFactory())
    answer = client.get(reverse("admin:connect_shownfault_find"), {"code": fault.support_code})
    assert answer.headers["Location"] == reverse("admin:index")
