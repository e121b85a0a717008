"""The pairing page: who can add the operator's key, and every refusal with its way out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vehicles.tesla.simulator.conftest import operators_pem
from tests.vehicles.tesla.simulator.public_key_host import PublicKeyHost
from tests.vehicles.tesla.simulator.visitors import Application, Browser, Control, Page
from vehicles.tesla import scopes
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.samples.scenarios import (
    ANNAS_MODEL_3,
    ANNAS_MODEL_Y,
    BERNDS_MODEL_S,
    DIETERS_MODEL_3,
)

ANNA, BERND, CLARA = "anna@owners.example", "bernd@owners.example", "clara@owners.example"
LINK = "/_ak/keys.portal.example"


def visit(browser: Browser, email: str = ANNA, vin: str = ANNAS_MODEL_3, link: str = LINK) -> Page:
    return browser.sign_in(browser.get(link, vin=vin), email)


def approve(browser: Browser, page: Page) -> Page:
    assert page.has("approve-key-button"), page.text
    return browser.submit(page, {"decision": "approve"})


@pytest.fixture
def anna(application: Application) -> Application:
    return application.connect(ANNA)


def test_an_owner_adds_the_key_to_one_car_and_not_to_the_other(anna: Application, browser: Browser) -> None:
    page = visit(browser)
    assert ANNAS_MODEL_3 in page.text and "keys.portal.example" in page.text
    assert anna.paired(ANNAS_MODEL_3) == []
    assert approve(browser, page).has("pairing-done")
    assert anna.paired(ANNAS_MODEL_3, ANNAS_MODEL_Y) == [ANNAS_MODEL_3]


def test_the_key_is_there_for_the_driver_too(
    anna: Application, browser: Browser, application: Application
) -> None:
    approve(browser, visit(browser))
    assert application.connect(CLARA).paired(ANNAS_MODEL_3) == [ANNAS_MODEL_3]


def test_pairing_counts_as_one_more_key(anna: Application, browser: Browser, control: Control) -> None:
    before = control("GET", f"/vehicles/{ANNAS_MODEL_3}")
    approve(browser, visit(browser))
    after = control("GET", f"/vehicles/{ANNAS_MODEL_3}")
    assert (before["keys"], after["keys"]) == ([], [operators_pem()])
    assert after["key_slots_used"] == before["key_slots_used"] + 1


def test_without_a_vin_the_accounts_cars_are_offered(anna: Application, browser: Browser) -> None:
    page = browser.sign_in(browser.get(LINK), ANNA)
    assert f"?vin={ANNAS_MODEL_3}" in page.text and f"?vin={ANNAS_MODEL_Y}" in page.text


def test_a_car_that_has_the_key_says_so(application: Application, browser: Browser) -> None:
    application.connect("dieter@owners.example")
    assert visit(browser, "dieter@owners.example", DIETERS_MODEL_3).has("pairing-done")


REFUSALS = {
    "no_phone_key": {"phone_key_vins": [ANNAS_MODEL_Y]},
    "other_account_in_app": {"app_account": BERND},
    "no_consent": {"consents": {}},
}


@pytest.mark.parametrize(("reason", "change"), REFUSALS.items())
def test_a_phone_or_account_that_does_not_fit_is_refused(
    anna: Application, browser: Browser, control: Control, reason: str, change: dict[str, object]
) -> None:
    control("PATCH", f"/accounts/{ANNA}", change)
    page = visit(browser)
    assert page.refusal == reason and page.has("next-step")


def test_the_wrong_account_in_the_app_hears_teslas_words(
    anna: Application, browser: Browser, control: Control
) -> None:
    control("PATCH", f"/accounts/{ANNA}", {"app_account": BERND})
    assert "has not granted third-party app access" in visit(browser).text


def test_a_consent_without_any_vehicle_scope_is_not_enough(
    application: Application, browser: Browser
) -> None:
    application.connect(ANNA, scopes.USER_DATA)
    assert visit(browser).refusal == "no_consent"


def test_a_driver_cannot_share_the_vehicle(
    application: Application, browser: Browser, control: Control
) -> None:
    application.connect(CLARA)
    page = visit(browser, CLARA)
    assert page.refusal == "driver" and "Unable to share vehicle" in page.text
    control("PATCH", "/provider", {"drivers_may_pair": True})
    assert browser.get(LINK, vin=ANNAS_MODEL_3).has("approve-key-button")


def test_a_full_car_takes_no_more_keys_even_after_the_page_was_shown(
    anna: Application, browser: Browser, control: Control
) -> None:
    page = visit(browser)
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"key_slots_used": 20})
    assert approve(browser, page).refusal == "keychain_full"
    assert anna.paired(ANNAS_MODEL_3) == []


def test_an_offline_car_cannot_be_paired_and_a_sleeping_one_wakes(
    anna: Application, browser: Browser, control: Control
) -> None:
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"state": "offline"})
    assert visit(browser).refusal == "vehicle_offline"
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"state": "asleep"})
    assert approve(browser, browser.get(LINK, vin=ANNAS_MODEL_3)).has("pairing-done")


def test_an_old_model_s_needs_no_key(application: Application, browser: Browser) -> None:
    application.connect(BERND)
    assert visit(browser, BERND, BERNDS_MODEL_S).refusal == "no_key_needed"


def test_somebody_elses_car_and_an_unknown_domain_are_refused(anna: Application, browser: Browser) -> None:
    assert visit(browser, vin=BERNDS_MODEL_S).refusal == "vehicle_not_found"
    page = browser.get("/_ak/unknown.example", vin=ANNAS_MODEL_3)
    assert page.refusal == "application_not_registered"


def test_an_application_not_registered_in_the_accounts_region_is_refused(
    anna: Application, browser: Browser, control: Control
) -> None:
    control("PATCH", "/provider", {"registered_regions": ["na"]})
    assert visit(browser).refusal == "application_not_registered"


@pytest.fixture
def key_host(client: Client) -> Iterator[PublicKeyHost]:
    """The operator's domain, where the key is looked up instead of being known."""
    with PublicKeyHost(operators_pem()) as host:
        client.public_key_url, client.public_key_pem = host.url, None
        yield host


def test_the_key_is_fetched_from_its_domain_at_every_pairing(
    key_host: PublicKeyHost, anna: Application, browser: Browser, control: Control
) -> None:
    assert approve(browser, visit(browser)).has("pairing-done")
    asked = key_host.times_asked
    key_host.answer = 404, ""
    assert browser.get(LINK, vin=ANNAS_MODEL_Y).refusal == "key_unreachable"
    assert key_host.times_asked == asked + 1
    key_host.answer = 200, operators_pem(5)
    approve(browser, browser.get(LINK, vin=ANNAS_MODEL_Y))
    assert control("GET", f"/vehicles/{ANNAS_MODEL_Y}")["keys"] == [operators_pem(5)]


def test_a_new_key_on_the_domain_takes_the_place_of_the_old_one_on_no_car(
    key_host: PublicKeyHost, anna: Application, browser: Browser
) -> None:
    approve(browser, visit(browser))
    key_host.answer = 200, operators_pem(5)
    approve(browser, browser.get(LINK, vin=ANNAS_MODEL_Y))
    assert anna.paired(ANNAS_MODEL_3, ANNAS_MODEL_Y) == [ANNAS_MODEL_Y]


@pytest.mark.parametrize("answer", [(200, "not a key"), (302, ""), (500, operators_pem())])
def test_what_is_no_key_is_as_good_as_unreachable(
    key_host: PublicKeyHost, anna: Application, browser: Browser, answer: tuple[int, str]
) -> None:
    key_host.answer = answer
    assert visit(browser).refusal == "key_unreachable"


def test_a_domain_where_nobody_listens_is_unreachable(
    client: Client, anna: Application, browser: Browser
) -> None:
    with PublicKeyHost("") as host:
        client.public_key_url = host.url
    assert visit(browser).refusal == "key_unreachable"
