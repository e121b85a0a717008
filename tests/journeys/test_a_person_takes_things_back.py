"""A person signs in at Tesla again, sees who may do what with which car, takes it away, and deletes their data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connect.models import ConnectSession
from tests.journeys.people import Consumer, Owner
from vehicles.models import (
    Application,
    Event,
    TeslaAccount,
    TeslaToken,
    User,
    Vehicle,
    VehicleGrant,
)
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, ANNAS_MODEL_Y

NOT_ALLOWED = "PERMISSION:null"


@pytest.fixture
def anna(owner: Callable[[str], Owner]) -> Owner:
    return owner("anna")


@pytest.fixture
def charging(consumer: Callable[..., Consumer], anna: Owner) -> Consumer:
    """Anna gave it both cars."""
    application = consumer(name="Charging")
    anna.connect(application)
    return application


@pytest.fixture
def rental(consumer: Callable[..., Consumer], anna: Owner, charging: Consumer) -> Consumer:
    """Anna gave it both cars as well."""
    application = consumer(name="Rental")
    anna.connect(application)
    return application


def at_own_page(person: Owner, portal_url: str) -> Owner:
    person.browser.open(f"{portal_url}/connect/account").press("continue-button")
    person.at_tesla()
    return person


def button_for(application: str, vin: str) -> str:
    """The value of the button that takes this car away from this application."""
    granted = {"connection__application__name": application, "connection__vehicle__vin": vin}
    return str(VehicleGrant.objects.get(**granted).pk)


def take_away(person: Owner, application: str, vin: str) -> None:
    person.browser.post("/connect/account/take-away", grant=button_for(application, vin))
    person.browser.press("confirm-button")


def test_the_page_names_applications_cars_and_permissions(
    anna: Owner, rental: Consumer, portal_url: str
) -> None:
    rental.get(ANNAS_MODEL_3, "odometer")
    text = at_own_page(anna, portal_url).browser.text
    assert text.count("Lock and unlock the car") == 4
    for words in ("Charging", "Rental", "last used", ANNAS_MODEL_Y[-4:]):
        assert words in text
    assert ANNAS_MODEL_3 not in text


def test_what_is_taken_away_ends_for_that_application_and_car_only(
    anna: Owner, charging: Consumer, rental: Consumer, portal_url: str
) -> None:
    at_own_page(anna, portal_url)
    take_away(anna, "Charging", ANNAS_MODEL_3)
    assert charging.get(ANNAS_MODEL_3, "odometer").error == NOT_ALLOWED
    assert charging.get(ANNAS_MODEL_Y, "odometer").status == 200
    assert rental.get(ANNAS_MODEL_3, "odometer").status == 200
    told = Event.objects.get(kind="grant:revoked")
    assert told.application_id == Application.objects.get(name="Charging").pk
    assert told.actor.startswith("person:")


def test_the_effect_is_told_before_anything_ends(anna: Owner, charging: Consumer, portal_url: str) -> None:
    at_own_page(anna, portal_url)
    anna.browser.post("/connect/account/take-away", grant=button_for("Charging", ANNAS_MODEL_3))
    assert "Charging can no longer see or use" in anna.browser.text
    assert charging.get(ANNAS_MODEL_3, "odometer").status == 200


def test_looking_costs_no_login_and_changes_no_consent(
    anna: Owner, charging: Consumer, portal_url: str
) -> None:
    before = list(TeslaToken.objects.values())
    at_own_page(anna, portal_url)
    assert list(TeslaToken.objects.values()) == before
    assert charging.get(ANNAS_MODEL_3, "odometer").status == 200


def test_nobody_takes_away_what_belongs_to_somebody_else(
    anna: Owner, owner: Callable[[str], Owner], charging: Consumer, consumer: Any, portal_url: str
) -> None:
    dieter = owner("dieter")
    dieter.connect(consumer(name="Other"))
    at_own_page(dieter, portal_url)
    dieter.browser.post(
        "/connect/account/take-away", grant=button_for("Charging", ANNAS_MODEL_3), confirmed="true"
    )
    assert charging.get(ANNAS_MODEL_3, "odometer").status == 200


def test_who_never_connected_anything_is_told_so(
    owner: Callable[[str], Owner], charging: Consumer, portal_url: str
) -> None:
    bernd = at_own_page(owner("bernd"), portal_url)
    assert "Nothing is connected with this Tesla account" in bernd.browser.text
    assert TeslaAccount.objects.count() == 1


def test_after_signing_out_and_after_half_an_hour_the_page_asks_for_the_login_again(
    anna: Owner, charging: Consumer, portal_url: str, later: Any
) -> None:
    at_own_page(anna, portal_url)
    with later(minutes=31):
        assert anna.browser.open("/connect/account").has("continue-button")
    assert anna.browser.open("/connect/account").has("sign-out-button")
    anna.browser.press("sign-out-button")
    assert anna.browser.has("continue-button")


def test_another_browser_cannot_bring_the_login_home(
    anna: Owner, owner: Callable[[str], Owner], charging: Consumer, portal_url: str
) -> None:
    anna.browser.open(f"{portal_url}/connect/account").press("continue-button")
    stranger = owner("anna")
    stranger.browser.open(anna.browser.address)
    stranger.at_tesla()
    assert stranger.browser.status == 403
    assert stranger.browser.open(f"{portal_url}/connect/account").has("continue-button")


def test_deleting_leaves_nothing_that_names_the_person_and_history_whole(
    anna: Owner, charging: Consumer, portal_url: str
) -> None:
    anna.browser.open(
        charging.authorize_url(single_select="true", single_select_vin=ANNAS_MODEL_3, user="anna.m")
    )
    anna.browser.press("continue-button")
    anna.at_tesla()
    ConnectSession.objects.filter(external_user="anna.m").get()
    events = Event.objects.count()
    at_own_page(anna, portal_url)
    anna.browser.press("delete-button")
    assert "Charging can no longer see or use your cars" in anna.browser.text
    assert TeslaAccount.objects.exists()
    anna.browser.press("confirm-button")
    assert anna.browser.has("deleted")
    for model in (TeslaAccount, TeslaToken, Vehicle, VehicleGrant):
        assert not model._default_manager.exists()
    assert not User.objects.filter(is_person=True).exists()
    assert set(ConnectSession.objects.values_list("external_user", "single_select_vin", "state")) == {
        ("", "", "")
    }
    # The token itself is known to be gone within five seconds; it reaches nothing at once.
    assert not charging.call("GET", "/v2.0/vehicles").body.get("vehicles")
    assert charging.call("GET", "/v2.0/user").status == 401
    assert Event.objects.count() == events + 3
    assert Event.objects.filter(kind="account:erased").count() == 1


def test_a_car_that_somebody_else_connected_stays_theirs(
    anna: Owner, owner: Callable[[str], Owner], charging: Consumer, consumer: Any, portal_url: str
) -> None:
    fleet = consumer(name="Fleet")
    owner("clara").connect(fleet)
    at_own_page(anna, portal_url)
    anna.browser.press("delete-button").press("confirm-button")
    assert list(Vehicle.objects.values_list("vin", flat=True)) == [ANNAS_MODEL_3]
    assert fleet.get(ANNAS_MODEL_3, "odometer").status == 200
