"""One form of an address everywhere: as it is registered, sent, compared, and answered to."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from connect.authorize import authorization_request, authorization_response
from connect.authorize.addresses import NoAddress, one_form
from connect.authorize.parameters import InvalidRequest
from connect.models import ConnectSession
from tests.connect.conftest import Journey, answer_of
from tests.connect.test_authorization_request import query
from tests.connect.token_client import SECRET, Party
from tests.factories import ApplicationFactory, PersonFactory
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson

UMLAUT = "https://münchen.example/zurück?a=ü"
ASCII = "https://xn--mnchen-3ya.example/zur%C3%BCck?a=%C3%BC"
SPELLINGS = [
    UMLAUT,
    ASCII,
    "HTTPS://München.Example:443/zurück?a=ü",
    "https://XN--MNCHEN-3YA.example/zur%C3%BCck?a=ü",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_has_one_form(spelling: str) -> None:
    assert one_form(spelling) == ASCII
    assert one_form(ASCII) == ASCII


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/auth?x=%c3%A4#part", "http://localhost:3000/back", "http://[::1]:3000/",
        "sc0b0cf2d9-5b57-4e67-b0a4-6f4a60a6b1f3://exchange", "https://example.com", "https://example.com/a//b/../c?",
    ],
)  # fmt: skip
def test_an_address_in_its_one_form_stays_as_it_is(address: str) -> None:
    assert one_form(address) == address


@pytest.mark.parametrize(
    "address",
    ["https://a b.example/", "https://a.example/\n", "https://a.example\\@b.example/", "https://ü..example/",
     "https://\ud800.example/", "https://a.example/\ud800",
     "https://ü\u2044evil.example/", "https://" + "ü" * 80 + "/"],
)  # fmt: skip
def test_what_is_no_address_has_no_form(address: str) -> None:
    with pytest.raises(NoAddress):
        one_form(address)


@given(st.text())
def test_a_form_is_its_own_form(text: str) -> None:
    try:
        form = one_form(text)
    except NoAddress:
        return
    assert form.isascii() and one_form(form) == form


@pytest.mark.django_db
@pytest.mark.parametrize("registered", SPELLINGS)
@pytest.mark.parametrize("sent", SPELLINGS)
def test_an_address_is_taken_in_every_spelling_and_answered_to_in_one(registered: str, sent: str) -> None:
    application = ApplicationFactory(redirect_uris=registered)
    assert authorization_request.parse_request(query(application, redirect_uri=sent)).redirect_uri == ASCII
    assert authorization_request.parse_request(query(application, redirect_uri=None)).redirect_uri == ASCII


@pytest.mark.django_db
@pytest.mark.parametrize("sent", SPELLINGS)
def test_the_token_endpoint_takes_every_spelling_too(sent: str) -> None:
    application = ApplicationFactory(redirect_uris=UMLAUT, client_secret=SECRET)
    party = Party(application, PersonFactory())
    answer = party.exchange(party.code(redirect_uri=ASCII), redirect_uri=sent)
    assert answer.status_code == 200, answer.content
    assert party.exchange(party.code(redirect_uri=ASCII), redirect_uri="https://\\").status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "origin", ["https://münchen.example", "https://xn--mnchen-3ya.example", "https://München.example:443"]
)
def test_a_web_origin_is_known_in_every_spelling(client: Client, origin: str) -> None:
    application = ApplicationFactory(allowed_origins=origin)
    for spelling in ("https://münchen.example", "https://xn--mnchen-3ya.example"):
        page = f"http://localhost:8000/connect/redirect?app_origin={quote(spelling)}"
        assert authorization_request.parse_request(query(application, redirect_uri=page)).redirect_uri == page
        assert 'data-app-origin="https://xn--mnchen-3ya.example"' in client.get(page).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sent", ["https://ü..example/", "%00", "https://example.com/auth%00", "https://[", "//x", "%ff"]
)
def test_what_is_no_address_is_said_of_its_parameter(client: Client, sent: str) -> None:
    application = ApplicationFactory()
    parameters = query(application, redirect_uri=None) + f"&redirect_uri={quote(sent, safe='%')}"
    with pytest.raises(InvalidRequest) as refused:
        authorization_request.parse_request(parameters)
    assert refused.value.parameter == "redirect_uri"


@pytest.mark.parametrize(
    ("address", "before"),
    [
        ("https://a.example/", "https://a.example/?"),
        ("https://a.example", "https://a.example?"),
        ("https://a.example/?", "https://a.example/?"),
        ("https://a.example/?x=1", "https://a.example/?x=1&"),
        ("https://a.example/?x=1&", "https://a.example/?x=1&"),
        ("https://a.example/?x", "https://a.example/?x&"),
        ("sc1://exchange?", "sc1://exchange?"),
        ("sc1://exchange", "sc1://exchange?"),
    ],
)
def test_an_answer_is_joined_to_whatever_query_an_address_has(db: None, address: str, before: str) -> None:
    session = ConnectSession(redirect_uri=address, state="s")
    assert authorization_response.error_url(session, "access_denied").startswith(
        f"{before}error=access_denied&"
    )


@pytest.mark.parametrize("address", ["https://example.com/auth?", UMLAUT])
def test_a_whole_run_comes_back_to_such_an_address(
    journey: Journey, bernd: ScenarioPerson, address: str
) -> None:
    journey.application.redirect_uris = address
    journey.application.save()
    journey.authorize(redirect_uri=address)
    journey.sign_in(bernd.email)
    back = journey.approve()
    back = back if back.headers["Location"].startswith("https:") else journey.post("finish")
    assert back.headers["Location"].startswith(one_form(address))
    assert answer_of(back)["code"]


def test_a_state_as_long_as_browsers_send_comes_back(journey: Journey) -> None:
    state = "ä/" * 7000
    journey.authorize(state=state)
    assert answer_of(journey.post("leave", reason="access_denied"))["state"] == state
