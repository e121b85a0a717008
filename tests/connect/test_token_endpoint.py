"""The token endpoint: how clients prove who they are, and what requests that make no sense are answered."""

from __future__ import annotations

import base64
import hashlib
import importlib
import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.test import Client
from oauth2_provider.models import AccessToken

from tests.connect.token_client import SECRET, Party, refused, works
from tests.factories import ApplicationFactory, PersonFactory
from vehicles.models import Application


@pytest.fixture
def party(db: None) -> Party:
    return Party(ApplicationFactory(client_secret=SECRET), PersonFactory())


# Clients ------------------------------------------------------------------------------------------------------------


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
    message = "A code_verifier was sent, but the code was requested without a code_challenge."
    assert refused(bare, message)
    code = party.code(**challenge_for(verifier))
    answer = Client().post("/oauth/token", form | {"code": code, "code_verifier": verifier})
    assert answer.status_code == 200


# Requests that are none ---------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(
        "connect.oauth.validator.ConnectValidator.is_pkce_required", lambda *_: {}["surprise"]
    )
    with caplog.at_level(logging.ERROR):
        answer = party.exchange(code)
    assert refused(answer, "Something unexpected happened on our side.", "server_error", 500)
    assert "KeyError" in caplog.text and code not in caplog.text


# The SDK ------------------------------------------------------------------------------------------------------------


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


def test_a_parameter_given_twice_is_refused(party: Party) -> None:
    body = f"grant_type=refresh_token&grant_type=refresh_token&refresh_token=x&client_id={party.application.client_id}"
    answer = Client().post("/oauth/token", body, content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_two_clients_in_one_request_are_refused(party: Party) -> None:
    other = ApplicationFactory()
    answer = party.post(grant_type="refresh_token", refresh_token="x", client_id=other.client_id)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_the_scheme_of_the_header_may_be_written_in_any_case(party: Party) -> None:
    pair = f"{party.application.client_id}:{SECRET}".encode()
    form = {
        "grant_type": "authorization_code",
        "code": party.code(),
        "redirect_uri": "https://example.com/auth",
    }
    header = {"Authorization": f"basic {base64.b64encode(pair).decode()}"}
    assert Client().post("/oauth/token", form, headers=header).status_code == 200


@pytest.mark.parametrize(
    "secret", ["a+b" * 12, "100%" * 10, "100%25sure" * 4, "p%2Bq+r" * 6, "plain" * 8, "a:b+c" * 8, ":%3A" * 9]
)
@pytest.mark.parametrize("spelling", ["raw", "form-urlencoded"])
def test_a_secret_in_http_basic_is_taken_raw_and_percent_encoded(
    db: None, secret: str, spelling: str
) -> None:
    party = Party(ApplicationFactory(client_secret=secret), PersonFactory())
    sent = secret if spelling == "raw" else quote_plus(secret)
    form = {
        "grant_type": "authorization_code",
        "code": party.code(),
        "redirect_uri": "https://example.com/auth",
    }
    headers = {"Authorization": party.basic(sent)}
    assert (
        Client().post("/oauth/token", form, headers={"Authorization": party.basic(f"{sent}+")}).status_code
        == 401
    )
    assert Client().post("/oauth/token", form, headers=headers).status_code == 200


def test_an_address_beyond_ascii_is_the_same_however_it_is_spelled(db: None) -> None:
    application = ApplicationFactory(
        client_secret=SECRET, redirect_uris="https://xn--bcher-kva.example/%C3%BC"
    )
    party = Party(application, PersonFactory())
    for spelled in ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"):
        code = party.code(redirect_uri="https://xn--bcher-kva.example/%C3%BC")
        assert party.exchange(code, redirect_uri=spelled).status_code == 200


@pytest.mark.parametrize("code", ["bad code here.", "x", "a" * 44, "ä" * 43, "a" * 500])
def test_a_code_that_is_not_shaped_like_one_is_an_invalid_request(party: Party, code: str) -> None:
    answer = party.exchange(code)
    assert refused(answer, f"Invalid code: {code[:100]}.", "invalid_request", 400)


def test_a_code_that_is_shaped_like_one_is_an_invalid_grant(party: Party) -> None:
    assert party.exchange("a" * 43).json()["error"] == "invalid_grant"


def test_tokens_fit_where_applications_keep_them(party: Party) -> None:
    pairs = [party.pair() for _ in range(3)]
    tokens = [pair[name] for pair in pairs for name in ("access_token", "refresh_token")]
    assert [len(token) for token in tokens] == [36] * 6 and len(set(tokens)) == 6
    assert works(tokens[0])
