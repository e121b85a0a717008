"""A driver connected the car; its owner adds the key behind a link, by which no application gains anything."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import Grant

from connect import tasks
from connect.links import owner_link
from connect.models import ConnectSession, OwnerVisit
from tests.conftest import SignIn
from tests.connect.conftest import AtTesla, Journey, answer_of, query_of
from tests.factories import VehicleFactory, VehicleGrantFactory
from vehicles import facts, grants
from vehicles.models import (
    ApplicationUser,
    Connection,
    Event,
    TeslaAccount,
    TeslaToken,
    User,
    Vehicle,
    VehicleAccess,
    VehicleGrant,
)
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer

KEY_ALONE = ["vehicle_device_data"]


class AtTheLink:
    """Somebody who opened the link in a browser of their own, with a window at Tesla beside it."""

    def __init__(self, address: str, client: Client | None = None) -> None:
        self.address = address
        self.client = client or Client()
        self.tesla = AtTesla()

    def look(self) -> str:
        return self.client.get(self.address).content.decode()

    def to_tesla(self, **form: str) -> str:
        return self.client.post(f"{self.address}/sign-in", form).headers["Location"]

    def return_from_tesla(self, address: str) -> HttpResponse:
        parts = urlsplit(address)
        return self.client.get(f"{parts.path}?{parts.query}")

    def sign_in(self, email: str, scopes: list[str] = KEY_ALONE) -> HttpResponse:
        return self.return_from_tesla(self.tesla.connect(self.to_tesla(), email, scopes))

    def state(self) -> Any:
        return self.client.get(f"{self.address}/state").json()


@pytest.fixture
def driver(journey: Journey, clara: ScenarioPerson) -> Journey:
    """Clara, who drives Anna's car, stands at its key page."""
    journey.authorize()
    journey.sign_in(clara.email)
    journey.approve()
    return journey


@pytest.fixture
def owner(driver: Journey) -> AtTheLink:
    return AtTheLink(_found(r'id="owner-link" href="([^"]+)"', driver.look()))


def _found(pattern: str, page: str) -> str:
    found = re.search(pattern, page)
    assert found is not None
    return unescape(found.group(1))


def _let_observations_age() -> None:
    Vehicle.objects.update(key_observed_at=timezone.now() - timedelta(minutes=1))


def _nothing_was_given_but_the_drivers_grant(clara: ScenarioPerson) -> bool:
    given = VehicleGrant.objects.get()
    return bool(
        given.account.sub == clara.sub
        and Connection.objects.count() == 1
        and ApplicationUser.objects.count() == 1
        and not Grant.objects.exists()
    )


@pytest.mark.parametrize(("requested", "is_named"), [(["read_vin"], True), (["read_battery"], False)])
def test_the_link_names_the_car_to_nobody_who_may_not_know_it(
    db: None, requested: list[str], is_named: bool
) -> None:
    """An application holds the link as well: it is in the error that its driver's command gets."""
    grant = VehicleGrantFactory(
        vehicle=VehicleFactory(display_name="Kombi"), requested=requested, access="DRIVER"
    )
    page = AtTheLink(urlsplit(owner_link.address(grant, timezone.now())).path).look()
    assert "Sign in at Tesla" in page
    assert ("Kombi" in page, grant.connection.vehicle.vin_ending in page) == (is_named, is_named)


def test_the_owner_signs_in_and_adds_the_key_and_the_drivers_page_goes_on(
    driver: Journey, owner: AtTheLink, anna: ScenarioPerson, clara: ScenarioPerson
) -> None:
    assert "Sign in at Tesla" in owner.look() and "pairing-link" not in owner.look()
    assert owner.sign_in(anna.email).headers["Location"] == urlsplit(owner.address).path
    page = owner.look()
    assert "signed in with the account you just used" in page and "Kombi" in page and "Yeti" not in page

    owner.tesla.approve_key(_found(r'id="pairing-link" href="([^"]+)"', page), anna.email)
    _let_observations_age()

    assert owner.state()["done"] is True
    assert "Thank you, that was all" in owner.look()
    assert "disabled" not in _found(r'(<button id="continue-button"[^>]*>)', driver.look())
    assert _nothing_was_given_but_the_drivers_grant(clara)


def test_no_application_gains_anything_from_the_owner(
    owner: AtTheLink, anna: ScenarioPerson, clara: ScenarioPerson
) -> None:
    owner.sign_in(anna.email)

    assert _nothing_was_given_but_the_drivers_grant(clara)
    account = TeslaAccount.objects.get(sub=anna.sub)
    assert account.granted_scopes == ["offline_access", "openid", "vehicle_device_data"]
    assert Event.objects.get(kind="connect:owner_signed_in").account_id == account.pk


def test_tesla_is_asked_for_no_more_than_adding_a_key_needs(owner: AtTheLink) -> None:
    asked = query_of(owner.to_tesla())

    assert set(asked["scope"][0].split()) == {"openid", "offline_access", "vehicle_device_data"}


def test_someone_who_does_not_own_the_car_is_told_so_and_may_try_another_account(
    owner: AtTheLink, clara: ScenarioPerson, bernd: ScenarioPerson, anna: ScenarioPerson
) -> None:
    for other in (clara, bernd):
        owner.tesla = AtTesla()
        answer = owner.sign_in(other.email).content.decode()
        assert "This Tesla account does not own the car" in answer
        assert 'name="another"' in answer and "pairing-link" not in answer
        assert "pairing-link" not in owner.look()
    assert query_of(owner.to_tesla(another="true"))["prompt"] == ["login"]

    owner.tesla = AtTesla()
    owner.sign_in(anna.email)
    assert "pairing-link" in owner.look()
    assert _nothing_was_given_but_the_drivers_grant(clara)


def test_somebody_who_sold_the_car_since_is_told_so(owner: AtTheLink, anna: ScenarioPerson) -> None:
    owner.sign_in(anna.email)
    VehicleAccess.objects.filter(account__sub=anna.sub).update(missing_since=timezone.now())

    page = owner.look()

    assert "This Tesla account does not own the car" in page and 'name="another"' in page
    assert "pairing-link" not in page


def test_in_the_drivers_own_browser_tesla_asks_who_signs_in(driver: Journey, owner: AtTheLink) -> None:
    together = AtTheLink(owner.address, driver.client)

    assert query_of(together.to_tesla())["prompt"] == ["login"]


def test_an_owner_who_ticks_nothing_is_told_which_box_is_missing(
    owner: AtTheLink, anna: ScenarioPerson
) -> None:
    answer = owner.sign_in(anna.email, []).content.decode()

    assert "A box is missing at Tesla" in answer and "Vehicle Information" in answer


def test_an_owner_who_declines_at_tesla_stays_on_the_page(owner: AtTheLink, anna: ScenarioPerson) -> None:
    tesla = owner.to_tesla()
    answer = owner.return_from_tesla(owner.tesla.deny(owner.tesla.log_in(tesla, anna.email)))

    assert "You did not allow access at Tesla" in answer.content.decode()
    assert f'action="{urlsplit(owner.address).path}/sign-in"' in answer.content.decode()


def test_the_key_page_stays_in_the_browser_where_the_owner_signed_in(
    owner: AtTheLink, anna: ScenarioPerson
) -> None:
    owner.sign_in(anna.email)
    elsewhere = AtTheLink(owner.address)

    assert "pairing-link" not in elsewhere.look()
    assert elsewhere.client.get(f"{owner.address}/state").status_code == 404


def test_a_callback_in_another_browser_or_repeated_signs_nobody_in(
    owner: AtTheLink, anna: ScenarioPerson
) -> None:
    back = owner.tesla.connect(owner.to_tesla(), anna.email, KEY_ALONE)

    assert AtTheLink(owner.address).return_from_tesla(back).status_code == 403
    assert not OwnerVisit.objects.filter(account__isnull=False).exists()
    assert owner.return_from_tesla(back).status_code == 302
    again = owner.return_from_tesla(back)
    assert again.status_code == 400 and "already used" in again.content.decode()


def test_a_sign_in_that_took_too_long_does_not_count(owner: AtTheLink, anna: ScenarioPerson) -> None:
    back = owner.tesla.connect(owner.to_tesla(), anna.email, KEY_ALONE)

    with time_machine.travel(timezone.now() + timedelta(minutes=61)):
        answer = owner.return_from_tesla(back)

    assert answer.status_code == 410 and "longer than an hour" in answer.content.decode()
    assert not OwnerVisit.objects.filter(account__isnull=False).exists()


@pytest.mark.parametrize("word", ["forged", "a:b", "WyJhIl0:x"])
def test_a_tampered_link_is_a_page(client: Client, db: None, word: str) -> None:
    for answer in (
        client.get(f"/connect/owner/{word}"),
        client.post(f"/connect/owner/{word}/sign-in"),
        client.get(f"/connect/owner/{word}/state"),
    ):
        assert answer.status_code == 404
    assert not OwnerVisit.objects.exists()


def test_signing_in_behind_one_link_opens_no_other(
    owner: AtTheLink, anna: ScenarioPerson, now: datetime
) -> None:
    owner.sign_in(anna.email)
    another = owner_link.address(VehicleGrantFactory(), now)

    page = owner.client.get(another).content.decode()

    assert "Sign in at Tesla" in page and "pairing-link" not in page


def test_every_link_for_a_car_leads_to_the_same_page_until_it_is_too_old(
    owner: AtTheLink, anna: ScenarioPerson, now: datetime
) -> None:
    owner.sign_in(anna.email)
    later = owner_link.address(VehicleGrant.objects.get(), now + timedelta(days=3))

    assert "pairing-link" in owner.client.get(later).content.decode()


def test_an_old_link_is_a_page(owner: AtTheLink, anna: ScenarioPerson) -> None:
    owner.sign_in(anna.email)
    with time_machine.travel(timezone.now() + owner_link.GOOD_FOR + timedelta(minutes=1)):
        answer = owner.client.get(owner.address)
        assert answer.status_code == 410 and "Ask the person who sent it" in answer.content.decode()
        assert owner.client.post(f"{owner.address}/sign-in").status_code == 410
        assert owner.client.get(f"{owner.address}/state").status_code == 404


def test_the_link_dies_with_the_drivers_grant(owner: AtTheLink, anna: ScenarioPerson) -> None:
    back = owner.tesla.connect(owner.to_tesla(), anna.email, KEY_ALONE)
    grants.revoke(VehicleGrant.objects.get(), actor="staff:1", now=timezone.now())

    for answer in (owner.client.get(owner.address), owner.return_from_tesla(back)):
        assert answer.status_code == 410 and "no longer needed" in answer.content.decode()
    assert not OwnerVisit.objects.filter(account__isnull=False).exists()


def test_the_link_outlives_the_drivers_run(driver: Journey, owner: AtTheLink, anna: ScenarioPerson) -> None:
    car = _found(r'name="vehicle" value="([^"]+)"', driver.look())
    assert "code" in answer_of(driver.post("skip-key", vehicle=car))

    owner.sign_in(anna.email)

    assert "pairing-link" in owner.look()
    assert ConnectSession.objects.count() == 1


def test_a_shared_key_page_of_a_driver_leads_to_the_owners_link(driver: Journey, owner: AtTheLink) -> None:
    state = _found(r'data-state-url="([^"]+)"', driver.look())

    answer = Client().get(state.removesuffix("/state"))

    assert answer.headers["Location"] == urlsplit(owner.address).path


def test_the_owners_page_cannot_be_framed_and_is_kept_nowhere(owner: AtTheLink) -> None:
    headers = owner.client.get(owner.address).headers

    assert headers["X-Frame-Options"] == "DENY" and "no-store" in headers["Cache-Control"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_the_owner_is_told_when_tesla_cannot_be_asked(
    owner: AtTheLink, anna: ScenarioPerson, simulator: SimulatorServer
) -> None:
    back = owner.tesla.connect(owner.to_tesla(), anna.email, KEY_ALONE)
    simulator.world.faults.add({"match": {"path": "/api/1/vehicles"}, "status": 503})

    answer = owner.return_from_tesla(back)

    assert answer.status_code == 502 and "Tesla is not answering" in answer.content.decode()
    assert "pairing-link" not in owner.look()


def test_an_owner_who_uses_applications_here_loses_nothing_by_it(
    owner: AtTheLink, anna: ScenarioPerson, sign_in: SignIn, now: datetime
) -> None:
    account = sign_in(anna)
    car = Vehicle.objects.get(connections__isnull=False)
    held = VehicleGrantFactory(account=account, vehicle=car, approved=["read_location", "control_security"])

    asked = query_of(owner.to_tesla())["scope"][0].split()
    assert {"vehicle_location", "vehicle_cmds"} <= set(asked) and "vehicle_charging_cmds" not in asked
    owner.return_from_tesla(owner.tesla.connect(owner.to_tesla(), anna.email))

    assert "pairing-link" in owner.look()
    grant = facts.with_rows(VehicleGrant.objects.filter(pk=held.pk)).get()
    assert set(facts.working_permissions(grant)) == {"read_location", "control_security"}


@pytest.mark.parametrize("scopes", [KEY_ALONE, []])
def test_nothing_is_kept_of_somebody_who_came_for_nothing(
    owner: AtTheLink, bernd: ScenarioPerson, clara: ScenarioPerson, scopes: list[str]
) -> None:
    before = set(Vehicle.objects.values_list("pk", flat=True))
    owner.sign_in(bernd.email, scopes)

    assert [account.sub for account in TeslaAccount.objects.all()] == [clara.sub]
    assert User.objects.filter(is_person=True).count() == TeslaToken.objects.count() == 1
    assert set(Vehicle.objects.values_list("pk", flat=True)) == before


def test_somebody_known_who_followed_the_wrong_link_stays_known(
    owner: AtTheLink, bernd: ScenarioPerson, sign_in: SignIn
) -> None:
    account = sign_in(bernd)

    assert "does not own the car" in owner.sign_in(bernd.email).content.decode()

    assert TeslaAccount.objects.filter(pk=account.pk).exists()


def test_visits_are_forgotten_once_their_link_is_over(
    driver: Journey, owner: AtTheLink, anna: ScenarioPerson
) -> None:
    owner.sign_in(anna.email)
    for days, left in ((6, 1), (8, 0)):
        with time_machine.travel(timezone.now() + timedelta(days=days)):
            tasks.forget_old_rows()
        assert OwnerVisit.objects.count() == left
