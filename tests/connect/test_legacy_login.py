"""An application that still uses Tesla's legacy API: the person carries the callback address over by hand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.utils import timezone

from connect.models import ConnectSession, Step
from connect.run.legacy_login import LONGEST
from tests.connect.conftest import Journey, answer_of, ticked
from tests.factories import EVERY_SCOPE, ApplicationFactory
from vehicles import access, errors
from vehicles.evidence import incidents
from vehicles.models import Application, Event, IncidentKind, TeslaAccount, TeslaToken, Vehicle, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import EMMAS_MODEL_3, EMMAS_MODEL_S
from vehicles.tesla.simulator.server import SimulatorServer

EMMA = "emma@owners.example"


@pytest.fixture
def application(db: None) -> Application:
    return ApplicationFactory(name="Mileage book", integration="legacy")


class LegacyJourney(Journey):
    """The same person, in front of the page that asks for the address."""

    def to_login_page(self, **changes: Any) -> str:
        """Up to the page that asks for the callback address; returns the address of Tesla's login on it."""
        self.authorize(**changes)
        self.post("begin")
        self.post("sign-in")
        shown = self.look()
        assert 'id="callback-address"' in shown, shown
        return shown.partition('id="tesla-login-link" href="')[2].partition('"')[0].replace("&amp;", "&")

    def sign_in_there(self, login_page: str, email: str = EMMA) -> str:
        """Sign in at Tesla; returns the address at which it ends."""
        return self.tesla.open(self.tesla.log_in(login_page, email))

    def bring(self, address: str) -> HttpResponse:
        return self.post("callback-address", callback_address=address)

    def approve_and_skip_keys(self) -> HttpResponse:
        answer = self.approve()
        while self.run.step == Step.KEYS:
            answer = self.post("skip-key", vehicle=self.run.key_queue[len(self.run.skipped_keys)])
        return answer


@pytest.fixture
def journey(application: Application, simulator: SimulatorServer) -> LegacyJourney:
    return LegacyJourney(application)


@pytest.mark.parametrize("mode", ["live", "simulated"])
def test_the_address_is_carried_over_and_the_application_gets_its_code(
    journey: LegacyJourney, mode: str
) -> None:
    address = journey.sign_in_there(journey.to_login_page(mode=mode))
    assert address.startswith("tesla://auth/callback?")
    assert journey.bring(address).headers["Location"] == journey.page
    back = journey.approve()
    answer = answer_of(back)
    assert answer["code"] and answer["state"] == "a state" and "virtual_key_url" not in answer
    grants = VehicleGrant.objects.all()
    assert {(grant.integration, grant.mode, tuple(grant.approved)) for grant in grants} == {
        ("legacy", mode, ("read_vehicle_info", "read_odometer", "control_security"))
    }
    assert {grant.connection.vehicle.vin for grant in grants} == {EMMAS_MODEL_S, EMMAS_MODEL_3}


def test_what_the_legacy_api_cannot_tell_of_keys_the_vin_tells_where_it_can(journey: LegacyJourney) -> None:
    journey.bring(journey.sign_in_there(journey.to_login_page()))
    journey.approve()
    assert dict(Vehicle.objects.values_list("vin", "key")) == {
        EMMAS_MODEL_S: "not_required",
        EMMAS_MODEL_3: "unknown",
    }
    assert Vehicle.objects.get(vin=EMMAS_MODEL_3).key_reason == "legacy_only"


def test_the_login_asks_as_teslas_own_app_does(journey: LegacyJourney) -> None:
    query = parse_qs(urlsplit(journey.to_login_page()).query)
    assert query["client_id"] == ["ownerapi"] and query["redirect_uri"] == ["tesla://auth/callback"]
    assert query["scope"] == ["openid email offline_access"] and query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43


def test_the_page_may_be_reloaded_while_the_person_is_at_tesla(journey: LegacyJourney) -> None:
    login_page = journey.to_login_page()
    address = journey.sign_in_there(login_page)
    assert login_page.replace("&", "&amp;") in journey.look()
    assert journey.bring(address).status_code == 302


def test_an_address_is_found_in_the_line_of_a_browsers_console(journey: LegacyJourney) -> None:
    address = journey.sign_in_there(journey.to_login_page())
    line = f"Failed to launch '{address}' because the scheme does not have a registered handler."
    assert journey.bring(line).status_code == 302
    assert journey.run.account is not None


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("", "no address"),
        ("I did it", "no address"),
        ("https://auth.tesla.com/oauth2/v3/authorize?client_id=ownerapi", "another address"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "That is a token"),
        ("EU_0123456789abcdef", "That is a token"),
        ("qts-0123456789abcdef", "That is a token"),
        ("tesla://auth/callback", "missing"),
        ("tesla://auth/callback?code=EU_123", "missing"),
        ("tesla://auth/callback?code=EU_123&state=foreign", "another sign-in"),
        ("tesla://auth/callback?code=EU_123&state=%00%FF", "another sign-in"),
        ("x" * (LONGEST + 10), "no address"),
    ],
)
def test_anything_else_is_refused_with_what_to_do_and_never_repeated(
    journey: LegacyJourney, pasted: str, told: str
) -> None:
    address = journey.sign_in_there(journey.to_login_page())
    answer = journey.bring(pasted)
    shown = answer.content.decode()
    assert (answer.status_code, told in shown) == (422, True), shown
    assert "EU_" not in shown and "eyJ" not in shown and "qts-" not in shown
    assert not TeslaToken.objects.exists()
    assert journey.bring(address).status_code == 302, "a slip uses nothing up"


def test_an_address_counts_once(journey: LegacyJourney) -> None:
    address = journey.sign_in_there(journey.to_login_page())
    journey.bring(address)
    journey.post("sign-in")
    assert journey.bring(address).status_code == 422


def test_the_address_of_an_earlier_attempt_is_no_longer_taken(journey: LegacyJourney) -> None:
    first = journey.sign_in_there(journey.to_login_page())
    journey.post("sign-in")
    assert "another sign-in" in journey.bring(first).content.decode()


def test_an_address_is_worth_nothing_in_another_browser(
    journey: LegacyJourney, application: Application, simulator: SimulatorServer
) -> None:
    address = journey.sign_in_there(journey.to_login_page())
    thief = LegacyJourney(application)
    thief.to_login_page()
    assert thief.bring(address).status_code == 422
    thief.page = journey.page
    assert thief.bring(address).status_code == 403
    assert not TeslaAccount.objects.exists()
    assert journey.bring(address).status_code == 302


def test_a_code_that_tesla_does_not_take_leads_to_tesla_again(
    journey: LegacyJourney, simulator: SimulatorServer
) -> None:
    address = journey.sign_in_there(journey.to_login_page())
    simulator.world.clock.advance(3600)
    shown = journey.bring(address).content.decode()
    assert "Tesla did not accept the sign-in" in shown and 'id="retry-button"' in shown


def test_nothing_of_what_was_pasted_is_kept_or_logged(
    journey: LegacyJourney, caplog: pytest.LogCaptureFixture
) -> None:
    address = journey.sign_in_there(journey.to_login_page())
    code = parse_qs(urlsplit(address).query)["code"][0]
    with caplog.at_level(logging.DEBUG):
        journey.bring(address)
    rows = [*ConnectSession.objects.values(), *Event.objects.values(), *TeslaAccount.objects.values()]
    assert code not in str(rows) and code not in caplog.text and code not in journey.look()


def integrations() -> set[str]:
    return set(VehicleGrant.objects.values_list("integration", flat=True))


def closes(settings: Any) -> None:
    incidents.begin(IncidentKind.LEGACY_CLOSED, "live", timezone.now())


def is_switched_off(settings: Any) -> None:
    settings.LEGACY_OWNER_API = False


@pytest.mark.parametrize("ends", [closes, is_switched_off])
def test_where_it_cannot_be_used_people_connect_through_the_current_interface_at_once(
    journey: LegacyJourney, settings: Any, ends: Callable[[Any], None]
) -> None:
    ends(settings)
    journey.authorize()
    journey.sign_in(EMMA)
    assert "code" in answer_of(journey.approve_and_skip_keys())
    assert integrations() == {"fleet"}


def test_switched_off_meanwhile_it_is_refused_with_the_way_on(journey: LegacyJourney, settings: Any) -> None:
    journey.authorize()
    is_switched_off(settings)
    journey.post("begin")
    journey.first_page = ""
    shown = journey.look()
    assert "older interface is not offered here" in shown and "tesla-login-link" not in shown
    assert "not offered" in journey.post("sign-in").content.decode()
    journey.post("current-interface")
    journey.sign_in(EMMA)
    journey.approve()
    assert integrations() == {"fleet"}


def test_once_tesla_closed_it_a_run_that_had_begun_goes_on_through_the_current_interface(
    journey: LegacyJourney, settings: Any
) -> None:
    journey.bring(journey.sign_in_there(journey.to_login_page()))
    form = ticked(journey.look())
    closes(settings)
    assert "Tesla has closed its older interface" in journey.post("approve", **form).content.decode()
    assert not VehicleGrant.objects.exists()
    assert "Tesla has closed its older interface" in journey.look()
    journey.post("current-interface")
    journey.sign_in(EMMA)
    journey.approve()
    assert integrations() == {"fleet"}


@pytest.fixture
def moved(journey: LegacyJourney) -> LegacyJourney:
    """Emma connected over the legacy API and moved with few boxes ticked; the application was not told."""
    journey.bring(journey.sign_in_there(journey.to_login_page()))
    journey.approve()
    query = {
        "response_type": "vehicle_id",
        "client_id": journey.application.client_id,
        "make": "TESLA",
        "scope": "read_odometer",
    }
    journey.open(f"/oauth/reauthenticate?{urlencode(query)}")
    address = journey.post("begin").headers["Location"]
    journey.return_from_tesla(journey.tesla.connect(address, EMMA, ["vehicle_device_data"]))
    journey.post("approve")
    assert integrations() == {"fleet"}
    return journey


def test_whose_cars_have_moved_finishes_at_the_current_interface(moved: LegacyJourney) -> None:
    moved.authorize()
    moved.bring(moved.sign_in_there(moved.to_login_page(state="later")))
    assert "Your cars use Tesla&#x27;s current interface already" in moved.look()
    moved.post("current-interface")
    assert "vehicle_cmds" in unquote(moved.to_tesla())
    address = moved.tesla.allow(moved.post("sign-in").headers["Location"], EVERY_SCOPE)
    moved.return_from_tesla(address)
    assert answer_of(moved.approve_and_skip_keys())["state"] == "later"
    assert all("control_security" in grant.approved for grant in VehicleGrant.objects.all())


def test_links_to_what_has_moved_lead_to_the_current_interface(moved: LegacyJourney) -> None:
    grant = VehicleGrant.objects.select_related("connection__application", "account__person").first()
    assert grant
    diagnosed = [access.url_for(link, grant) for link in ("connect", "reauthenticate", "reconnect_fleet")]
    refused = access.refuse(grant, errors.PERMISSION).resolution_url or ""
    for link in (*diagnosed, refused):
        moved.open(link.removeprefix(django_settings.PUBLIC_URL))
        moved.post("begin")
        assert moved.run.integration == "fleet", link


def test_nobody_else_is_led_there_by_it(moved: LegacyJourney) -> None:
    moved.authorize()
    moved.post("begin")
    assert moved.run.integration == "legacy"
    assert "continue-button" in moved.authorize(integration="legacy").content.decode()
    assert moved.authorize(integration="teleport").status_code == 400


def test_the_current_interface_is_not_a_choice_while_the_legacy_one_is_served(journey: LegacyJourney) -> None:
    journey.authorize()
    journey.post("current-interface")
    assert journey.run.integration == "legacy"


def test_the_sdks_own_test_flow_needs_no_address(journey: LegacyJourney, simulator: SimulatorServer) -> None:
    journey.authorize(mode="test")
    journey.post("begin")
    assert journey.run.integration == "fleet"


def reauthenticate(journey: LegacyJourney) -> str:
    """Begin to sign in again for one car; returns the application's id of it."""
    grant = VehicleGrant.objects.first()
    assert grant
    vehicle_id = str(grant.connection.public_id)
    query = {
        "response_type": "vehicle_id",
        "client_id": journey.application.client_id,
        "vehicle_id": vehicle_id,
    }
    journey.open(f"/oauth/reauthenticate?{urlencode(query)}")
    return vehicle_id


def test_signing_in_again_once_it_is_off_moves_the_car_and_its_ids_stay(
    journey: LegacyJourney, settings: Any
) -> None:
    journey.bring(journey.sign_in_there(journey.to_login_page()))
    journey.approve()
    settings.LEGACY_OWNER_API = False
    vehicle_id = reauthenticate(journey)
    journey.post("begin")
    back = journey.return_from_tesla(journey.tesla.connect(journey.post("sign-in").headers["Location"], EMMA))
    assert answer_of(back) == {"vehicle_id": vehicle_id}
    assert integrations() == {"fleet"}


def test_signing_in_again_for_a_legacy_car_goes_the_legacy_way(journey: LegacyJourney) -> None:
    journey.bring(journey.sign_in_there(journey.to_login_page()))
    journey.approve()
    account = TeslaAccount.objects.get()
    account.legacy_login_lost_at = account.created_at
    account.save()
    vehicle_id = reauthenticate(journey)
    journey.post("begin")
    login_page = (
        journey.look().partition('id="tesla-login-link" href="')[2].partition('"')[0].replace("&amp;", "&")
    )
    back = journey.bring(journey.sign_in_there(login_page))
    assert answer_of(back) == {"vehicle_id": vehicle_id}
    account.refresh_from_db()
    assert account.legacy_login_lost_at is None
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"legacy"}
