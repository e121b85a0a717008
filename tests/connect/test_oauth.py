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

from connect.oauth.validator import ConnectValidator, issue_code
from connect.tasks import forget_old_rows
from tests.connect.token_client import MOMENT, SECRET, Party, refused, works
from tests.factories import ApplicationFactory, PersonFactory, RefreshTokenFactory, VehicleGrantFactory
from vehicles.models import Application, Event, User


@pytest.fixture
def party(db: None) -> Party:
    return Party(ApplicationFactory(client_secret=SECRET), PersonFactory())


def living(party: Party) -> int:
    return RefreshToken.objects.filter(application=party.application, revoked=None).count()


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


@pytest.mark.parametrize("client_type", [Application.CLIENT_CONFIDENTIAL, Application.CLIENT_PUBLIC])
def test_a_code_used_twice_ends_every_token_that_came_of_it(party: Party, client_type: str) -> None:
    proof = party.become(client_type)
    stranger = party.pair(**proof.run, **proof.form)
    code = party.code(**proof.run)
    first = party.exchange(code, **proof.form).json()
    second = party.refresh(first["refresh_token"]).json()

    assert refused(party.exchange(code, **proof.form), f"Invalid code: {code}.")

    for pair in (first, second):
        assert not works(pair["access_token"])
        assert refused(
            party.refresh(pair["refresh_token"]), f"Invalid refresh_token: {pair['refresh_token']}."
        )
    assert works(stranger["access_token"])
    assert party.refresh(stranger["refresh_token"]).status_code == 200
    event = Event.objects.get(kind="authorization_code:reused")
    assert (event.data["person"], event.data["family_ended"]) == (str(party.person.pk), True)
    assert code not in str(event.data)
    assert refused(party.exchange(code, **proof.form), f"Invalid code: {code}.")
    assert Event.objects.filter(kind="authorization_code:reused").count() == 1


def test_a_code_that_comes_again_after_its_time_still_ends_what_it_gave(party: Party) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        code = party.code()
        first = party.exchange(code).json()
        clock.shift(601)
        assert refused(party.exchange(code), f"Invalid code: {code}.")
        assert not works(first["access_token"])
        forget_old_rows()
        assert Grant.objects.exists()
        clock.shift(timedelta(days=1))
        forget_old_rows()
        assert not Grant.objects.exists()


def test_whoever_saw_only_the_code_ends_nothing_with_it(party: Party) -> None:
    """Without the secret, the verifier and the address it is no second use, or else anybody could end tokens."""
    proof = party.become(Application.CLIENT_PUBLIC)
    code = party.code(**proof.run)
    first = party.exchange(code, **proof.form).json()
    for form in ({}, {"code_verifier": "w" * 43}, {**proof.form, "redirect_uri": "https://evil.example"}):
        assert party.exchange(code, **form).status_code == 400
    assert works(first["access_token"])
    assert party.refresh(first["refresh_token"]).status_code == 200


def test_a_verifier_for_a_run_without_a_challenge_is_refused(party: Party) -> None:
    code = party.code()
    message = "A code_verifier was sent, but the code was requested without a code_challenge."
    assert refused(party.exchange(code, code_verifier="v" * 43), message)
    # Refused before it is spent; an empty parameter counts as none.
    assert party.exchange(code, code_verifier="").status_code == 200


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


@pytest.mark.parametrize("client_type", [Application.CLIENT_CONFIDENTIAL, Application.CLIENT_PUBLIC])
def test_a_repeat_within_ten_minutes_takes_the_place_of_what_was_given_before(
    party: Party, client_type: str
) -> None:
    proof = party.become(client_type)
    with time_machine.travel(MOMENT, tick=False) as clock:
        old = party.pair(**proof.run, **proof.form)["refresh_token"]
        pairs = [party.refresh(old).json()]
        clock.shift(599)
        pairs += [party.refresh(old).json() for _ in range(20)]
        assert len({pair["refresh_token"] for pair in pairs}) == 21
        assert all(works(pair["access_token"]) for pair in pairs)
        assert living(party) == 1
        # Whichever of the answers the client kept, it can go on with that.
        for pair in (pairs[3], pairs[-1], pairs[0]):
            assert party.refresh(pair["refresh_token"]).status_code == 200
            assert living(party) == 1
    assert not Event.objects.filter(kind="refresh_token:reused").exists()


@pytest.mark.parametrize(
    "client_type, switch, ends",
    [
        (Application.CLIENT_CONFIDENTIAL, False, False),
        (Application.CLIENT_CONFIDENTIAL, True, True),
        (Application.CLIENT_PUBLIC, False, True),
        (Application.CLIENT_PUBLIC, True, True),
    ],
)
def test_a_later_reuse_is_refused_and_recorded_and_ends_the_family_by_client_kind_and_switch(
    party: Party, client_type: str, switch: bool, ends: bool
) -> None:
    proof = party.become(client_type)
    Application.objects.update(ends_family_on_reuse=switch)
    with time_machine.travel(MOMENT, tick=False) as clock:
        stranger = party.pair(**proof.run, **proof.form)
        old = party.pair(**proof.run, **proof.form)["refresh_token"]
        new = party.refresh(old).json()
        clock.shift(600)
        newest = party.refresh(new["refresh_token"]).json()

        assert refused(party.refresh(old), f"Invalid refresh_token: {old}.")

        assert [works(pair["access_token"]) for pair in (new, newest)] == [not ends] * 2
        for pair in (new, newest):
            assert party.refresh(pair["refresh_token"]).status_code == (400 if ends else 200)
        assert party.refresh(stranger["refresh_token"]).status_code == 200
    event = Event.objects.get(kind="refresh_token:reused")
    assert event.application_id == party.application.pk
    assert event.actor == f"application:{party.application.client_id}"
    assert (event.data["person"], event.data["family_ended"]) == (str(party.person.pk), ends)
    assert old not in str(event.data)


def test_a_client_that_reuses_a_token_again_and_again_fills_no_history(party: Party) -> None:
    with time_machine.travel(MOMENT, tick=False) as clock:
        old = party.pair()["refresh_token"]
        party.refresh(old)
        clock.shift(600)
        for _ in range(10):
            assert party.refresh(old).status_code == 400
        events = Event.objects.filter(kind="refresh_token:reused")
        assert events.count() == 1
        clock.shift(600)
        assert party.refresh(old).status_code == 400
        assert events.count() == 2


def test_a_refresh_token_that_was_replaced_by_a_repeat_is_reused_like_any_other(party: Party) -> None:
    """Of a thief and the client with one token, the one who comes second ends the line of the first for good."""
    Application.objects.update(ends_family_on_reuse=True)
    with time_machine.travel(MOMENT, tick=False) as clock:
        old = party.pair()["refresh_token"]
        theirs, ours = party.refresh(old).json(), party.refresh(old).json()
        clock.shift(timedelta(hours=2))
        assert party.refresh(theirs["refresh_token"]).status_code == 400
        assert party.refresh(ours["refresh_token"]).status_code == 400


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


def at_once(url: str, party: Party, *forms: dict[str, str]) -> list[Any]:
    """Send as many requests together as `meet` waits for: these forms, the first again where there are fewer."""
    pool, headers = urllib3.PoolManager(maxsize=TOGETHER), {"Authorization": party.basic()}

    def send(number: int) -> Any:
        form = forms[number % len(forms)]
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
    assert RefreshToken.objects.count() == 1
    # Who of them was right nobody can tell, so none keeps anything.
    assert living(party) == AccessToken.objects.count() == 0


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
    assert living(party) == 1
    # Newest and replaced tokens of one family at the same time, too.
    together = [{"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]} for pair in pairs]
    answers = at_once(live_server.url, party, *together)
    assert [answer.status for answer in answers] == [200] * TOGETHER
    assert living(party) == 1
    assert living(party) == 1
    # The newest and those that it replaced at the same time: still one line goes on.
    together = [{"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]} for pair in pairs]
    answers = at_once(live_server.url, party, *together)
    assert [answer.status for answer in answers] == [200] * TOGETHER
    assert living(party) == 1
