"""What applications may ask for: the checks before a run begins."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client

from connect.authorize import authorization_request
from connect.authorize.parameters import InvalidRequest
from connect.models import ConnectSession
from tests.connect.conftest import Journey, answer_of
from tests.factories import ApplicationFactory
from vehicles.models import Application

REDIRECT_URI = "https://example.com/auth"


@pytest.fixture(autouse=True)
def _simulated_tesla(settings) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"


def query(application: Application, **changes: str | None) -> str:
    parameters = {
        "response_type": "code",
        "client_id": str(application.client_id),
        "redirect_uri": REDIRECT_URI,
        "scope": "read_vin",
    } | changes
    return urlencode({name: value for name, value in parameters.items() if value is not None})


@pytest.mark.parametrize(
    ("parameter", "changes"),
    [
        ("client_id", {"client_id": None}),
        ("client_id", {"client_id": "00000000-0000-4000-8000-000000000000"}),
        ("client_id", {"client_id": "\x00"}),
        ("redirect_uri", {"redirect_uri": "https://example.com/auth/"}),
        ("redirect_uri", {"redirect_uri": "https://example.com/auth?more=1"}),
        ("redirect_uri", {"redirect_uri": "https://evil.example/auth"}),
        ("redirect_uri", {"redirect_uri": "http://example.com/plain"}),
        ("redirect_uri", {"redirect_uri": "javascript:alert(1)"}),
        ("redirect_uri", {"redirect_uri": "https://example.com/auth#x"}),
        ("response_type", {"response_type": None}),
        ("response_type", {"response_type": "token"}),
        ("scope", {"scope": "read_vin read_minds"}),
        ("scope", {"scope": "required:read_minds"}),
        ("mode", {"mode": "demo"}),
        ("approval_prompt", {"approval_prompt": "never"}),
        ("single_select", {"single_select": "maybe"}),
        ("single_select_vin", {"single_select": "true", "single_select_vin": "5YJ3"}),
        ("single_select_vin", {"single_select_vin": "5YJ3E7EA0KF000101"}),
        ("code_challenge_method", {"code_challenge": "a" * 43, "code_challenge_method": "plain"}),
        ("code_challenge", {"code_challenge": "short", "code_challenge_method": "S256"}),
        ("user", {"user": "x" * 256}),
        ("external_id", {"external_id": "x" * 256}),
        ("application_id", {"application_id": "another"}),
        ("test_mode", {"test_mode": "maybe"}),
    ],
)
def test_a_wrong_request_shows_a_page_and_never_redirects(
    client: Client, db: None, parameter: str, changes: dict[str, str | None]
) -> None:
    application = ApplicationFactory(
        redirect_uris=f"{REDIRECT_URI} http://example.com/plain javascript:alert(1) https://example.com/auth#x"
    )

    answer = client.get(f"/oauth/authorize?{query(application, **changes)}")

    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert f"<code>{parameter}</code>" in answer.content.decode()
    assert not ConnectSession.objects.exists()


@pytest.mark.parametrize(
    ("parameter", "changes"),
    [
        ("scope", {"scope": "read_minds"}),
        ("mode", {"mode": "demo"}),
        ("response_type", {"response_type": None}),
    ],
)
def test_a_person_may_go_back_from_a_wrong_request_once_the_address_is_known_to_be_right(
    client: Client, application: Application, parameter: str, changes: dict[str, str | None]
) -> None:
    page = client.get(f"/oauth/authorize?{query(application, state='a/b=', **changes)}").content.decode()

    back = unescape(re.search(r'id="leave-button" href="([^"]+)"', page).group(1))
    assert back.startswith(f"{REDIRECT_URI}?error=configuration_error&") and back.endswith("&state=a%2Fb%3D")
    answer = dict(parse_qsl(urlsplit(back).query))
    assert answer["status_code"] == "400"
    assert answer["error_message"] == f"The parameter {parameter} is missing or invalid."


@pytest.mark.parametrize("changes", [{"client_id": "unknown"}, {"redirect_uri": "https://evil.example/"}])
def test_nobody_is_led_back_where_the_address_is_not_known_to_be_right(
    client: Client, application: Application, changes: dict[str, str]
) -> None:
    page = client.get(f"/oauth/authorize?{query(application, **changes)}").content.decode()

    assert "leave-button" not in page and "evil.example" not in page


def test_a_parameter_given_twice_is_refused(client: Client, application: Application) -> None:
    answer = client.get(f"/oauth/authorize?{query(application)}&redirect_uri=https://evil.example/")

    assert answer.status_code == 400 and "given more than once" in answer.content.decode()


@pytest.mark.parametrize("mode", ["simulated", "test"])
def test_simulated_cars_are_offered_only_where_a_simulated_tesla_is_configured(
    settings, application: Application, mode: str
) -> None:
    assert authorization_request.parse_request(query(application, mode=mode)).mode == "simulated"
    settings.SIMULATOR_URL = ""

    with pytest.raises(InvalidRequest) as refused:
        authorization_request.parse_request(query(application, mode=mode))

    assert refused.value.parameter == "mode"


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/auth?app_origin=https://example.com",
        "http://localhost:3000/back",
        "http://127.0.0.1:3000/back",
        "sc0b0cf2d9-5b57-4e67-b0a4-6f4a60a6b1f3://exchange",
    ],
)
def test_the_registered_shapes_of_addresses_are_taken(db: None, uri: str) -> None:
    application = ApplicationFactory(
        client_id="0b0cf2d9-5b57-4e67-b0a4-6f4a60a6b1f3", redirect_uris=f"https://other.example/ {uri}"
    )

    assert authorization_request.parse_request(query(application, redirect_uri=uri)).redirect_uri == uri


def test_an_absent_address_means_the_first_registered_one(db: None) -> None:
    application = ApplicationFactory(redirect_uris="https://one.example/ https://two.example/")

    asked = authorization_request.parse_request(query(application, redirect_uri=None))

    assert (asked.redirect_uri, asked.redirect_uri_given) == ("https://one.example/", False)


def test_application_id_stands_for_client_id(application: Application) -> None:
    asked = authorization_request.parse_request(
        query(application, client_id=None, application_id=str(application.client_id))
    )

    assert asked.application == application


def test_the_old_name_of_a_test_run_is_understood(application: Application) -> None:
    asked = authorization_request.parse_request(query(application, test_mode="true"))

    assert (asked.mode, asked.any_login) == ("simulated", True)
    assert (
        authorization_request.parse_request(query(application, mode="live", test_mode="true")).any_login
        is False
    )


def test_an_absent_scope_means_what_the_application_is_configured_for(db: None) -> None:
    application = ApplicationFactory(permissions=["read_battery", "required:read_vin"])

    asked = authorization_request.parse_request(query(application, scope=None))

    assert (asked.requested, asked.required) == (["read_battery", "read_vin"], ["read_vin"])


def test_required_permissions_are_told_from_optional_ones(application: Application) -> None:
    asked = authorization_request.parse_request(
        query(application, scope="required:read_vin  read_odometer read_vin")
    )

    assert (asked.requested, asked.required) == (["read_vin", "read_odometer"], ["read_vin"])


def test_a_public_client_must_prove_itself(db: None) -> None:
    application = ApplicationFactory(client_type="public")

    with pytest.raises(InvalidRequest) as refused:
        authorization_request.parse_request(query(application))

    assert refused.value.parameter == "code_challenge"


def test_unknown_parameters_and_flags_do_no_harm(application: Application) -> None:
    asked = authorization_request.parse_request(
        query(application, flags="country:DE x:true", sdk_platform="ios", user="Jörg")
    )

    assert asked.external_user == "Jörg"


@pytest.mark.parametrize("state", ["%20a%2Bb", "eyJ4IjogMX0=", "%FF%00%C3%A4", "a%26error%3Dserver_error"])
def test_state_comes_back_byte_for_byte(journey: Journey, state: str) -> None:
    from urllib.parse import unquote_to_bytes, urlsplit

    parameters = query(journey.application)
    journey.open(f"/oauth/authorize?{parameters}&state={state}")

    back = journey.post("leave", reason="access_denied")

    returned = urlsplit(back.headers["Location"]).query.rpartition("&state=")[2]
    assert unquote_to_bytes(returned) == unquote_to_bytes(state)
    assert answer_of(back)["error"] == "access_denied"


def test_only_get_begins_a_run(client: Client, application: Application) -> None:
    assert client.post(f"/oauth/authorize?{query(application)}").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize(
    "registered", ["https://bücher.example/ü?q=ä", "https://xn--bcher-kva.example/%C3%BC?q=%C3%A4"]
)
@pytest.mark.parametrize(
    "asked", ["https://bücher.example/ü?q=ä", "https://xn--bcher-kva.example/%C3%BC?q=%C3%A4"]
)
def test_an_address_beyond_ascii_is_found_in_either_spelling_and_used_in_one(
    registered: str, asked: str
) -> None:
    application = ApplicationFactory(redirect_uris=registered)
    found = authorization_request.parse_request(query(application, redirect_uri=asked)).redirect_uri
    assert found == "https://xn--bcher-kva.example/%C3%BC?q=%C3%A4"


def test_a_host_that_only_looks_alike_is_another_one(db: None) -> None:
    application = ApplicationFactory(redirect_uris="https://bucher.example/")
    with pytest.raises(InvalidRequest):
        authorization_request.parse_request(query(application, redirect_uri="https://bücher.example/"))
