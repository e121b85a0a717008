"""Runs that a web page opens in a window of its own: where their answer goes, and to nobody else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from oauth2_provider.models import Grant

from connect.authorize import authorization_request, redirect_uris
from connect.authorize.parameters import InvalidRequest
from tests.connect.conftest import Journey, answer_of, query_of
from tests.connect.test_authorization_request import query
from tests.connect.test_token_endpoint import challenge_for
from tests.factories import ApplicationFactory
from vehicles.models import ApplicationUser, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson

ORIGIN = "https://app.example"


@pytest.fixture
def page_application(db: None) -> Any:
    return ApplicationFactory(allowed_origins=f"http://localhost:3000 {ORIGIN}", redirect_uris="")


@pytest.mark.parametrize("encoded", [ORIGIN, quote(ORIGIN, safe="")])
def test_our_page_is_the_redirect_address_of_a_registered_origin(
    page_application: Any, settings: Any, encoded: str
) -> None:
    uri = f"{settings.PUBLIC_URL}/connect/redirect?app_origin={encoded}"

    assert authorization_request.parse_request(query(page_application, redirect_uri=uri)).redirect_uri == uri


@pytest.mark.parametrize(
    "rest",
    [
        "?app_origin=https://evil.example",
        "?app_origin=https://app.example.evil.example",
        "?app_origin=https://app.example/path",
        "?app_origin=https://app.example&app_origin=https://evil.example",
        "?app_origin=https://app.example&code=planted",
        "?app_origin=https://app.example#x",
        "?",
        "",
    ],
)
def test_any_other_address_of_our_page_is_refused(page_application: Any, settings: Any, rest: str) -> None:
    uri = f"{settings.PUBLIC_URL}/connect/redirect{rest}"

    with pytest.raises(InvalidRequest) as refused:
        authorization_request.parse_request(query(page_application, redirect_uri=uri))

    assert refused.value.parameter == "app_origin"
    assert refused.value.way_back == ""


@pytest.mark.parametrize(
    ("origin", "is_one"),
    [
        ("https://app.example", True),
        ("https://app.example:8443", True),
        ("http://localhost:3000", True),
        ("http://[::1]:3000", True),
        ("http://app.example", False),
        ("https://app.example/", False),
        ("https://user@app.example", False),
        ("https://App.example", False),
        ("https://*", False),
        ("https://a\0", False),
        ("null", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_an_origin_is_a_scheme_and_a_host_and_nothing_else(origin: str, is_one: bool) -> None:
    assert redirect_uris.is_web_origin(origin) is is_one


def test_the_page_hands_over_only_to_a_registered_origin(page_application: Any, client: Client) -> None:
    page = client.get("/connect/redirect", {"app_origin": ORIGIN, "code": "a-code"})

    assert f'data-app-origin="{ORIGIN}"' in page.content.decode()
    assert "a-code" not in page.content.decode()
    assert page.headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert "no-store" in page.headers["Cache-Control"]


@pytest.mark.parametrize("origin", ["https://evil.example", "https://app.exampl", "*", "\0", ""])
def test_the_page_hands_nothing_to_anybody_else(page_application: Any, client: Client, origin: str) -> None:
    page = client.get("/connect/redirect", {"app_origin": origin, "code": "a-code"})

    assert page.status_code == 400 and "redirect.js" not in page.content.decode()


def test_the_window_stays_in_touch_with_its_opener_all_the_way(
    journey: Journey, bernd: ScenarioPerson
) -> None:
    answers = [journey.authorize(), journey.client.get(journey.page), journey.post("begin")]
    answers += [journey.sign_in(bernd.email), journey.client.get(journey.page), journey.approve()]

    assert {answer.headers["Cross-Origin-Opener-Policy"] for answer in answers} == {"unsafe-none"}


class TestWithoutACode:
    """`response_type=none`: the car is connected, and the application needs no token of the person's."""

    def test_the_car_is_connected_and_nothing_can_be_redeemed(
        self, journey: Journey, bernd: ScenarioPerson
    ) -> None:
        journey.authorize(response_type="none", external_id="driver 7")
        journey.sign_in(bernd.email)

        answer = answer_of(journey.approve())

        user = ApplicationUser.objects.get()
        assert (answer["user_id"], answer["external_id"]) == (str(user.public_id), "driver 7")
        assert answer["state"] == "a state" and "code" not in answer
        assert VehicleGrant.objects.count() == 1 and not Grant.objects.exists()

    def test_without_an_address_the_answer_goes_to_the_page_of_the_origin(
        self, journey: Journey, bernd: ScenarioPerson, settings: Any
    ) -> None:
        journey.application.allowed_origins = ORIGIN
        journey.application.save()
        journey.authorize(response_type="none", redirect_uri=None, app_origin=ORIGIN)

        address = journey.post("leave", reason="access_denied").headers["Location"]

        assert address.startswith(
            f"{settings.PUBLIC_URL}/connect/redirect?app_origin={quote(ORIGIN, safe='')}&"
        )
        assert "error=access_denied" in address and "state=a%20state" in address

    def test_an_origin_that_is_not_registered_is_refused(self, journey: Journey) -> None:
        answer = journey.authorize(response_type="none", redirect_uri=None, app_origin="https://evil.example")

        assert answer.status_code == 400 and "<code>app_origin</code>" in answer.content.decode()

    def test_a_public_client_needs_no_challenge_since_there_is_no_code(self, db: None) -> None:
        public = ApplicationFactory(client_type="public")

        assert authorization_request.parse_request(query(public, response_type="none")).code_challenge == ""


@pytest.mark.parametrize(
    ("earlier", "sent", "kept"),
    [
        ("", "driver 7", "driver 7"),
        ("driver 7", "driver 8", "driver 8"),
        ("driver 7", None, "driver 7"),
        ("driver 7", "null", ""),
    ],
)
def test_the_applications_own_id_of_a_person_is_kept_returned_and_cleared(
    journey: Journey, bernd: ScenarioPerson, earlier: str, sent: str | None, kept: str
) -> None:
    if earlier:
        journey.authorize(external_id=earlier)
        journey.sign_in(bernd.email)
        journey.approve()
    journey.authorize(external_id=sent, state="another run", approval_prompt="force")
    journey.sign_in(bernd.email)

    assert answer_of(journey.approve()).get("external_id", "") == kept
    assert ApplicationUser.objects.get().external_id == kept


def test_a_run_that_is_left_keeps_no_id(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize(external_id="driver 7")
    journey.sign_in(bernd.email)
    journey.post("leave", reason="access_denied")

    assert not ApplicationUser.objects.exists()


def test_a_page_without_a_secret_redeems_its_code_with_its_verifier(
    journey: Journey, bernd: ScenarioPerson, settings: Any
) -> None:
    application = journey.application
    application.client_type, application.allowed_origins = "public", ORIGIN
    application.save()
    uri = f"{settings.PUBLIC_URL}/connect/redirect?app_origin={ORIGIN}"
    journey.authorize(redirect_uri=uri, **challenge_for("v" * 43))
    journey.sign_in(bernd.email)
    answer = journey.approve().headers["Location"]
    assert answer.startswith(f"{uri}&code=")

    form = {
        "grant_type": "authorization_code",
        "client_id": application.client_id,
        "redirect_uri": uri,
        "code": query_of(answer)["code"][0],
    }
    for verifier, status in (("w" * 43, 400), ("v" * 43, 200)):
        assert Client().post("/oauth/token", form | {"code_verifier": verifier}).status_code == status
