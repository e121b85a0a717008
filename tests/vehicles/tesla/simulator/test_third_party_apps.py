"""The account page on which access is seen, changed and removed."""

from __future__ import annotations

import pytest

from tests.vehicles.tesla.simulator.visitors import Application, Browser, Control, Page, claims
from vehicles.tesla import paths, scopes
from vehicles.tesla.simulator.samples.scenarios import DIETERS_MODEL_3
from vehicles.tesla.simulator.server import SimulatorServer

ANNA = "anna@owners.example"


@pytest.fixture
def anna(application: Application) -> Application:
    return application.connect(ANNA, scopes.VEHICLE_DEVICE_DATA, scopes.VEHICLE_CMDS)


def sign_in(browser: Browser, path: str = paths.THIRD_PARTY_APPS, email: str = ANNA) -> Page:
    return browser.sign_in(browser.get(path), email)


def remove(browser: Browser, page: Page, application: Application) -> Page:
    assert page.has("remove-access-button")
    return browser.submit(page, {"client_id": application.client.client_id, "decision": "remove"})


def test_the_page_names_the_application_what_it_may_do_and_since_when(
    anna: Application, browser: Browser
) -> None:
    page = sign_in(browser)
    assert "Portal Example" in page.text and "Access since" in page.text
    assert scopes.LABELS[scopes.VEHICLE_CMDS] in page.text
    assert scopes.LABELS[scopes.VEHICLE_LOCATION] not in page.text


def test_removing_access_ends_the_tokens_and_makes_the_next_login_ask_again(
    anna: Application, browser: Browser
) -> None:
    page = remove(browser, sign_in(browser), anna)
    assert page.has("access-removed") and not page.has("remove-access-button")
    assert anna.call("GET", paths.VEHICLES).status == 401
    assert anna.refresh().json()["error"] == "login_required"
    assert browser.get(anna.authorize_path()).has("allow-button")


def test_tokens_from_before_the_removal_stay_dead_after_a_new_consent(
    anna: Application, browser: Browser
) -> None:
    before = [anna.tokens["refresh_token"]]
    anna.refresh()
    before.append(anna.tokens["refresh_token"])
    remove(browser, sign_in(browser), anna)
    anna.connect(ANNA)
    assert [anna.refresh(token).status for token in before] == [401, 401]
    assert anna.refresh().status == 200


def test_the_revocation_link_leads_there_and_changes_scopes_without_ending_the_tokens(
    anna: Application, browser: Browser
) -> None:
    path = f"{paths.REVOKE_CONSENT}?revoke_client_id={anna.client.client_id}&back_url=https://portal.example/done"
    page = sign_in(browser, path)
    assert page.boxes()[scopes.VEHICLE_CMDS] and not page.boxes()[scopes.VEHICLE_LOCATION]
    assert 'href="https://portal.example/done"' in page.text and page.location == ""
    changed = {"client_id": anna.client.client_id, "decision": "save", "scope": [scopes.VEHICLE_LOCATION]}
    assert browser.submit(page, changed).has("scopes-saved")
    assert anna.refresh().status == 200
    assert set(claims(anna.tokens["access_token"])["scp"]) == {*scopes.SIGN_IN, scopes.VEHICLE_LOCATION}


def test_a_way_back_that_is_no_web_address_is_not_shown(anna: Application, browser: Browser) -> None:
    page = sign_in(browser, f"{paths.REVOKE_CONSENT}?back_url=javascript:alert(1)")
    assert (
        not page.has("back-link")
        and "javascript" not in page.text.partition("<main>")[2].partition("href")[2]
    )


def test_one_persons_removal_leaves_others_alone(
    anna: Application, browser: Browser, tesla: SimulatorServer
) -> None:
    bernd = Application(tesla, anna.client).connect("bernd@owners.example")
    remove(browser, sign_in(browser), anna)
    assert bernd.call("GET", paths.VEHICLES).status == 200


@pytest.mark.parametrize("leaves", [False, True])
def test_the_key_stays_or_leaves_with_the_consent_as_tesla_was_told(
    application: Application, browser: Browser, control: Control, leaves: bool
) -> None:
    email = "dieter@owners.example"
    control("PATCH", "/provider", {"keys_leave_with_consent": leaves})
    application.connect(email)
    remove(browser, sign_in(browser, email=email), application)
    assert application.connect(email).paired(DIETERS_MODEL_3) == ([] if leaves else [DIETERS_MODEL_3])


def test_an_account_without_applications_says_so(browser: Browser) -> None:
    assert "No application has access" in sign_in(browser, email="bernd@owners.example").text
