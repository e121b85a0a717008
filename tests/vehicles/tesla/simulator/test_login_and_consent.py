"""The browser's way through Tesla's login and consent pages."""

from __future__ import annotations

import pytest

from tests.vehicles.tesla.simulator.visitors import EVERY_SCOPE, Application, Browser, Page, claims
from vehicles.tesla import paths, scopes
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.samples.scenarios import BERNDS_MODEL_S
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tesla.simulator.world import MOST_MADE_CARS, World

ANNA = "anna@owners.example"
SOME = [scopes.VEHICLE_DEVICE_DATA, scopes.VEHICLE_CMDS]


def consent_page(browser: Browser, application: Application, email: str = ANNA, **extra: str) -> Page:
    return browser.sign_in(browser.get(application.authorize_path(**extra)), email)


def allow(browser: Browser, page: Page, *granted: str) -> Page:
    return browser.submit(page, {"decision": "allow", "scope": granted})


def granted_scopes(application: Application, page: Page) -> set[str]:
    return set(claims(application.redeem(page.callback["code"]).json()["access_token"])["scp"])


def test_a_wrong_password_is_told_on_the_page_and_the_address_is_kept(
    browser: Browser, application: Application
) -> None:
    page = browser.sign_in(browser.get(application.authorize_path()), ANNA, "wrong")
    assert page.has("sign-in-problem") and f'value="{ANNA}"' in page.text
    assert browser.sign_in(page, ANNA).has("allow-button")


def test_nothing_is_ticked_and_every_scope_has_teslas_label(
    browser: Browser, application: Application
) -> None:
    page = consent_page(browser, application)
    assert page.boxes() == dict.fromkeys(scopes.LABELS, False)
    assert all(label in page.text for label in scopes.LABELS.values())
    assert "openid" not in page.boxes() and "<script" not in page.text


def test_only_what_is_ticked_is_granted(browser: Browser, application: Application) -> None:
    back = allow(browser, consent_page(browser, application), *SOME)
    assert back.location.startswith(application.client.redirect_uris[0])
    assert set(back.callback) == {"code", "state", "locale", "issuer"}
    assert back.callback["state"] == "the-state"
    assert granted_scopes(application, back) == {*scopes.SIGN_IN, *SOME}


def test_a_scope_that_was_not_asked_for_cannot_be_granted(browser: Browser, application: Application) -> None:
    page = consent_page(browser, application, scope="openid offline_access vehicle_device_data")
    back = allow(browser, page, scopes.VEHICLE_DEVICE_DATA, scopes.VEHICLE_CMDS)
    assert granted_scopes(application, back) == {*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA}


def test_select_all_ticks_every_box_without_granting(browser: Browser, application: Application) -> None:
    page = browser.submit(consent_page(browser, application), {"decision": "select-all"})
    assert set(page.boxes().values()) == {True}
    assert application.tesla.world.accounts[ANNA].consents == {}


def test_refusing_goes_back_with_access_denied(browser: Browser, application: Application) -> None:
    back = browser.submit(consent_page(browser, application), {"decision": "deny"})
    assert (back.callback["error"], back.callback["state"]) == ("access_denied", "the-state")


def test_fewer_scopes_are_not_enough_where_all_are_required(
    browser: Browser, application: Application
) -> None:
    page = consent_page(browser, application, require_requested_scopes="true")
    again = allow(browser, page, *SOME)
    assert again.has("consent-problem")
    assert again.boxes() == {scope: scope in SOME for scope in scopes.LABELS}
    assert "code" in allow(browser, again, *scopes.LABELS).callback


def test_a_signed_in_browser_and_an_existing_consent_need_no_page(
    browser: Browser, application: Application
) -> None:
    allow(browser, consent_page(browser, application), *SOME)
    back = browser.get(application.authorize_path())
    assert granted_scopes(application, back) == {*scopes.SIGN_IN, *SOME}


def test_missing_scopes_are_asked_for_with_the_granted_ones_ticked(
    browser: Browser, application: Application
) -> None:
    allow(browser, consent_page(browser, application), *SOME)
    page = browser.get(application.authorize_path(prompt_missing_scopes="true"))
    assert page.boxes() == {scope: scope in SOME for scope in scopes.LABELS}
    assert granted_scopes(application, allow(browser, page, *scopes.LABELS)) == set(EVERY_SCOPE)


def test_no_page_comes_for_missing_scopes_when_none_are_missing(
    browser: Browser, application: Application
) -> None:
    allow(browser, consent_page(browser, application), *SOME)
    path = application.authorize_path(
        prompt_missing_scopes="true", scope="openid offline_access vehicle_cmds"
    )
    assert "code" in browser.get(path).callback


def test_a_tesla_that_does_not_ask_for_missing_scopes_uses_the_earlier_consent(
    browser: Browser, application: Application
) -> None:
    application.tesla.world.provider.asks_for_missing_scopes = False
    allow(browser, consent_page(browser, application), *SOME)
    back = browser.get(application.authorize_path(prompt_missing_scopes="true"))
    assert granted_scopes(application, back) == {*scopes.SIGN_IN, *SOME}


def test_a_prompt_for_login_forces_the_login_page_once(browser: Browser, application: Application) -> None:
    consent_page(browser, application)
    page = browser.get(application.authorize_path(prompt="login"))
    assert browser.sign_in(page, "bernd@owners.example").has("allow-button")


def test_signing_out_forgets_the_person(browser: Browser, application: Application) -> None:
    page = consent_page(browser, application)
    browser.submit(Page(200, "", "/user/sign-out"), {"next": page.address})
    assert browser.get(application.authorize_path()).has("sign-in-button")


def test_signing_out_never_leads_to_another_server(browser: Browser) -> None:
    for address in ("https://elsewhere.example/", "//elsewhere.example/", "/\\elsewhere.example"):
        assert browser.submit(Page(200, "", "/user/sign-out"), {"next": address}).address == "/"


def test_the_key_step_is_announced_only_when_asked(browser: Browser, application: Application) -> None:
    assert not consent_page(browser, application).has("keypair-step")
    assert browser.get(application.authorize_path(show_keypair_step="true")).has("keypair-step")


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "unknown"}, {"redirect_uri": "https://portal.example/connect/tesla/callback/"}],
    ids=["client", "redirect"],
)
def test_an_unknown_client_or_redirect_gets_a_page_and_no_redirect(
    browser: Browser, application: Application, wrong: dict[str, str]
) -> None:
    page = browser.get(application.authorize_path(**wrong))
    assert (page.status, page.location) == (400, "")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "vehicle_cmds"}, "invalid_scope"),
        ({"code_challenge": "x", "code_challenge_method": "plain"}, "invalid_request"),
    ],
    ids=["response type", "no openid", "plain challenge"],
)
def test_other_mistakes_go_back_to_the_application(
    browser: Browser, application: Application, wrong: dict[str, str], error: str
) -> None:
    assert browser.get(application.authorize_path(**wrong)).callback["error"] == error


def test_a_test_login_makes_a_new_person_whose_car_needs_no_key(
    browser: Browser, application: Application
) -> None:
    page = browser.get(application.authorize_path(test_login="true"))
    back = browser.sign_in(page, "anybody@anywhere.example", "anything")
    application.tokens = application.redeem(back.callback["code"]).json()
    assert set(claims(application.tokens["access_token"])["scp"]) == set(EVERY_SCOPE)
    [car] = application.call("GET", paths.VEHICLES).json()["response"]
    assert (car["vin"][3], car["vin"][9]) == ("S", "J")
    assert application.command(car["vin"], "door_lock").json()["response"]["result"] is True


ANY = {"any_login": "true"}
TEST = {"test_login": "true"}


@pytest.mark.parametrize("query", [ANY, TEST])
@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("anybody@anywhere.example", ""),
        ("", "x"),
        ("no address", "x"),
        ("nobody", "x"),
        (f"{'x' * 250}@example.com", "x"),
        ("a\x00b@example.com", "x"),
        ("bernd@owners.example", "not his password"),
        ("Bernd@Owners.example", "not his password"),
        (f"{BERNDS_MODEL_S}@anywhere.example", "x"),
        (f"{BERNDS_MODEL_S.lower()}@anywhere.example", "x"),
    ],
    ids=range(10),
)
def test_any_login_takes_no_nonsense_and_nobody_elses_account_or_car(
    browser: Browser, application: Application, query: dict[str, str], email: str, password: str
) -> None:
    page = browser.get(application.authorize_path(**query))
    assert browser.sign_in(page, email, password).has("sign-in-problem")
    assert browser.sign_in(page, "bernd@owners.example").status in (200, 302)


@pytest.mark.parametrize(
    ("email", "models"),
    [
        ("Somebody@anywhere.example", "S3"),
        ("0-vehicles@anywhere.example", ""),
        ("4-vehicles@anywhere.example", "S3YS"),
        ("999999-vehicles@anywhere.example", "S3Y" * 16 + "S3"),
        ("5yj3e7eb7lf424242@anywhere.example", "3"),
        ("vehicle_state.in_motion@smartcar.com", "S"),
        ("UPSTREAM.NO_RESPONSE@smartcar.com", "S"),
    ],
)
def test_the_cars_of_a_new_person_follow_from_the_address(
    browser: Browser, application: Application, email: str, models: str
) -> None:
    """Signed in twice, in whatever spelling and with whatever password, it is the same person."""
    found = []
    for spelled, password in ((email, "anything"), (email.upper(), "something else")):
        page = browser.get(application.authorize_path(prompt="login", **ANY))
        consent = browser.sign_in(page, spelled, password)
        if consent.has("allow-button"):
            consent = browser.submit(consent, {"scope": list(EVERY_SCOPE), "decision": "allow"})
        application.tokens = application.redeem(consent.callback["code"]).json()
        found.append([car["vin"] for car in application.call("GET", paths.VEHICLES).json()["response"]])
    assert found[0] == found[1]
    assert "".join(vin[3] for vin in found[0]) == models


def test_whoever_is_not_asked_for_any_login_takes_known_people_only(
    browser: Browser, application: Application
) -> None:
    page = browser.get(application.authorize_path())
    assert browser.sign_in(page, "somebody@anywhere.example", "x").has("sign-in-problem")


def test_people_made_for_logins_make_room_for_each_other() -> None:
    world = World()
    first = world.make_person("first@anywhere.example", without_keys=False)
    assert first is not None
    browser_session, cars = world.sign_in(first), list(first.access)
    for number in range(MOST_MADE_CARS // 50 + 5):
        world.make_person(f"50-vehicles@{number}.example", without_keys=False)
    assert world.account("first@anywhere.example") is None and world.account_by_sub(first.sub) is None
    assert browser_session not in world.sessions and not world.cars.keys() & set(cars)
    assert world.account("bernd@owners.example") is not None
    made = [account for account in world.accounts.values() if account.takes_any_password]
    assert sum(len(account.access) for account in made) <= MOST_MADE_CARS
    assert world.account(made[-1].email) is made[-1]


def test_signing_in_again_ends_the_browsers_earlier_session(
    tesla: SimulatorServer, browser: Browser, application: Application
) -> None:
    page = browser.get(application.authorize_path())
    browser.sign_in(page, "anna@owners.example")
    copy = Browser(tesla)
    copy.cookies = dict(browser.cookies)
    browser.sign_in(browser.get(application.authorize_path(prompt="login")), "bernd@owners.example")
    assert copy.cookies != browser.cookies
    assert copy.get(application.authorize_path()).has("username")


def test_pages_say_what_they_are_and_escape_what_they_are_given(
    tesla: SimulatorServer, browser: Browser, client: Client
) -> None:
    client.name = "<b>Bold</b>"
    page = browser.get(Application(tesla, client).authorize_path())
    assert "Simulated Tesla" in page.text
    assert "<b>Bold" not in page.text and "&lt;b&gt;Bold" in page.text
