"""The person, their vehicles, what may be done with them, and giving one up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from tests.factories import ApplicationUserFactory, TeslaAccountFactory, VehicleGrantFactory
from tests.vehicles.api.conftest import Calls, calls_for
from vehicles.models import ApplicationUser, Connection, Event, Integration, VehicleGrant

UNKNOWN_ID = "6ecc3d39-4f1e-4d5b-9e1c-1a6c3f6e0b11"


def test_the_user_id_belongs_to_the_application_and_stays_the_same(api: Calls) -> None:
    first = api.get("/v2.0/user").json()
    assert list(first) == ["id"] and len(first["id"]) == 36
    assert api.get("/v2.0/user/").json() == first
    elsewhere = calls_for(VehicleGrantFactory(account=api.account))
    assert elsewhere.get("/v2.0/user").json() != first


def test_a_reserved_user_id_is_answered(api: Calls) -> None:
    ApplicationUser.objects.all().delete()
    reserved = ApplicationUserFactory(application=api.application, person=api.account.person)
    assert api.get("/v2.0/user").json() == {"id": str(reserved.public_id)}


def test_vehicles_come_newest_first_in_pages_with_the_size_of_the_whole_set(
    api: Calls, django_assert_num_queries: Any
) -> None:
    grants = [
        api.grant,
        *VehicleGrantFactory.create_batch(11, application=api.application, account=api.account),
    ]
    for age, grant in enumerate(grants):
        born = grant.connection.created_at + timedelta(minutes=age)
        Connection.objects.filter(pk=grant.connection_id).update(created_at=born)
    ids = [str(grant.connection.public_id) for grant in reversed(grants)]
    with django_assert_num_queries(3):
        first = api.get("/v2.0/vehicles").json()
    assert first == {"vehicles": ids[:10], "paging": {"count": 12, "offset": 0}}
    assert api.get("/v2.0/vehicles?limit=50").json()["vehicles"] == ids
    last = api.get("/v2.0/vehicles/?limit=5&offset=10&flags=a:b").json()
    assert last == {"vehicles": ids[10:], "paging": {"count": 12, "offset": 10}}
    assert api.get("/v2.0/vehicles?offset=99").json() == {
        "vehicles": [],
        "paging": {"count": 12, "offset": 99},
    }


@pytest.mark.parametrize(
    "query, field",
    [
        *(("limit=0", "limit"), ("limit=51", "limit"), ("limit=-1", "limit"), ("limit=ten", "limit")),
        *(("offset=-1", "offset"), ("offset=1.5", "offset"), ("offset=99999999999999999999", "offset")),
        ("limit=%00", "limit"),
    ],
)
@pytest.mark.parametrize("path", ["/v2.0/vehicles", "/v2.0/vehicles/{id}/permissions"])
def test_a_page_that_cannot_be_is_refused_with_the_name_of_the_field(
    api: Calls, path: str, query: str, field: str
) -> None:
    answer = api.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert (answer.json()["type"], answer.json()["code"]) == ("VALIDATION", None)
    assert [entry["field"] for entry in answer.json()["detail"]] == [field]


def test_a_car_that_two_accounts_of_the_person_hold_is_one_vehicle(api: Calls) -> None:
    second = TeslaAccountFactory(person=api.account.person)
    VehicleGrantFactory(application=api.application, account=second, vehicle=api.grant.connection.vehicle)
    assert api.get("/v2.0/vehicles").json() == {
        "vehicles": [api.vehicle_id],
        "paging": {"count": 1, "offset": 0},
    }


@pytest.mark.parametrize(
    "vehicle_id", ["not-an-id", "1", "6ecc3d39-4f1e-4d5b-9e1c", "%00", "null", "x" * 400]
)
def test_a_malformed_vehicle_id_is_invalid_and_offers_no_cure(api: Calls, vehicle_id: str) -> None:
    answer = api.get(f"/v2.0/vehicles/{vehicle_id}/permissions")
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    assert answer.json()["resolution"] == {"type": None}
    assert answer.json()["detail"][0]["field"] == "id"


@pytest.mark.parametrize(
    "path", ["", "/", "/permissions", "/vin", "/battery", "/tesla/virtual_key", "/tesla/diagnosis"]
)
def test_an_unknown_vehicle_and_somebody_elses_get_the_very_same_answer(api: Calls, path: str) -> None:
    other = VehicleGrantFactory()
    answers = []
    for vehicle_id in (UNKNOWN_ID, other.connection.public_id):
        answer = api.get(f"/v2.0/vehicles/{vehicle_id}{path}")
        assert "Retry-After" not in answer.headers
        body = answer.json()
        assert body.pop("requestId") == answer.headers["SC-Request-Id"]
        answers.append((answer.status_code, body))
    assert answers[0] == answers[1]
    assert answers[0][0] == 403
    assert "/oauth/authorize?" in answers[0][1]["resolution"].pop("url")
    assert answers[0][1] == {
        "type": "PERMISSION",
        "code": None,
        "description": "Your application has insufficient permissions to access the requested resource. "
        "Please prompt the user to re-authenticate using Smartcar Connect.",
        "docURL": f"{settings.PUBLIC_URL}/docs/errors/permission/",
        "statusCode": 403,
        "resolution": {"type": "REAUTHENTICATE"},
        "suggestedUserMessage": "The application is not allowed to do this with your car. "
        "Connect the car again and allow it there.",
    }


def test_permissions_are_those_that_work_now_in_pages(api: Calls, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        body = api.get("/v2.0/vehicles/{id}/permissions").json()
    assert body["permissions"] == sorted(api.grant.approved)
    assert body["paging"] == {"count": 8, "offset": 0}
    page = api.get("/v2.0/vehicles/{id}/permissions/?limit=3&offset=6").json()
    assert page == {"permissions": sorted(api.grant.approved)[6:], "paging": {"count": 8, "offset": 6}}
    api.account.granted_scopes = ["vehicle_location"]
    api.account.save()
    assert api.get("/v2.0/vehicles/{id}/permissions").json() == {
        "permissions": ["read_location"],
        "paging": {"count": 1, "offset": 0},
    }


def test_disconnecting_ends_the_tokens_reach_to_this_car_only(api: Calls) -> None:
    other = VehicleGrantFactory(application=api.application, account=api.account)
    second_account = TeslaAccountFactory(person=api.account.person)
    VehicleGrantFactory(
        application=api.application,
        account=second_account,
        vehicle=api.grant.connection.vehicle,
        integration=Integration.LEGACY,
    )
    answer = api("DELETE", "/v2.0/vehicles/{id}/application")
    assert (answer.status_code, answer.json()) == (200, {"status": "success"})
    assert VehicleGrant.objects.filter(revoked_at=None).get() == other
    assert api.get("/v2.0/vehicles/{id}/vin").status_code == 403
    assert api("DELETE", "/v2.0/vehicles/{id}/application/").status_code == 403
    assert api.get("/v2.0/vehicles").json()["vehicles"] == [str(other.connection.public_id)]
    actors = Event.objects.filter(kind="grant:revoked").values_list("actor", flat=True)
    assert list(actors) == [f"application:{api.application.client_id}"] * 2


def test_another_persons_hold_on_the_same_car_survives_a_disconnect(api: Calls) -> None:
    other = VehicleGrantFactory(application=api.application, vehicle=api.grant.connection.vehicle)
    assert api("DELETE", "/v2.0/vehicles/{id}/application").status_code == 200
    assert calls_for(other).get("/v2.0/vehicles/{id}/vin").status_code == 200
