"""Adding the key needs nobody near the car, but a phone that is a key of it and the account that consented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.browser import Browser
from tests.journeys.people import Consumer, Owner
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3

ANNA = "/accounts/anna@owners.example"


@pytest.fixture
def application(consumer: Callable[..., Consumer]) -> Consumer:
    return consumer()


@pytest.fixture
def anna(owner: Callable[[str], Owner], application: Consumer) -> Owner:
    """Stands at the key page of her Model 3."""
    anna = owner("anna")
    anna.to_permissions(application).press("approval-button")
    return anna


def _tried(anna: Owner) -> tuple[str, Browser]:
    """Her key page's address, and how the Tesla app answered."""
    address = anna.browser.address
    return address, anna.add_key(anna.browser.page.links["pairing-link"])


def test_a_car_far_away_and_asleep_takes_the_key(anna: Owner, control: Any, later: Any) -> None:
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", {"state": "asleep"})
    page, app = _tried(anna)
    assert app.has("pairing-done")
    with later(seconds=5):
        assert "The key is on the car." in anna.browser.open(page).text


@pytest.mark.parametrize(
    ("wrong", "refusal", "told"),
    [
        ({"phone_key_vins": []}, "no_phone_key", "The phone is not a key of this car"),
        (
            {"app_account": "clara@owners.example"},
            "other_account_in_app",
            "The Tesla app is signed in as somebody else",
        ),
    ],
    ids=["phone is no key", "app signed in as somebody else"],
)
def test_where_the_phone_does_not_fit_the_page_says_so_after_a_minute_and_goes_on_once_it_does(
    anna: Owner, control: Any, later: Any, wrong: dict[str, Any], refusal: str, told: str
) -> None:
    before = control("GET", ANNA)
    control("PATCH", ANNA, wrong)
    page, app = _tried(anna)
    assert f'data-reason="{refusal}"' in app.text
    assert told not in anna.browser.open(page).text
    with later(seconds=61):
        assert told in anna.browser.open(page).text
        control("PATCH", ANNA, {name: before[name] for name in wrong})
        assert _tried(anna)[1].has("pairing-done")
    with later(seconds=70):
        assert not anna.browser.open(page).page.buttons["continue-button"].is_disabled


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"state": "offline"}, "The car has no connection"),
        ({"key_slots_used": 20}, "The car holds 20 keys already"),
    ],
    ids=["offline", "keys full"],
)
def test_what_we_know_of_the_car_is_told_as_the_reason(
    anna: Owner, control: Any, later: Any, state: dict[str, Any], told: str
) -> None:
    control("PATCH", f"/vehicles/{ANNAS_MODEL_3}", state)
    page, app = _tried(anna)
    assert app.has("pairing-refused")
    with later(seconds=61):
        shown = anna.browser.open(page).text
    assert told in shown and "The Tesla app is signed in as somebody else" not in shown
