"""Forged, repeated and misplaced requests: each ends on a clear page, with nothing granted."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import Grant

from connect.links import key_links
from connect.models import ConnectSession, Step
from tests.connect.conftest import Journey, answer_of, query_of
from tests.factories import ApplicationFactory
from vehicles.models import Event, TeslaAccount, Vehicle, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer


def _callback_of(journey: Journey, person: ScenarioPerson) -> str:
    journey.authorize()
    parts = urlsplit(journey.tesla.connect(journey.to_tesla(), person.email))
    return f"{parts.path}?{parts.query}"


@pytest.mark.parametrize("state", ["", "forged", "A" * 43, "\x00"])
def test_a_forged_state_signs_nobody_in(journey: Journey, bernd: ScenarioPerson, state: str) -> None:
    code = query_of(_callback_of(journey, bernd))["code"][0]

    answer = journey.client.get("/connect/tesla/callback", {"code": code, "state": state})

    assert answer.status_code == 400 and "already used" in answer.content.decode()
    assert not TeslaAccount.objects.exists()
    assert journey.run.step == Step.TESLA


@pytest.mark.parametrize("has_run_of_its_own", [False, True])
def test_a_callback_in_another_browser_signs_nobody_in(
    journey: Journey, bernd: ScenarioPerson, has_run_of_its_own: bool
) -> None:
    callback = _callback_of(journey, bernd)
    other = Journey(journey.application, Client())
    if has_run_of_its_own:
        other.authorize()

    answer = other.client.get(callback)

    assert answer.status_code == 403 and "in the browser where you began" in answer.content.decode()
    assert not TeslaAccount.objects.exists()


def test_a_callback_counts_once(journey: Journey, bernd: ScenarioPerson) -> None:
    callback = _callback_of(journey, bernd)
    assert journey.client.get(callback).status_code == 302

    again = journey.client.get(callback)

    assert again.status_code == 400 and "already used" in again.content.decode()
    assert journey.run.step == Step.PERMISSIONS


def test_a_refusal_at_tesla_uses_the_login_up_too(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    address = journey.to_tesla()
    refused = journey.tesla.deny(journey.tesla.log_in(address, bernd.email))
    assert journey.return_from_tesla(refused).status_code == 200

    granted = refused.replace("error=access_denied", "code=stolen")

    assert journey.return_from_tesla(granted).status_code == 400


def test_a_code_from_another_login_is_not_taken(
    journey: Journey, bernd: ScenarioPerson, anna: ScenarioPerson
) -> None:
    theirs = Journey(journey.application, Client())
    foreign_code = query_of(_callback_of(theirs, anna))["code"][0]
    own_state = query_of(_callback_of(journey, bernd))["state"][0]

    answer = journey.client.get("/connect/tesla/callback", {"code": foreign_code, "state": own_state})

    assert "Tesla did not accept the sign-in" in answer.content.decode()
    assert not TeslaAccount.objects.exists()
    assert journey.run.account is None


@pytest.mark.parametrize(
    "action",
    [
        "",
        "begin",
        "sign-in",
        "another-account",
        "approve",
        "skip-key",
        "finish",
        "leave",
        "removal",
        "removal/state",
    ],
)
def test_another_browser_can_neither_see_nor_move_a_run(
    journey: Journey, bernd: ScenarioPerson, action: str
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.look()
    car = Vehicle.objects.get()
    form = {"vehicles": [str(car.pk)], "permissions": ["read_odometer"], "reason": "access_denied"}
    stranger = Client()

    answer = stranger.post(f"{journey.page}/{action}", form) if action else stranger.get(journey.page)

    assert answer.status_code == 403 and "in the browser where you began" in answer.content.decode()
    assert not VehicleGrant.objects.exists()
    assert journey.run.step == Step.PERMISSIONS


def test_an_expired_run_cannot_go_on_but_leads_back(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.look()
    form = {"vehicles": [str(Vehicle.objects.get().pk)], "permissions": ["read_odometer"]}
    ConnectSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    for answer in (journey.client.get(journey.page), journey.post("approve", **form)):
        assert answer.status_code == 410 and "longer than an hour" in answer.content.decode()
    assert not VehicleGrant.objects.exists()
    back = answer_of(journey.post("leave", reason="user_manually_returned_to_application"))
    assert back["error"] == "user_manually_returned_to_application"


def test_an_expired_callback_signs_nobody_in(journey: Journey, bernd: ScenarioPerson) -> None:
    callback = _callback_of(journey, bernd)
    ConnectSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert journey.client.get(callback).status_code == 410
    assert not TeslaAccount.objects.exists()


def test_two_tabs_with_runs_of_their_own_do_not_disturb_each_other(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    second = Journey(ApplicationFactory(), journey.client)
    journey.authorize()
    second.authorize(state="second")
    journey.sign_in(bernd.email)
    second.sign_in(bernd.email)

    assert answer_of(second.approve())["state"] == "second"
    assert answer_of(journey.approve())["state"] == "a state"


def test_of_two_tabs_of_one_run_only_the_newest_login_counts(journey: Journey, bernd: ScenarioPerson) -> None:
    older = _callback_of(journey, bernd)
    newer = journey.tesla.open(journey.post("sign-in").headers["Location"])

    assert journey.client.get(older).status_code == 400
    assert journey.return_from_tesla(newer).status_code == 302


def test_approving_twice_gives_one_grant_and_still_leads_back(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.look()
    form = {"vehicles": [str(Vehicle.objects.get().pk)], "permissions": ["read_odometer"]}
    assert "code" in answer_of(journey.post("approve", **form))

    assert (
        journey.post("approve", **(form | {"permissions": ["control_security"]})).headers["Location"]
        == journey.page
    )

    assert VehicleGrant.objects.get().approved == ["read_odometer"]
    assert "continue-button" in journey.look()
    assert "code" in answer_of(journey.post("finish"))


@pytest.mark.django_db(transaction=True)
def test_two_approvals_at_the_same_moment_give_one_grant(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.look()
    form = {"vehicles": [str(Vehicle.objects.get().pk)], "permissions": ["read_odometer"]}
    start = Barrier(2)

    def send(permission: str) -> HttpResponse:
        client = Client()
        client.cookies = journey.client.cookies
        start.wait()
        try:
            return client.post(f"{journey.page}/approve", form | {"permissions": [permission]})
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(send, ["read_odometer", "control_security"]))

    assert [answer.status_code for answer in answers] == [302, 302]
    assert sum("code=" in answer.headers["Location"] for answer in answers) == 1
    assert Event.objects.filter(kind="grant:given").count() == 1


def test_a_finished_run_gives_no_code_later(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.approve()
    ConnectSession.objects.update(ended_at=timezone.now() - timedelta(minutes=2))

    assert journey.post("finish").headers["Location"] == journey.page
    assert "This is already finished" in journey.look()
    assert Grant.objects.count() == 1


def test_no_code_before_the_keys_are_settled(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize()
    assert journey.post("finish").headers["Location"] == journey.page
    journey.sign_in(anna.email)
    journey.approve()

    assert journey.post("finish").headers["Location"] == journey.page
    assert not Grant.objects.exists()


def test_no_other_site_can_send_the_forms(journey: Journey) -> None:
    strict = Journey(journey.application, Client(enforce_csrf_checks=True))
    strict.authorize()
    assert strict.post("begin").status_code == 403

    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', strict.look())

    assert token is not None
    assert strict.post("begin", csrfmiddlewaretoken=token.group(1)).status_code == 302


def test_no_other_site_can_frame_a_page_and_no_cache_keeps_it(journey: Journey) -> None:
    journey.authorize()

    headers = journey.client.get(journey.page).headers

    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-inline" not in headers["Content-Security-Policy"]
    assert "no-store" in headers["Cache-Control"]


def test_pages_hold_nothing_that_the_security_policy_would_block(
    journey: Journey, anna: ScenarioPerson
) -> None:
    pages = []
    journey.authorize()
    pages.append(journey.look())
    journey.sign_in(anna.email)
    pages.append(journey.look())
    journey.approve()
    pages.append(journey.look())

    for page in pages:
        assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*src)", page)


@pytest.mark.parametrize("secure", [True, False])
def test_the_browser_cookie_is_out_of_reach_of_scripts_and_other_sites(
    settings: Any, journey: Journey, secure: bool
) -> None:
    settings.SECURE = secure
    answer = journey.authorize()
    journey.post("begin")

    cookie = next(each for each in answer.cookies.values() if "csrf" not in each.key)

    assert cookie["httponly"] and cookie["samesite"] == "Lax" and bool(cookie["secure"]) is secure
    assert cookie.key.startswith("__Host-") is secure
    assert cookie.value not in str(ConnectSession.objects.values().get())


def test_an_unknown_run_is_a_page(client: Client, db: None) -> None:
    answer = client.get("/connect/00000000-0000-4000-8000-000000000000")

    assert answer.status_code == 404 and "This page does not exist" in answer.content.decode()


class TestTheKeyPageOnAnotherDevice:
    @pytest.fixture
    def shared(self, journey: Journey, anna: ScenarioPerson) -> str:
        journey.authorize()
        journey.sign_in(anna.email)
        journey.approve()
        found = re.search(r'id="forward-link" href="([^"]+)"', journey.look())
        assert found is not None
        return found.group(1)

    def test_shows_one_car_and_offers_nothing_to_press(self, shared: str) -> None:
        page = Client().get(shared).content.decode()

        assert "Add the key to Kombi" in page and "Yeti" not in page
        assert 'method="post"' not in page

    def test_tells_the_state_of_the_key(self, shared: str, anna: ScenarioPerson, journey: Journey) -> None:
        assert Client().get(f"{shared}/state").json() == {
            "key": "absent",
            "done": False,
            "text": "Waiting for the key. It mostly arrives within a minute.",
            "reasons": [],
        }

        Vehicle.objects.filter(display_name="Kombi").update(key="present")

        assert Client().get(f"{shared}/state").json()["done"] is True

    def test_asks_tesla_at_most_every_few_seconds(self, shared: str, simulator: SimulatorServer) -> None:
        Vehicle.objects.update(key_observed_at=timezone.now() + timedelta(seconds=60))
        before = simulator.world.calls.since(0)

        for _ in range(3):
            Client().get(f"{shared}/state")

        assert simulator.world.calls.since(0) == before

    @pytest.mark.parametrize("word", ["forged", "", "a:b:c"])
    def test_a_forged_link_is_a_page(self, db: None, word: str) -> None:
        assert Client().get(f"/connect/key/{word}x").status_code == 404
        assert Client().get(f"/connect/key/{word}x/state").status_code == 404

    def test_an_old_link_is_a_page(self, shared: str) -> None:
        with time_machine.travel(timezone.now() + key_links.GOOD_FOR + timedelta(seconds=1), tick=False):
            answer = Client().get(shared)
            assert answer.status_code == 410 and "This link is too old" in answer.content.decode()
