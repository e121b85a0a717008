"""Reauthentication by make: what an application was given moves to the Fleet API and can be widened."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from oauth2_provider.models import Grant

from connect.models import ConnectSession, Step
from tests.connect.conftest import Journey, answer_of, query_of
from tests.factories import (
    EVERY_SCOPE,
    AccessTokenFactory,
    ApplicationFactory,
    TeslaAccountFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from vehicles import access, errors, facts
from vehicles.models import Application, Event, TeslaAccount, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import EMMAS_MODEL_3, EMMAS_MODEL_S, ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer

HELD = ["read_vin", "read_odometer", "control_security"]


@pytest.fixture
def account(emma: ScenarioPerson, db: None) -> TeslaAccount:
    """Emma, who signed in over the legacy API long ago."""
    return TeslaAccountFactory(sub=emma.sub, email=emma.email, granted_scopes=[], consent="unknown")


@pytest.fixture
def legacy(journey: Journey, account: TeslaAccount) -> Journey:
    """Both of Emma's cars are connected to the application over the legacy API."""
    _connected(journey.application, account, "legacy")
    return journey


def _connected(application: Application, account: TeslaAccount, integration: str) -> list[VehicleGrant]:
    return [
        VehicleGrantFactory(
            application=application,
            account=account,
            vehicle=VehicleFactory(vin=vin),
            integration=integration,
            requested=HELD,
            approved=HELD,
        )
        for vin in (EMMAS_MODEL_S, EMMAS_MODEL_3)
    ]


def reauthenticate(journey: Journey, **changes: Any) -> HttpResponse:
    query = {
        "response_type": "vehicle_id",
        "client_id": journey.application.client_id,
        "make": "TESLA",
        "scope": " ".join(HELD),
    } | changes
    return journey.open(
        f"/oauth/reauthenticate?{urlencode({k: v for k, v in query.items() if v is not None})}"
    )


def sign_in(journey: Journey, email: str, scopes: list[str] = EVERY_SCOPE) -> HttpResponse:
    address = journey.post("begin").headers["Location"]
    return journey.return_from_tesla(journey.tesla.connect(address, email, scopes))


def test_everything_moves_with_its_ids_and_the_person_stays_on_a_page_of_ours(
    legacy: Journey, emma: ScenarioPerson
) -> None:
    before = dict(VehicleGrant.objects.values_list("pk", "connection__public_id"))
    reauthenticate(legacy)
    assert "Renew the connection of Charge Planner to your Tesla" in legacy.look()

    sign_in(legacy, emma.email)
    assert legacy.client.get(legacy.page).headers["Location"] == legacy.page
    assert "Add the key to" in legacy.look()
    assert legacy.post("skip-key", vehicle=legacy.run.key_queue[0]).headers["Location"] == legacy.page

    assert "Your cars stay connected" not in legacy.look() and 'id="moved"' in legacy.look()
    assert dict(VehicleGrant.objects.values_list("pk", "connection__public_id")) == before
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"fleet"}
    assert [set(grant.approved) for grant in VehicleGrant.objects.all()] == [set(HELD)] * 2
    assert Event.objects.filter(kind="grant:moved").count() == 2
    assert not Grant.objects.exists()


@pytest.mark.parametrize("scope", ["read_vin control_security", "read_vin required:control_security"])
def test_what_is_named_or_marked_must_be_granted_before_anything_moves(
    legacy: Journey, emma: ScenarioPerson, scope: str
) -> None:
    reauthenticate(legacy, scope=scope)
    sign_in(legacy, emma.email, ["vehicle_device_data"])
    page = legacy.look()
    assert "tesla-button" in page and "approval-button" not in page and "Vehicle Commands" in page

    assert legacy.post("approve").status_code == 422
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"legacy"}

    again = legacy.post("sign-in").headers["Location"]
    legacy.return_from_tesla(legacy.tesla.allow(again, EVERY_SCOPE))
    legacy.look()
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"fleet"}


def test_what_is_optional_may_be_left_out_and_everything_moves_all_the_same(
    legacy: Journey, emma: ScenarioPerson
) -> None:
    reauthenticate(legacy, scope="required:read_vin control_security read_location")
    sign_in(legacy, emma.email, ["vehicle_device_data"])
    page = legacy.look()
    assert "2 things were not ticked at Tesla and will not work" in page
    assert "Go on without it" in page and "Go to Tesla again" in page
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"legacy"}

    legacy.post("approve")

    for grant in VehicleGrant.objects.all():
        assert grant.integration == "fleet"
        missing = access.diagnosis_of(grant).axes["permissions"]["missing"]
        assert {each["permission"]: each["reason"] for each in missing} == {
            "control_security": "not_granted_at_tesla",
            "read_location": "not_granted_at_tesla",
        }


def test_the_page_names_what_pauses_elsewhere(
    legacy: Journey, account: TeslaAccount, emma: ScenarioPerson
) -> None:
    VehicleGrantFactory(
        account=account,
        application=ApplicationFactory(name="Night Watch"),
        vehicle=legacy_car(),
        approved=["read_location"],
    )
    reauthenticate(legacy)
    sign_in(legacy, emma.email, ["vehicle_device_data", "vehicle_cmds"])

    assert "Night Watch stopped working" in legacy.look()
    assert "This pauses as well: Night Watch" in legacy.client.get(f"{legacy.page}/removal").content.decode()


def test_what_was_held_is_asked_for_as_well_and_its_loss_is_told_before(
    legacy: Journey, emma: ScenarioPerson
) -> None:
    reauthenticate(legacy, scope="read_vin")
    sign_in(legacy, emma.email, ["vehicle_device_data"])
    page = legacy.look()
    assert "1 thing was not ticked at Tesla and will not work" in page and "Lock and unlock the car" in page
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"legacy"}

    again = legacy.post("sign-in").headers["Location"]
    assert "vehicle_cmds" in query_of(again)["scope"][0].split()
    legacy.return_from_tesla(legacy.tesla.allow(again, EVERY_SCOPE))
    legacy.look()

    assert all(set(grant.approved) == set(HELD) for grant in VehicleGrant.objects.all())


def test_going_on_without_it_moves_the_rest(legacy: Journey, emma: ScenarioPerson) -> None:
    reauthenticate(legacy, scope="read_vin")
    sign_in(legacy, emma.email, ["vehicle_device_data"])
    legacy.look()

    legacy.post("approve")

    grants = VehicleGrant.objects.all()
    assert {grant.integration for grant in grants} == {"fleet"}
    assert all(facts.working_permissions(grant) == ["read_odometer", "read_vin"] for grant in grants)


def test_more_boxes_ticked_later_bring_the_rest_back(legacy: Journey, emma: ScenarioPerson) -> None:
    reauthenticate(legacy, scope="read_vin")
    sign_in(legacy, emma.email, ["vehicle_device_data"])
    legacy.post("approve")

    reauthenticate(legacy, scope="read_odometer")
    sign_in(legacy, emma.email)
    again = legacy.post("sign-in").headers["Location"]
    assert "vehicle_cmds" in query_of(again)["scope"][0].split()
    legacy.return_from_tesla(legacy.tesla.allow(again, EVERY_SCOPE))

    assert all(facts.working_permissions(grant) == sorted(HELD) for grant in VehicleGrant.objects.all())
    assert Event.objects.filter(kind="grant:given").count() == 0


def test_new_permissions_are_added_only_after_the_person_saw_them(
    journey: Journey, account: TeslaAccount, emma: ScenarioPerson
) -> None:
    _connected(journey.application, account, "fleet")
    reauthenticate(journey, scope="read_vin read_location control_climate")
    sign_in(journey, emma.email)
    page = journey.look()
    assert "Charge Planner would like to do more" in page and "See where the car is" in page
    assert all(grant.approved == HELD for grant in VehicleGrant.objects.all())

    shown = re.findall(r'name="permissions" value="([^"]+)"', page)
    assert shown == ["read_location", "control_climate"]
    journey.post("approve", permissions=[*shown, "control_pin"])

    for grant in VehicleGrant.objects.all():
        assert grant.approved == [*HELD, "read_location", "control_climate"]
        assert grant.requested == [*HELD, "read_location", "control_climate"]


def test_declining_changes_nothing_and_leads_nowhere_else(
    journey: Journey, account: TeslaAccount, emma: ScenarioPerson
) -> None:
    _connected(journey.application, account, "fleet")
    reauthenticate(journey, scope="read_location", redirect_uri="https://evil.example/")
    sign_in(journey, emma.email)
    journey.look()

    assert journey.post("leave", reason="access_denied").headers["Location"] == journey.page

    assert "This is already finished" in journey.look()
    assert all(grant.approved == HELD for grant in VehicleGrant.objects.all())
    assert journey.run.exit_reason == "access_denied"


def test_another_tesla_account_changes_nothing(legacy: Journey, dieter: ScenarioPerson) -> None:
    reauthenticate(legacy)

    page = sign_in(legacy, dieter.email).content.decode()

    assert "That was another Tesla account" in page
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"legacy"}
    assert not TeslaAccount.objects.filter(sub=dieter.sub).exists()
    assert legacy.run.account is None


def test_an_account_whose_grants_are_another_applications_changes_nothing(
    legacy: Journey, emma: ScenarioPerson
) -> None:
    other = Journey(ApplicationFactory(), legacy.client)
    reauthenticate(other)

    assert "That was another Tesla account" in sign_in(other, emma.email).content.decode()
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"legacy"}


def test_grants_of_other_applications_stay_where_they_are(
    legacy: Journey, account: TeslaAccount, emma: ScenarioPerson
) -> None:
    other = VehicleGrantFactory(account=account, integration="legacy", vehicle=legacy_car())
    reauthenticate(legacy)
    sign_in(legacy, emma.email)
    legacy.look()

    other.refresh_from_db()
    assert other.integration == "legacy"


def legacy_car() -> Any:
    return VehicleGrant.objects.first().connection.vehicle  # type: ignore[union-attr]


def test_cars_that_left_the_account_are_said(
    legacy: Journey, emma: ScenarioPerson, simulator: SimulatorServer, bernd: ScenarioPerson
) -> None:
    access_to = simulator.world.accounts[emma.email].access
    access_to.clear()
    access_to.update(simulator.world.accounts[bernd.email].access)
    reauthenticate(legacy)
    sign_in(legacy, emma.email)

    assert "is not connected to this Tesla account" in legacy.look()
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"legacy"}


@pytest.mark.parametrize(
    ("parameter", "changes"),
    [
        ("make", {"make": "CHEVROLET"}),
        ("scope", {"scope": None}),
        ("scope", {"scope": "read_minds"}),
        ("response_type", {"response_type": "code"}),
        ("mode", {"mode": "demo"}),
        ("client_id", {"client_id": "unknown"}),
    ],
)
def test_a_wrong_request_shows_a_page(journey: Journey, parameter: str, changes: dict[str, Any]) -> None:
    answer = reauthenticate(journey, **changes)

    assert answer.status_code == 400 and f"<code>{parameter}</code>" in answer.content.decode()
    assert "leave-button" not in answer.content.decode()
    assert not ConnectSession.objects.exists()


def test_the_link_of_a_legacy_refusal_leads_there(legacy: Journey, emma: ScenarioPerson) -> None:
    grant = VehicleGrant.objects.select_related("connection__application", "account").first()
    assert grant is not None
    link = access.refuse(grant, errors.PLATFORM_NOT_CAPABLE).resolution_url or ""

    parts = urlsplit(link)
    legacy.open(f"{parts.path}?{parts.query}")
    sign_in(legacy, emma.email)
    legacy.look()

    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"fleet"}


def test_a_permission_can_be_widened_through_the_ordinary_way_as_well(
    journey: Journey, emma: ScenarioPerson
) -> None:
    journey.authorize(scope="read_vin control_security")
    journey.sign_in(emma.email, ["vehicle_device_data"])
    journey.approve()
    assert {tuple(grant.approved) for grant in VehicleGrant.objects.all()} == {("read_vin",)}

    journey.authorize(scope="read_vin control_security", make="TESLA", state="wider")
    again = journey.post("begin").headers["Location"]
    journey.return_from_tesla(journey.tesla.allow(again, EVERY_SCOPE))
    journey.approve()
    while journey.run.step == Step.KEYS:
        answer = journey.post("skip-key", vehicle=journey.run.key_queue[len(journey.run.skipped_keys)])

    assert answer_of(answer)["state"] == "wider" and "code" in answer_of(answer)
    assert {tuple(grant.approved) for grant in VehicleGrant.objects.all()} == {
        ("read_vin", "control_security")
    }


def test_approving_twice_or_from_another_browser_moves_once(
    journey: Journey, account: TeslaAccount, emma: ScenarioPerson
) -> None:
    _connected(journey.application, account, "fleet")
    reauthenticate(journey, scope="read_location")
    sign_in(journey, emma.email)
    journey.look()

    assert Client().post(f"{journey.page}/approve", {"permissions": "read_location"}).status_code == 403
    assert all(grant.approved == HELD for grant in VehicleGrant.objects.all())
    for _ in range(2):
        journey.post("approve", permissions="read_location")

    assert Event.objects.filter(kind="grant:given").count() == 2, "one for each car"


def test_tokens_that_were_given_before_go_on_working(legacy: Journey, emma: ScenarioPerson) -> None:
    token = AccessTokenFactory(
        application=legacy.application, user=VehicleGrant.objects.first().account.person
    )
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {token.raw}"}
    before = legacy.client.get("/v2.0/vehicles", **bearer).json()["vehicles"]

    reauthenticate(legacy)
    sign_in(legacy, emma.email)
    legacy.look()

    assert legacy.client.get("/v2.0/vehicles", **bearer).json()["vehicles"] == before
    for vehicle in before:
        assert legacy.client.get(f"/v2.0/vehicles/{vehicle}/odometer", **bearer).status_code == 200
        assert legacy.client.get(f"/v2.0/vehicles/{vehicle}/permissions", **bearer).json()["permissions"]


def test_what_was_not_on_the_page_when_the_person_agreed_is_not_added(
    journey: Journey, account: TeslaAccount, emma: ScenarioPerson
) -> None:
    _connected(journey.application, account, "fleet")
    reauthenticate(journey, scope="read_location control_climate")
    sign_in(journey, emma.email)
    journey.look()

    journey.post("approve", permissions="read_location")

    assert all(grant.approved == [*HELD, "read_location"] for grant in VehicleGrant.objects.all())
