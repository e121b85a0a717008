"""A run goes on where it stopped, in the browser that began it, and every run is kept with its steps and its end."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from connect.authorize.authorization_request import AuthorizationRequest
from connect.models import ConnectSession, RunStep, Step
from connect.run import flow, resuming
from connect.tasks import end_expired_runs
from tests.connect.conftest import Journey, answer_of
from tests.journeys.browser import PageReader
from vehicles.grants import erasure
from vehicles.models import Event, TeslaAccount, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.fixture
def half_done(journey: Journey, anna: ScenarioPerson) -> Journey:
    """Anna allowed it and closed the tab at the first car's key page."""
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()
    return journey


def test_coming_back_from_the_application_offers_to_go_on_where_it_stopped(half_done: Journey) -> None:
    run, page = half_done.run, half_done.page

    answer = half_done.authorize()

    shown = answer.content.decode()
    assert answer.status_code == 200 and "Go on where you stopped?" in shown
    assert f'href="{page}"' in shown
    assert ConnectSession.objects.get() == run
    assert "skip-button" in half_done.client.get(page).content.decode()


def test_starting_again_ends_the_earlier_run_and_asks_the_same(half_done: Journey) -> None:
    earlier = half_done.run

    half_done.page = half_done.post("start-again").headers["Location"]

    run = half_done.run
    assert run.step == Step.PREAMBLE and run.account is None and run.chosen_vehicles == []
    assert (run.state, run.requested, run.redirect_uri) == (
        earlier.state,
        earlier.requested,
        earlier.redirect_uri,
    )
    earlier.refresh_from_db()
    assert (earlier.step, earlier.left_at, earlier.exit_reason) == ("ended", "keys", "started_again")


@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "read_vehicle_info"},
        {"single_select": "true"},
        {"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_request_that_differs_begins_anew(half_done: Journey, changes: dict[str, str]) -> None:
    half_done.authorize(**changes)
    half_done.post("begin")

    assert ConnectSession.objects.count() == 2


def verifier_of(letter: str) -> dict[str, str]:
    return {"code_challenge": letter * 43, "code_challenge_method": "S256"}


@pytest.mark.parametrize("state", ["another", None, "a+b&code=stolen"], ids=["another", "none", "odd"])
def test_an_application_that_draws_a_new_state_each_time_hears_the_newest(
    half_done: Journey, state: str | None
) -> None:
    half_done.authorize(state="a second one")
    offered = half_done.authorize(state=state)
    run = ConnectSession.objects.get()
    assert "Go on where you stopped?" in offered.content.decode()
    assert run.state == "a%20state"

    assert press(half_done, offered, "continue-button").headers["Location"] == f"/connect/{run.pk}"

    answer = skip_every_key(half_done, run)
    assert answer.get("state") == state and answer["code"]
    assert ConnectSession.objects.count() == 1


def test_a_client_that_proves_itself_with_the_code_proves_the_newest_request(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    journey.authorize(**verifier_of("a"))
    journey.sign_in(bernd.email)
    run = journey.run

    press(journey, journey.authorize(state="new", **verifier_of("b")), "continue-button")

    run.refresh_from_db()
    assert (run.state, run.code_challenge, run.code_challenge_method) == ("new", "b" * 43, "S256")


@pytest.mark.parametrize("button", ["start-again-button", "leave-button"])
def test_whatever_is_pressed_there_answers_the_newest_request(half_done: Journey, button: str) -> None:
    answer = press(half_done, half_done.authorize(state="new"), button)

    if button == "leave-button":
        assert answer_of(answer)["state"] == "new"
    else:
        half_done.page = answer.headers["Location"]
        assert half_done.run.state == "new"


def test_only_a_press_on_our_own_page_changes_what_a_run_answers(half_done: Journey) -> None:
    """A link alone does not: anybody can lead a browser to one."""
    run = half_done.run
    word = resuming.request_word(run, replace(asked_by(run), state="theirs"))
    other = resuming.request_word(ConnectSession(pk=uuid4()), replace(asked_by(run), state="theirs"))

    half_done.page = f"/connect/{run.pk}"
    half_done.client.get(f"{half_done.page}/go-on", {"request": word})
    for forged in ("", "forged", other, word[:-1]):
        half_done.post("go-on", request=forged)
    assert Client().post(f"{half_done.page}/go-on", {"request": word}).status_code == 403

    run.refresh_from_db()
    assert run.state == "a%20state"


def test_a_run_that_ended_meanwhile_keeps_what_it_answered(half_done: Journey) -> None:
    run, offered = half_done.run, half_done.authorize(state="new")
    flow.end(run, "access_denied", timezone.now())

    press(half_done, offered, "continue-button")

    run.refresh_from_db()
    assert run.state == "a%20state"


def is_first_page(answer: HttpResponse) -> bool:
    return "would like to connect to your Tesla" in answer.content.decode()


def asked_by(run: ConnectSession) -> AuthorizationRequest:
    return AuthorizationRequest(
        **{each.name: getattr(run, each.name) for each in fields(AuthorizationRequest)}
    )


def press(journey: Journey, shown: HttpResponse, button: str) -> HttpResponse:
    """Send the form of the button with this id, as it stands on the page."""
    page = PageReader(shown.content.decode())
    form = page.forms[page.buttons[button].form_id]
    return journey.client.post(form.action, dict(form.fields))


def skip_every_key(journey: Journey, run: ConnectSession) -> dict[str, str]:
    """Leave every key for later; the query of the answer to the application."""
    journey.page = f"/connect/{run.pk}"
    for vehicle in run.key_queue:
        back = journey.post("skip-key", vehicle=vehicle)
    return answer_of(back)


def test_another_browser_begins_anew(half_done: Journey) -> None:
    assert is_first_page(Journey(half_done.application, Client()).authorize())


def test_before_anybody_signed_in_there_is_nothing_to_go_on_with(journey: Journey) -> None:
    journey.authorize()
    journey.to_tesla()

    assert is_first_page(journey.authorize())


def test_the_click_path_of_the_sdks_is_never_interrupted(journey: Journey) -> None:
    journey.authorize(mode="test", make="TESLA")
    tesla = journey.post("begin").headers["Location"]
    journey.return_from_tesla(journey.tesla.open(journey.tesla.log_in(tesla, "somebody@anywhere.example")))

    assert is_first_page(journey.authorize(mode="test", make="TESLA"))


def test_nobody_else_can_start_a_run_again(half_done: Journey) -> None:
    assert Client().post(f"{half_done.page}/start-again").status_code == 403
    assert half_done.client.get(f"{half_done.page}/start-again").headers["Location"] == half_done.page
    assert ConnectSession.objects.count() == 1


def test_a_finished_run_cannot_be_started_again(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.approve()

    assert journey.post("start-again").headers["Location"] == journey.page
    assert ConnectSession.objects.count() == 1


@pytest.mark.parametrize("is_noted", [False, True], ids=["just now", "noted by the worker"])
def test_an_expired_run_says_so_and_leads_on_or_back(half_done: Journey, is_noted: bool) -> None:
    page = half_done.page
    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        if is_noted:
            end_expired_runs()
        shown = half_done.client.get(page)
        assert shown.status_code == 410 and "longer than an hour" in shown.content.decode()
        assert f'action="{page}/start-again"' in shown.content.decode()

        half_done.page = half_done.post("start-again").headers["Location"]
        assert half_done.run.step == Step.PREAMBLE
        half_done.page = page
        back = answer_of(half_done.post("leave", reason="user_manually_returned_to_application"))
        assert back["error"] == "user_manually_returned_to_application"


def test_a_run_that_nobody_finished_is_kept_with_where_it_stopped(half_done: Journey) -> None:
    run = half_done.run
    with time_machine.travel(run.expires_at + timedelta(minutes=5)):
        end_expired_runs()

    run.refresh_from_db()
    assert (run.step, run.left_at, run.exit_reason) == ("ended", "keys", "expired")
    assert run.ended_at == run.expires_at
    assert [entry["step"] for entry in run.trail][-2:] == ["keys", "ended"]
    assert Event.objects.get(kind="connect:ended").data["reason"] == "expired"


def test_open_and_ended_runs_are_left_alone(half_done: Journey) -> None:
    flow.end(half_done.run, "access_denied", timezone.now())
    other = Journey(half_done.application, Client())
    other.authorize()
    other.post("begin")

    assert flow.end_expired(timezone.now()) == 0


def test_each_step_is_noted_once_with_its_time(journey: Journey, anna: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(anna.email)
    journey.return_from_tesla(journey.tesla.open(journey.post("sign-in").headers["Location"]))
    journey.approve()
    journey.post("leave", reason="access_denied")

    steps = list(RunStep.objects.order_by("pk").values_list("step", flat=True))
    assert steps == ["preamble", "tesla", "permissions", "keys", "ended"]
    assert [entry["step"] for entry in journey.run.trail].count("tesla") == 2


def test_who_needs_no_key_was_never_at_the_key_step(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.approve()

    assert "keys" not in RunStep.objects.values_list("step", flat=True)
    assert (journey.run.step, journey.run.left_at) == ("done", "")
    assert VehicleGrant.objects.count() == 1


@pytest.mark.parametrize("action", ["", "approve", "finish"])
def test_a_run_whose_person_was_deleted_says_so_and_starts_again(half_done: Journey, action: str) -> None:
    person = TeslaAccount.objects.get().person
    erasure.erase(person, actor="staff:1", now=timezone.now())
    before = half_done.page

    answer = half_done.post(action) if action else half_done.client.get(half_done.page)

    assert answer.status_code == 410 and "Your data was deleted" in answer.content.decode()
    half_done.page = half_done.post("start-again").headers["Location"]
    assert half_done.page != before and half_done.run.step == Step.PREAMBLE
    assert not VehicleGrant.objects.exists()
