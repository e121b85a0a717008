"""Codes and tokens: what the token endpoint gives, refuses, and keeps."""

from __future__ import annotations

import base64
import hashlib
import importlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
import urllib3
from django.test import Client
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from connect.models import ConnectSession
from connect.oauth import issue_code
from tests.factories import (
    ApplicationFactory,
    ConnectSessionFactory,
    PersonFactory,
    RefreshTokenFactory,
    VehicleGrantFactory,
)
from vehicles.models import Application, Event, User

SECRET = "a-secret-that-only-this-test-knows"
MOMENT = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


@dataclass
class Party:
    """An application with its secret, a person, and a token endpoint that it talks to."""

    application: Application
    person: User

    def code(self, at: datetime | None = None, **session: Any) -> str:
        return issue_code(self.session(**session), self.person, at or datetime.now(MOMENT.tzinfo))

    def session(self, **more: Any) -> ConnectSession:
        made: ConnectSession = ConnectSessionFactory(application=self.application, **more)
        return made

    def basic(self, secret: str = SECRET) -> str:
        return "Basic " + base64.b64encode(f"{self.application.client_id}:{secret}".encode()).decode()

    def post(self, path: str = "/oauth/token", *, secret: str = SECRET, **form: str) -> Any:
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        return client.post(path, form, headers={"Authorization": self.basic(secret)})

    def exchange(self, code: str, path: str = "/oauth/token", **form: str) -> Any:
        form = {"redirect_uri": "https://example.com/auth", **form}
        return self.post(path, grant_type="authorization_code", code=code, **form)

    def refresh(self, token: str, **form: str) -> Any:
        return self.post(grant_type="refresh_token", refresh_token=token, **form)

    def pair(self, **session: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.exchange(self.code(**session)).json()
        return answer


@pytest.fixture
def party(db: None) -> Party:
    return Party(ApplicationFactory(client_secret=SECRET), PersonFactory())


def works(token: str) -> bool:
    answer = Client().get("/v2.0/user", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in (200, 401)
    return bool(answer.status_code == 200)


def refused(answer: Any, description: str, error: str = "invalid_grant", status: int = 400) -> bool:
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.status_code, answer.json()) == (status, {"error": error, "error_description": description})
    return True


# Codes -----------------------------------------------------------------------------------------------------------


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
    for presented in (code, "garbage", "\u00fc", "a\x00b"):
        assert refused(other.exchange(presented), f"Invalid code: {presented}.")
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


# Clients ---------------------------------------------------------------------------------------------------------


def test_a_wrong_secret_or_an_unknown_client_is_refused(party: Party) -> None:
    message = "Client authentication failed: the client_id is unknown or the client_secret is wrong."
    code = party.code()
    unknown = Party(ApplicationFactory.build(client_id="no-such-client"), party.person)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://example.com/auth"}
    answers = [
        party.exchange(code, secret="wrong"),
        party.exchange(code, secret=""),
        unknown.exchange(code),
        Client().post("/oauth/token", form),
        Client().post("/oauth/token", form | {"client_id": party.application.client_id}),
        Client().post("/oauth/token", form | {"client_id": "a\x00b", "client_secret": SECRET}),
        Client().post("/oauth/token", form, headers={"Authorization": "Basic !!!"}),
        Client().post("/oauth/token", form, headers={"Authorization": "Bearer x"}),
        party.post(grant_type="refresh_token", refresh_token="x", secret="wrong"),
    ]
    for answer in answers:
        assert refused(answer, message, "invalid_client", 401)
    assert party.exchange(code).status_code == 200


def test_credentials_may_stand_in_the_body(party: Party) -> None:
    credentials = {"client_id": party.application.client_id, "client_secret": SECRET}
    form = {
        "grant_type": "authorization_code",
        "code": party.code(),
        "redirect_uri": "https://example.com/auth",
    }
    answer = Client().post("/oauth/token", form | credentials)
    assert answer.status_code == 200
    refresh = {"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]}
    assert Client().post("/oauth/token", refresh | credentials).status_code == 200


def challenge_for(verifier: str) -> dict[str, str]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    return {"code_challenge": digest.rstrip(b"=").decode(), "code_challenge_method": "S256"}


def test_a_challenge_that_was_sent_must_be_answered(party: Party) -> None:
    verifier = "v" * 43
    code = party.code(**challenge_for(verifier))
    assert refused(party.exchange(code), "Code verifier required.", "invalid_request")
    wrong = "The code or refresh token is invalid, expired, used or was issued to another client."
    assert refused(party.exchange(code, code_verifier="w" * 43), wrong)
    assert party.exchange(code, code_verifier=verifier).status_code == 200


def test_a_public_client_proves_itself_by_the_challenge(party: Party) -> None:
    Application.objects.update(client_type=Application.CLIENT_PUBLIC)
    party.application.refresh_from_db()
    verifier = "v" * 43
    form = {
        "grant_type": "authorization_code",
        "client_id": party.application.client_id,
        "redirect_uri": "https://example.com/auth",
    }
    without = Client().post("/oauth/token", form | {"code": party.code()})
    assert refused(without, "Code verifier required.", "invalid_request")
    bare = Client().post("/oauth/token", form | {"code": party.code(), "code_verifier": verifier})
    assert refused(bare, "Challenge not found")
    code = party.code(**challenge_for(verifier))
    answer = Client().post("/oauth/token", form | {"code": code, "code_verifier": verifier})
    assert answer.status_code == 200


def test_only_s256_challenges_become_codes(party: Party, now: datetime) -> None:
    for method in ("plain", ""):
        session = party.session(code_challenge="v" * 43, code_challenge_method=method)
        with pytest.raises(ValueError, match="S256"):
            issue_code(session, party.person, now)


# Requests that are none ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "grant_type",
    [
        "password",
        "client_credentials",
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "openid",
        "",
    ],
)
def test_other_grant_types_are_refused_whatever_the_application_is_set_up_for(
    party: Party, grant_type: str
) -> None:
    for allowed, _ in Application.GRANT_TYPES:
        Application.objects.update(authorization_grant_type=allowed)
        answer = party.post(grant_type=grant_type, username="a", password="b", device_code="c")
        message = "The grant_type must be authorization_code or refresh_token."
        assert refused(answer, message, "unsupported_grant_type")
    assert not AccessToken.objects.exists()


def test_an_application_that_is_no_connect_client_gets_no_token(party: Party) -> None:
    code = party.code()
    Application.objects.update(authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS)
    assert refused(party.exchange(code), "The client may not use this grant type.", "unauthorized_client")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_only_post_is_taken(db: None, method: str) -> None:
    answer = Client().generic(method, "/oauth/token?grant_type=refresh_token")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "content_type, body",
    [
        ("application/json", b'{"grant_type": "refresh_token"}'),
        ("application/x-www-form-urlencoded", b""),
        ("application/x-www-form-urlencoded", b"%%%=&&&"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(1001))),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 3_000_000),
        ("multipart/form-data", b"nothing"),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"grant_type=x"),
    ],
    ids=range(8),
)
def test_a_body_that_is_no_form_is_answered_as_rfc_6749_wants_it(
    party: Party, content_type: str, body: bytes
) -> None:
    headers = {"Authorization": party.basic()}
    answer = Client().generic("POST", "/oauth/token", body, content_type, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "application/json")
    assert answer.json()["error"] in ("invalid_request", "unsupported_grant_type")
    assert answer.json()["error_description"]


def test_a_missing_code_or_refresh_token_is_named(party: Party) -> None:
    missing = party.post(grant_type="authorization_code")
    assert refused(missing, "Missing code parameter.", "invalid_request")
    missing = party.post(grant_type="refresh_token")
    assert refused(missing, "Missing refresh token parameter.", "invalid_request")


def test_a_surprise_is_logged_and_answered_as_json(
    party: Party, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code = party.code()
    monkeypatch.setattr("connect.oauth.pkce_required", lambda _: {}["surprise"])
    with caplog.at_level(logging.ERROR):
        answer = party.exchange(code)
    assert refused(answer, "Something unexpected happened on our side.", "server_error", 500)
    assert "KeyError" in caplog.text and code not in caplog.text


# Refresh ---------------------------------------------------------------------------------------------------------


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


# At the same time ------------------------------------------------------------------------------------------------


def at_once(url: str, headers: dict[str, str], form: dict[str, str], count: int = 6) -> list[Any]:
    pool, barrier = urllib3.PoolManager(maxsize=count), Barrier(count)

    def send(_: int) -> Any:
        barrier.wait()
        return pool.request_encode_body("POST", f"{url}/oauth/token", form, headers, encode_multipart=False)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(send, range(count)))


def test_of_exchanges_of_one_code_at_the_same_time_exactly_one_succeeds(
    live_server: Any, party: Party
) -> None:
    form = {
        "grant_type": "authorization_code",
        "code": party.code(),
        "redirect_uri": "https://example.com/auth",
    }
    answers = at_once(live_server.url, {"Authorization": party.basic()}, form)
    assert sorted(answer.status for answer in answers) == [200] + [400] * 5
    assert {answer.json()["error"] for answer in answers if answer.status == 400} == {"invalid_grant"}
    assert AccessToken.objects.count() == RefreshToken.objects.count() == 1


def test_refreshes_with_one_token_at_the_same_time_all_succeed(live_server: Any, party: Party) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": party.pair()["refresh_token"]}
    answers = at_once(live_server.url, {"Authorization": party.basic()}, form)
    assert [answer.status for answer in answers] == [200] * 6
    pairs = [answer.json() for answer in answers]
    assert len({pair["refresh_token"] for pair in pairs}) == 6
    assert all(works(pair["access_token"]) for pair in pairs)


# The SDK ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def auth_client(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Party], Any]:
    monkeypatch.setenv("SMARTCAR_AUTH_ORIGIN", f"{live_server.url}/oauth/token")
    sdk = importlib.import_module("smartcar")
    importlib.reload(importlib.import_module("smartcar.config"))
    return lambda party: sdk.AuthClient(
        client_id=party.application.client_id, client_secret=SECRET, redirect_uri="https://example.com/auth"
    )


def test_the_python_sdk_exchanges_and_refreshes_and_reads_the_errors(
    auth_client: Callable[[Party], Any], party: Party
) -> None:
    client = auth_client(party)
    access = client.exchange_code(party.code(), {"flags": {"country": "DE"}})
    assert works(access.access_token)
    renewed = client.exchange_refresh_token(access.refresh_token)
    assert works(renewed.access_token)
    failure = importlib.import_module("smartcar").SmartcarException
    with pytest.raises(failure) as raised:
        client.exchange_code("nothing")
    assert (raised.value.status_code, raised.value.message) == (400, "Invalid code: nothing.")
    with pytest.raises(failure) as raised:
        client.exchange_refresh_token("nothing")
    assert (raised.value.status_code, raised.value.message) == (400, "Invalid refresh_token: nothing.")
