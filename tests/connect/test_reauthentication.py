"""Signing in at Tesla again for a connected car."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from django.utils import timezone
from oauth2_provider.models import Grant

from tests.connect.conftest import Journey, answer_of
from tests.factories import ApplicationFactory
from vehicles import evidence
from vehicles.diagnosis import Consent
from vehicles.facts.sources import Source
from vehicles.models import Connection, TeslaAccount, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson


@pytest.fixture
def connected(journey: Journey, bernd: ScenarioPerson) -> Journey:
    """Bernd connected his car, then his login ran out."""
    journey.authorize()
    journey.sign_in(bernd.email)
    journey.approve()
    Grant.objects.all().delete()
    account = TeslaAccount.objects.get()
    evidence.consent_seen(account, Consent.SIGN_IN_NEEDED, now=timezone.now(), source=Source.TOKEN)
    return journey


def reauthenticate(journey: Journey, **changes: Any) -> HttpResponse:
    query = {
        "response_type": "vehicle_id",
        "client_id": journey.application.client_id,
        "vehicle_id": Connection.objects.get().public_id,
        "redirect_uri": "https://example.com/auth",
        "state": "again",
    } | changes
    return journey.open(f"/oauth/reauthenticate?{urlencode(query)}")


def test_the_same_account_makes_the_car_work_again_and_grants_nothing(
    connected: Journey, bernd: ScenarioPerson
) -> None:
    before = VehicleGrant.objects.values("approved", "approved_at", "requested").get()
    reauthenticate(connected)
    assert "Sign in at Tesla again" in connected.look()

    address = connected.post("begin").headers["Location"]
    back = connected.return_from_tesla(connected.tesla.connect(address, bernd.email))

    assert answer_of(back) == {"vehicle_id": str(Connection.objects.get().public_id), "state": "again"}
    assert TeslaAccount.objects.get().consent == Consent.ACTIVE
    assert VehicleGrant.objects.values("approved", "approved_at", "requested").get() == before
    assert not Grant.objects.exists()


def test_another_account_changes_nothing_for_the_car(connected: Journey, dieter: ScenarioPerson) -> None:
    reauthenticate(connected)
    address = connected.post("begin").headers["Location"]
    connected.tesla.cookie = ""

    page = connected.return_from_tesla(connected.tesla.connect(address, dieter.email)).content.decode()

    assert "That was another Tesla account" in page
    assert VehicleGrant.objects.get().account.consent == Consent.SIGN_IN_NEEDED
    assert connected.run.ended_at is None and connected.run.account is None


@pytest.mark.parametrize(
    ("parameter", "changes"),
    [
        ("vehicle_id", {"vehicle_id": "nonsense"}),
        ("vehicle_id", {"vehicle_id": "00000000-0000-4000-8000-000000000000"}),
        ("response_type", {"response_type": "code"}),
        ("redirect_uri", {"redirect_uri": "https://evil.example/"}),
    ],
)
def test_a_wrong_request_shows_a_page(connected: Journey, parameter: str, changes: dict[str, str]) -> None:
    answer = reauthenticate(connected, **changes)

    assert answer.status_code == 400 and f"<code>{parameter}</code>" in answer.content.decode()


def test_a_car_of_another_application_is_not_known(connected: Journey) -> None:
    other = ApplicationFactory()

    answer = reauthenticate(connected, client_id=other.client_id)

    assert answer.status_code == 400 and "<code>vehicle_id</code>" in answer.content.decode()


def test_a_car_whose_grant_was_revoked_is_not_known(connected: Journey) -> None:
    VehicleGrant.objects.update(revoked_at=timezone.now())

    assert reauthenticate(connected).status_code == 400
