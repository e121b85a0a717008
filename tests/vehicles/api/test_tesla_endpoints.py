"""The Tesla endpoints: answered from the store whatever stands in the way, and cheaply."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.factories import TeslaAccountFactory, VehicleFactory, VehicleGrantFactory
from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls, calls_for, keyless_grant
from vehicles.models import Integration, VehicleAccess

STATE_READS = ["permissions", "tesla/virtual_key", "tesla/migration", "tesla/user/access", "tesla/diagnosis"]


def grant_with(key: str, observed: datetime, **more: Any) -> Calls:
    grant = keyless_grant(**more)
    grant.connection.vehicle = VehicleFactory(key=key, key_observed_at=observed)
    grant.connection.save()
    VehicleAccess.objects.create(
        account=grant.account, vehicle=grant.connection.vehicle, access_type="OWNER", seen_at=observed
    )
    return calls_for(grant)


def answer_fleet_status(tesla: AnsweringTesla, api: Calls, *, paired: bool) -> None:
    vins = [api.grant.connection.vehicle.vin]
    found = {"key_paired_vins": vins if paired else [], "unpaired_vins": [] if paired else vins}
    tesla.answers["/fleet_status"] = (200, {"response": {**found, "vehicle_info": {}}})


@pytest.mark.parametrize("path", ["permissions", "tesla/virtual_key", "tesla/migration"])
def test_state_reads_cost_two_queries(
    db: None, now: datetime, tesla: AnsweringTesla, path: str, django_assert_num_queries: Any
) -> None:
    api = grant_with("present", now - timedelta(days=1))
    with django_assert_num_queries(2):
        assert api.get(f"/v2.0/vehicles/{{id}}/{path}").status_code == 200
    assert tesla.calls == []


@pytest.mark.parametrize("path", STATE_READS)
@pytest.mark.parametrize("fault", ["revoked", "sign_in_needed", "withdrawn", "paused"])
def test_state_reads_answer_whatever_stands_in_the_way(
    db: None, now: datetime, path: str, fault: str, tesla: AnsweringTesla
) -> None:
    api = grant_with("present", now)
    if fault == "withdrawn":
        api.account.granted_scopes = []
    elif fault == "paused":
        api.application.paused = True
        api.application.save()
    else:
        api.account.consent = fault
    api.account.save()
    assert api.get(f"/v2.0/vehicles/{{id}}/{path}").status_code == 200


@pytest.mark.parametrize("path", ["tesla/virtual_key", "tesla/migration"])
def test_key_and_migration_need_the_permission_to_see_the_car(db: None, now: datetime, path: str) -> None:
    api = grant_with("present", now, requested=["read_vin"])
    answer = api.get(f"/v2.0/vehicles/{{id}}/{path}")
    assert (answer.status_code, answer.json()["type"]) == (403, "PERMISSION")


def test_an_absent_key_is_asked_for_again_after_ten_seconds(
    db: None, now: datetime, tesla: AnsweringTesla
) -> None:
    api = grant_with("absent", now - timedelta(seconds=11))
    answer_fleet_status(tesla, api, paired=True)
    assert api.get("/v2.0/vehicles/{id}/tesla/virtual_key").json() == {"isPaired": True}
    assert tesla.paths() == ["/api/1/vehicles/fleet_status"]
    assert api.get("/v2.0/vehicles/{id}/tesla/virtual_key/").json() == {"isPaired": True}
    assert len(tesla.calls) == 1


def test_an_absent_key_that_was_just_looked_for_is_answered_from_the_store(
    db: None, now: datetime, tesla: AnsweringTesla
) -> None:
    api = grant_with("absent", now)
    assert api.get("/v2.0/vehicles/{id}/tesla/virtual_key").json() == {"isPaired": False}
    assert tesla.calls == []


def test_a_tesla_that_cannot_be_asked_leaves_the_stored_state(
    db: None, now: datetime, tesla: AnsweringTesla
) -> None:
    api = grant_with("absent", now - timedelta(minutes=5))
    tesla.answers["/fleet_status"] = (503, {"error": "unavailable"})
    assert api.get("/v2.0/vehicles/{id}/tesla/virtual_key").json() == {"isPaired": False}


def test_a_legacy_connection_cannot_tell_the_key_and_has_to_migrate(db: None, now: datetime) -> None:
    api = grant_with("present", now, integration=Integration.LEGACY)
    answer = api.get("/v2.0/vehicles/{id}/tesla/virtual_key")
    body = answer.json()
    assert (answer.status_code, body["type"], body["code"]) == (501, "COMPATIBILITY", "PLATFORM_NOT_CAPABLE")
    assert "/oauth/reauthenticate?" in body["resolution"]["url"] and "make=TESLA" in body["resolution"]["url"]
    assert api.get("/v2.0/vehicles/{id}/tesla/migration").json() == {"requiresMigration": True}
    access = api.get("/v2.0/vehicles/{id}/tesla/user/access").json()
    assert access == {"accessType": "OWNER", "permissions": None}


def test_a_car_connected_both_ways_no_longer_has_to_migrate(db: None, now: datetime) -> None:
    api = grant_with("present", now, integration=Integration.LEGACY)
    VehicleGrantFactory(
        application=api.application,
        account=TeslaAccountFactory(person=api.account.person),
        vehicle=api.grant.connection.vehicle,
    )
    assert api.get("/v2.0/vehicles/{id}/tesla/migration").json() == {"requiresMigration": False}


def test_a_driver_cannot_ask_for_the_key(db: None, now: datetime) -> None:
    api = grant_with("present", now)
    VehicleAccess.objects.filter(account=api.account).update(access_type="DRIVER")
    answer = api.get("/v2.0/vehicles/{id}/tesla/virtual_key")
    assert (answer.status_code, answer.json()["code"]) == (400, "VEHICLE_MISSING")
    access = api.get("/v2.0/vehicles/{id}/tesla/user/access").json()
    assert access["accessType"] == "DRIVER"


@pytest.mark.parametrize(
    ("access_type", "is_gone", "is_told_that_it_is_gone"),
    [("DRIVER", False, False), ("DRIVER", True, True), ("OWNER", True, True)],
)
def test_who_still_has_the_car_is_not_told_that_it_is_gone(
    db: None, now: datetime, access_type: str, is_gone: bool, is_told_that_it_is_gone: bool
) -> None:
    api = grant_with("present", now)
    VehicleAccess.objects.filter(account=api.account).update(
        access_type=access_type, missing_since=now if is_gone else None
    )
    body = api.get("/v2.0/vehicles/{id}/tesla/virtual_key").json()
    assert (body["type"], body["statusCode"]) == ("CONNECTED_SERVICES_ACCOUNT", 400)
    assert ("no longer" in body["description"]) is is_told_that_it_is_gone
    assert ("no longer" in body["suggestedUserMessage"]) is is_told_that_it_is_gone
    if not is_gone:
        assert "VIRTUAL_KEY_REQUIRED" in body["description"] and "tesla/diagnosis" in body["description"]
        assert "only its owner" in body["suggestedUserMessage"]


def test_user_access_tells_the_scopes_without_those_of_the_login_and_null_for_what_is_not_known(
    api: Calls,
) -> None:
    api.account.granted_scopes = ["openid", "offline_access", "vehicle_cmds", "vehicle_location"]
    api.account.save()
    assert api.get("/v2.0/vehicles/{id}/tesla/user/access").json() == {
        "accessType": "OWNER",
        "permissions": ["vehicle_cmds", "vehicle_location"],
    }
    VehicleAccess.objects.all().delete()
    api.account.granted_scopes = []
    api.account.save()
    assert api.get("/v2.0/vehicles/{id}/tesla/user/access").json() == {
        "accessType": None,
        "permissions": None,
    }


def test_the_diagnosis_names_the_fault_and_the_page_that_repairs_it(db: None, now: datetime) -> None:
    api = grant_with("absent", now)
    for query in ("", "?permission=control_security"):
        body = api.get(f"/v2.0/vehicles/{{id}}/tesla/diagnosis{query}").json()
        assert body["verdict"] == "degraded"
        assert body["error"] == {"type": "CONNECTED_SERVICES_ACCOUNT", "code": "VIRTUAL_KEY_REQUIRED"}
        assert body["causes"][0]["code"] == "key_absent"
        assert body["actions"][0]["url"].endswith(f"?vin={api.grant.connection.vehicle.vin}")
    assert api.get("/v2.0/vehicles/{id}/tesla/diagnosis?permission=read_vin").json()["error"] is None


def test_the_diagnosis_of_a_permission_that_does_not_exist_is_refused(api: Calls) -> None:
    answer = api.get("/v2.0/vehicles/{id}/tesla/diagnosis?permission=fly")
    assert (answer.status_code, answer.json()["detail"][0]["field"]) == (400, "permission")


@pytest.mark.parametrize(
    "path", ["TESLA/charge", "TESLA", "TESLA/", "TESLA/user/access", "FORD/charge", "TESLA/no/such"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_make_in_capitals_is_a_permission_error(api: Calls, method: str, path: str) -> None:
    answer = api(method, f"/v2.0/vehicles/{{id}}/{path}")
    assert (answer.status_code, answer.json()["type"], answer.json()["code"]) == (403, "PERMISSION", None)
