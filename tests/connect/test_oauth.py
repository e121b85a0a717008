"""Codes and tokens: which are given, which are refused, and what is kept of them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
import urllib3
from django.test import Client
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from connect.oauth import ConnectValidator, issue_code
from tests.connect.token_client import MOMENT, SECRET, Party, refused, works
from tests.factories import ApplicationFactory, PersonFactory, RefreshTokenFactory, VehicleGrantFactory
from vehicles.models import Application, Event, User


@pytest.fixture
def party(db: None) -> Party:
    return Party(ApplicationFactory(client_secret=SECRET), PersonFactory())


# Codes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/oauth/token", "/oauth/token/oauth/token", "/oauth/token?flags=country%3ADE", "/oauth/token/"]
)
def test_a_code_becomes_a_pair_of_tokens(party: Party, path: str) -> None:
    answer = party.exchange(party.code(), path)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 7200)
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert works(body["access_token"])


def test_nothing_that_opens_a_door_is_stored_in_clear(party: Party) -> None:
    code = party.code()
    assert Grant.objects.get().code == hashlib.sha256(code.encode()).hexdigest()
    body = party.exchange(code).json()
    access, refresh = AccessToken.objects.get(), RefreshToken.objects.get()
    assert (access.token, refresh.token) == ("", "")
    assert access.token_checksum == hashlib.sha256(body["access_token"].encode()).hexdigest()
    assert refresh.token_checksum == hashlib.sha256(body["refresh_token"].encode()).hexdigest()


def test_a_code_is_good_once(party: Party) -> None:
    code = party.code()
    first = party.exchange(code).json()
    assert refused(party.exchange(code), f"Invalid code: {code}.")
    assert works(first["access_token"])


def test_a_code_is_good_for_ten_minutes(party: Party) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        early, late = party.code(), party.code()
        clock.shift(599)
        assert party.exchange(early).status_code == 200
        clock.shift(1)
        assert refused(party.exchange(late), f"Invalid code: {late}.")


def test_an_unknown_code_and_another_applications_code_are_refused_alike(party: Party) -> None:
    other = Party(ApplicationFactory(client_secret=SECRET), party.person)
    code = party.code()
    for presented in (code, "x" * 43):
        assert refused(other.exchange(presented), f"Invalid code: {presented}.")
    # What no code ever looked like is another fault, in the words of the original.
    for presented in ("garbage", "\u00fc", "a\x00b"):
        assert refused(other.exchange(presented), f"Invalid code: {presented}.", "invalid_request")
    assert party.exchange(code).status_code == 200


def test_a_code_of_a_person_who_was_shut_out_is_refused(party: Party) -> None:
    code = party.code()
    User.objects.filter(pk=party.person.pk).update(is_active=False)
    assert refused(party.exchange(code), f"Invalid code: {code}.")


def test_the_redirect_uri_must_be_the_one_of_the_run(party: Party) -> None:
    code = party.code()
    message = "The redirect_uri is not the one that the code was requested with."
    for wrong in ("https://example.com/auth2", "https://example.com/auth/", "https://evil.example"):
        assert refused(party.exchange(code, redirect_uri=wrong), message)
    for absent in ({}, {"redirect_uri": "undefined"}, {"redirect_uri": ""}):
        assert refused(party.post(grant_type="authorization_code", code=code, **absent), message)
    assert party.exchange(code).status_code == 200


@pytest.mark.parametrize(
    "form", [{}, {"redirect_uri": "undefined"}, {"redirect_uri": "https://example.com/auth"}]
)
def test_a_run_that_named_no_redirect_uri_needs_none(party: Party, form: dict[str, str]) -> None:
    code = party.code(redirect_uri_given=False)
    assert party.post(grant_type="authorization_code", code=code, **form).status_code == 200


def test_a_run_that_named_no_redirect_uri_does_not_take_another(party: Party) -> None:
    code = party.code(redirect_uri_given=False)
    assert party.exchange(code, redirect_uri="https://evil.example").status_code == 400


def test_a_single_select_run_gives_tokens_for_that_car_and_so_do_their_successors(party: Party) -> None:
    grants = [
        VehicleGrantFactory(application=party.application, account__person=party.person) for _ in range(2)
    ]
    chosen = grants[0].connection
    body = party.pair(single_select=True, chosen_vehicles=[str(chosen.vehicle_id)])
    for token in (body, party.refresh(body["refresh_token"]).json()):
        assert token["scope"] == f"vehicle:{chosen.public_id}"
        listed = Client().get("/v2.0/vehicles", headers={"Authorization": f"Bearer {token['access_token']}"})
        assert listed.json()["vehicles"] == [str(chosen.public_id)]


def test_only_s256_challenges_become_codes(party: Party, now: datetime) -> None:
    for method in ("plain", ""):
        session = party.session(code_challenge="v" * 43, code_challenge_method=method)
        with pytest.raises(ValueError, match="S256"):
            issue_code(session, party.person, now)


# Refresh ------------------------------------------------------------------------------------------------------------


def test_a_refresh_gives_a_new_pair_and_leaves_the_old_access_token(party: Party) -> None:
    first = party.pair()
    second = party.refresh(first["refresh_token"]).json()
    assert (second["token_type"], second["expires_in"]) == ("Bearer", 7200)
    assert len({first["access_token"], second["access_token"]}) == 2
    assert len({first["refresh_token"], second["refresh_token"]}) == 2
    assert works(first["access_token"]) and works(second["access_token"])
    assert party.refresh(second["refresh_token"]).status_code == 200


def test_access_tokens_live_two_hours(party: Party) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        token = party.pair()["access_token"]
        clock.shift(7199)
        assert works(token)
        clock.shift(1)
        assert not works(token)


def test_a_repeat_within_ten_minutes_gets_a_working_pair_that_goes_on(party: Party) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        old = party.pair()["refresh_token"]
        pairs = [party.refresh(old).json()]
        clock.shift(599)
        pairs += [party.refresh(old).json(), party.refresh(old).json()]
        assert len({pair["refresh_token"] for pair in pairs}) == 3
        for pair in pairs:
            assert works(pair["access_token"])
            assert party.refresh(pair["refresh_token"]).status_code == 200
    assert not Event.objects.filter(kind="refresh_token:reused").exists()


def test_a_later_reuse_is_refused_and_recorded_and_the_family_lives_on(party: Party) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        old = party.pair()["refresh_token"]
        new = party.refresh(old).json()
        clock.shift(600)
        assert refused(party.refresh(old), f"Invalid refresh_token: {old}.")
        assert works(new["access_token"])
        assert party.refresh(new["refresh_token"]).status_code == 200
    event = Event.objects.get(kind="refresh_token:reused")
    assert event.application_id == party.application.pk
    assert event.actor == f"application:{party.application.client_id}"
    assert (event.data["person"], event.data["family_ended"]) == (str(party.person.pk), False)
    assert old not in str(event.data)


def test_a_later_reuse_ends_the_family_where_the_application_wants_it(party: Party) -> None:
    Application.objects.update(ends_family_on_reuse=True)
    with time_machine.travel(MOMENT, tick=False) as clock:
        stranger = party.pair()
        old = party.pair()["refresh_token"]
        new = party.refresh(old).json()
        newest = party.refresh(new["refresh_token"]).json()
        clock.shift(601)
        assert party.refresh(old).status_code == 400
        assert not works(newest["access_token"])
        for dead in (new, newest):
            assert refused(
                party.refresh(dead["refresh_token"]), f"Invalid refresh_token: {dead['refresh_token']}."
            )
        assert party.refresh(stranger["refresh_token"]).status_code == 200
    assert Event.objects.get(kind="refresh_token:reused").data["family_ended"] is True


def test_a_refresh_token_lives_sixty_days(party: Party) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        early, late = party.pair()["refresh_token"], party.pair()["refresh_token"]
        clock.shift(timedelta(days=60, seconds=-1))
        assert party.refresh(early).status_code == 200
        clock.shift(1)
        assert refused(party.refresh(late), f"Invalid refresh_token: {late}.")


def test_unknown_foreign_and_taken_away_refresh_tokens_are_refused_without_an_event(party: Party) -> None:
    foreign = RefreshTokenFactory().raw
    gone = party.pair()["refresh_token"]
    RefreshToken.objects.get(application=party.application).revoke()
    for token in ("garbage", "\u00fc\x00", foreign, gone):
        assert refused(party.refresh(token), f"Invalid refresh_token: {token}.")
    assert not Event.objects.filter(kind="refresh_token:reused").exists()


def test_a_token_taken_away_a_moment_ago_is_not_mistaken_for_a_rotated_one(
    party: Party, now: datetime
) -> None:
    token = party.pair()["refresh_token"]
    RefreshToken.objects.update(revoked=now)
    assert party.refresh(token).status_code == 400


# At the same time ---------------------------------------------------------------------------------------------------


TOGETHER = 6


def meet(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Hold every request in this step of the validator until all have come so far; the step itself is unchanged."""
    barrier, step = Barrier(TOGETHER, timeout=20), getattr(ConnectValidator, name)

    def wait_and_go_on(*arguments: Any, **more: Any) -> Any:
        barrier.wait()
        return step(*arguments, **more)

    monkeypatch.setattr(ConnectValidator, name, wait_and_go_on)


def at_once(url: str, party: Party, form: dict[str, str]) -> list[Any]:
    pool, headers = urllib3.PoolManager(maxsize=TOGETHER), {"Authorization": party.basic()}

    def send(_: int) -> Any:
        return pool.request_encode_body("POST", f"{url}/oauth/token", form, headers, encode_multipart=False)

    with ThreadPoolExecutor(TOGETHER) as threads:
        return list(threads.map(send, range(TOGETHER)))


def test_of_exchanges_of_one_code_at_the_same_time_exactly_one_succeeds(
    live_server: Any, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": party.code(),
        "redirect_uri": "https://example.com/auth",
    }
    meet(monkeypatch, "confirm_redirect_uri")
    answers = at_once(live_server.url, party, form)
    assert sorted(answer.status for answer in answers) == [200] + [400] * (TOGETHER - 1)
    assert {answer.json()["error"] for answer in answers if answer.status == 400} == {"invalid_grant"}
    assert AccessToken.objects.count() == RefreshToken.objects.count() == 1


def test_refreshes_with_one_token_at_the_same_time_all_succeed(
    live_server: Any, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": party.pair()["refresh_token"]}
    meet(monkeypatch, "get_original_scopes")
    answers = at_once(live_server.url, party, form)
    assert [answer.status for answer in answers] == [200] * TOGETHER
    pairs = [answer.json() for answer in answers]
    assert len({pair["refresh_token"] for pair in pairs}) == TOGETHER
    assert all(works(pair["access_token"]) for pair in pairs)
