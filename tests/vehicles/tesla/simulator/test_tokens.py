"""Codes, refresh tokens and what is in an access token."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.vehicles.tesla.simulator.visitors import EVERY_SCOPE, Application, Browser, Control, claims
from vehicles.tesla import paths, scopes
from vehicles.tesla.simulator.login.json_web_tokens import InvalidToken, TokenSigner
from vehicles.tesla.simulator.login.tokens import starting_refresh_token, sub_of_starting_token

ANNA = "anna@owners.example"
DAY = 24 * 3600


@pytest.fixture
def code(application: Application, browser: Browser) -> str:
    page = browser.sign_in(browser.get(application.authorize_path(nonce="the-nonce")), ANNA)
    return browser.submit(page, {"decision": "allow", "scope": list(scopes.LABELS)}).callback["code"]


def is_login_required(application: Application, token: str) -> bool:
    answer = application.refresh(token)
    return (answer.status, answer.json().get("error")) == (401, "login_required")


def test_a_code_becomes_tokens_of_eight_hours(application: Application, code: str) -> None:
    tokens = application.redeem(code).json()
    assert (tokens["expires_in"], tokens["token_type"]) == (28_800, "Bearer")
    assert tokens["refresh_token"].startswith("EU_")
    assert claims(tokens["id_token"])["nonce"] == "the-nonce"


def test_an_access_token_carries_teslas_claims(application: Application, code: str) -> None:
    said = claims(application.redeem(code).json()["access_token"])
    assert said["iss"] == "https://auth.tesla.com/oauth2/v3/nts"
    assert (said["azp"], said["ou_code"], said["exp"] - said["iat"]) == (
        application.client.client_id,
        "EU",
        28_800,
    )
    assert paths.FLEET_API_HOSTS["na"] in said["aud"] and paths.FLEET_API_HOSTS["eu"] in said["aud"]
    assert set(said["scp"]) == set(EVERY_SCOPE)


def test_a_payload_has_no_letter_that_the_alphabets_disagree_on() -> None:
    signer = TokenSigner()
    for length in range(4):
        said = {"azp": "x" * length + "???>>>~~~ÿ"}
        assert claims(signer.sign(said)) == said
        assert signer.read(signer.sign(said)) == said


def test_a_changed_token_and_a_token_of_another_signer_are_refused() -> None:
    signer = TokenSigner()
    header, payload, signature = signer.sign({"sub": "a"}).split(".")
    forged = base64.urlsafe_b64encode(b'{"sub": "b"}').rstrip(b"=").decode()
    for token in (
        f"{header}.{forged}.{signature}",
        f"{header}.{payload}",
        f"{header}.{payload}.!",
        TokenSigner().sign({"sub": "a"}),
    ):
        with pytest.raises(InvalidToken):
            signer.read(token)


@pytest.mark.parametrize(
    ("wrong", "status", "error"),
    [
        ({"client_secret": "wrong"}, 400, "unauthorized_client"),
        ({"client_id": "unknown"}, 400, "unauthorized_client"),
        ({"redirect_uri": "https://portal.example/other"}, 400, "invalid_redirect_url"),
        ({"code": "EU_unknown"}, 400, "invalid_auth_code"),
        ({"audience": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_mistakes_at_the_token_endpoint_get_teslas_words(
    application: Application, code: str, wrong: dict[str, str], status: int, error: str
) -> None:
    answer = application.redeem(code, **wrong)
    assert (answer.status, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


def test_a_code_works_once(application: Application, code: str) -> None:
    assert application.redeem(code).status == 200
    assert application.redeem(code).json()["error"] == "invalid_auth_code"


def test_a_code_dies_after_five_minutes(application: Application, code: str, control: Control) -> None:
    control("POST", "/clock", {"advance_seconds": 301})
    assert application.redeem(code).json()["error"] == "invalid_auth_code"


def test_a_challenge_has_to_be_met(application: Application, browser: Browser) -> None:
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    extra = {"code_challenge": challenge, "code_challenge_method": "S256"}
    page = browser.sign_in(browser.get(application.authorize_path(**extra)), ANNA)
    first = browser.submit(page, {"decision": "allow"}).callback["code"]
    second = browser.get(application.authorize_path(**extra)).callback["code"]
    assert application.redeem(first, code_verifier="w" * 43).json()["error"] == "invalid_auth_code"
    assert application.redeem(second, code_verifier=verifier).status == 200


def test_no_refresh_token_without_offline_access(application: Application, browser: Browser) -> None:
    page = browser.sign_in(browser.get(application.authorize_path(scope="openid vehicle_cmds")), ANNA)
    back = browser.submit(page, {"decision": "allow", "scope": "vehicle_cmds"})
    assert "refresh_token" not in application.redeem(back.callback["code"]).json()


def test_the_refresh_token_used_last_works_for_another_day_and_older_ones_are_dead(
    application: Application, control: Control
) -> None:
    first = application.connect(ANNA).tokens["refresh_token"]
    application.refresh()
    second = application.tokens["refresh_token"]
    assert application.refresh(first).status == 200
    assert is_login_required(application, second)
    third = application.tokens["refresh_token"]
    application.refresh()
    assert is_login_required(application, first)
    control("POST", "/clock", {"advance_seconds": DAY - 60})
    assert application.refresh(third).status == 200
    control("POST", "/clock", {"advance_seconds": 120})
    assert is_login_required(application, third)
    assert application.refresh().status == 200


def test_a_refresh_token_lives_three_months(application: Application, control: Control) -> None:
    application.connect(ANNA)
    control("POST", "/clock", {"advance_seconds": 89 * DAY})
    assert application.refresh().status == 200
    control("POST", "/clock", {"advance_seconds": 91 * DAY})
    assert is_login_required(application, application.tokens["refresh_token"])


def test_the_day_of_grace_ends_with_the_three_months(application: Application, control: Control) -> None:
    used = application.connect(ANNA).tokens["refresh_token"]
    control("POST", "/clock", {"advance_seconds": 90 * DAY - 3600})
    assert application.refresh().status == 200
    assert application.refresh(used).status == 200
    control("POST", "/clock", {"advance_seconds": 2 * 3600})
    assert is_login_required(application, used)
    assert application.refresh().status == 200


def test_a_refresh_can_be_made_to_end_the_access_token_before(
    application: Application, control: Control
) -> None:
    old = application.connect(ANNA).tokens["access_token"]
    control("PATCH", "/provider", {"access_tokens_end_at_refresh": True})
    assert application.call("GET", paths.VEHICLES, token=old).status == 200
    control("POST", "/clock", {"advance_seconds": 1})
    application.refresh()
    answer = application.call("GET", paths.VEHICLES, token=old)
    assert (answer.status, answer.json()["error"]) == (401, "token expired (401)")
    assert application.call("GET", paths.VEHICLES).status == 200


def test_a_second_login_ends_the_refresh_token_of_the_first(application: Application) -> None:
    first = application.connect(ANNA).tokens["refresh_token"]
    application.connect(ANNA)
    assert is_login_required(application, first)
    assert application.refresh().status == 200


def test_an_access_token_outlives_a_refresh_but_not_its_eight_hours(
    application: Application, control: Control
) -> None:
    old = application.connect(ANNA).tokens["access_token"]
    application.refresh()
    assert application.call("GET", paths.VEHICLES, token=old).status == 200
    control("POST", "/clock", {"advance_seconds": 28_801})
    answer = application.call("GET", paths.VEHICLES, token=old)
    assert (answer.status, answer.json()["error"]) == (401, "token expired (401)")


def test_a_new_password_kills_refresh_tokens_and_sessions_but_not_access_tokens(
    application: Application, browser: Browser, control: Control
) -> None:
    application.connect(ANNA)
    browser.sign_in(browser.get(application.authorize_path()), ANNA)
    control("PATCH", f"/accounts/{ANNA}", {"password": "changed"})
    assert is_login_required(application, application.tokens["refresh_token"])
    assert application.call("GET", paths.VEHICLES).status == 200
    page = browser.get(application.authorize_path())
    assert browser.sign_in(page, ANNA).has("sign-in-problem")
    assert "code" in browser.sign_in(page, ANNA, "changed").callback


def test_a_refresh_token_of_another_application_is_dead(application: Application) -> None:
    application.connect(ANNA)
    fields = {
        "grant_type": "refresh_token",
        "client_id": paths.OWNER_API_CLIENT_ID,
        "refresh_token": application.tokens["refresh_token"],
    }
    assert application.token_call(fields).json()["error"] == "login_required"
    assert application.refresh().status == 200


@pytest.mark.parametrize("legacy", [False, True])
def test_starting_tokens_tell_whose_they_are_and_cannot_be_altered(legacy: bool) -> None:
    sub = "0f9f3f5e-1111-4222-8333-000000000007"
    token = starting_refresh_token(sub, "na", uses_legacy_api=legacy)
    assert sub_of_starting_token(token) == sub
    assert sub_of_starting_token(token[:-1] + ("a" if token[-1] != "a" else "b")) is None
    assert sub_of_starting_token("NA_nonsense") is None


def test_the_signing_keys_are_published(application: Application) -> None:
    keys = application.call("GET", "/oauth2/v3/discovery/thirdparty/keys", token="").json()["keys"]
    assert [key["kid"] for key in keys] == [application.tesla.world.tokens.signer.kid]
