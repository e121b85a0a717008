"""Every request of an application that is refused is found by its request id; one that is answered costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from connect import tasks
from tests.factories import (
    ApplicationFactory,
    RefusedRequestFactory,
    TeslaAccountFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls, calls_for
from vehicles.history import refused_requests, retention
from vehicles.models import Command, RefusedRequest, Vehicle, VehicleGrant

pytestmark = pytest.mark.django_db


def kept(answer: Any) -> RefusedRequest:
    """The row of this answer's request."""
    assert answer.status_code >= 400
    body, [row] = answer.json(), RefusedRequest.objects.filter(request_id=answer.json()["requestId"])
    assert row.error in (body["type"], f"{body['type']}:{body['code']}")
    assert answer.headers["SC-Request-Id"] == row.request_id
    return row


LOCK_ROUTE = "/v2.0/vehicles/{vehicle_id}/security"
FAULTS: dict[str, Callable[[], VehicleGrant]] = {
    "paused": lambda: VehicleGrantFactory(vehicle=VehicleFactory(key="present", paused=True)),
    "consent_revoked": lambda: VehicleGrantFactory(account=TeslaAccountFactory(consent="revoked")),
    "withdrawn_at_tesla": lambda: VehicleGrantFactory(
        account=TeslaAccountFactory(granted_scopes=["vehicle_device_data"])
    ),
    "sign_in_needed": lambda: VehicleGrantFactory(account=TeslaAccountFactory(consent="sign_in_needed")),
    "key_absent": lambda: VehicleGrantFactory(
        vehicle=VehicleFactory(key="absent", key_observed_at=timezone.now())
    ),
    "not_requested": lambda: VehicleGrantFactory(requested=["read_vin"]),
    "declined_in_connect": lambda: VehicleGrantFactory(
        requested=["read_vin", "control_security"], approved=["read_vin"], declined=["control_security"]
    ),
    "not_granted_at_tesla": lambda: VehicleGrantFactory(
        requested=["read_vin", "control_security"], approved=["read_vin"]
    ),
}


@pytest.mark.parametrize("cause", FAULTS)
def test_a_command_that_was_refused_from_the_store_is_found_with_its_cause(cause: str) -> None:
    api = calls_for(FAULTS[cause]())
    row = kept(api.lock())
    assert (row.cause, row.method, row.route, row.application) == (cause, "POST", LOCK_ROUTE, api.application)
    assert (row.grant_id, row.vehicle_id) == (api.grant.pk, api.grant.connection.vehicle_id)
    assert row.control == ("" if row.error == "PERMISSION" else "lock")
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("path", "error", "fields"),
    [
        ("/v2.0/vehicles/{id}/tires/pressure", "PERMISSION", ""),
        ("/v2.0/vehicles/not-an-id/battery", "VALIDATION", "id"),
        ("/v2.0/vehicles/11111111-1111-4111-8111-111111111111/battery", "PERMISSION", ""),
        ("/v2.0/vehicles?limit=0", "VALIDATION", "limit"),
        ("/v2.0/vehicles/{id}/tesla/diagnosis?permission=fly", "VALIDATION", "permission"),
    ],
)
def test_reads_and_wrong_requests_are_found_too(api: Calls, path: str, error: str, fields: str) -> None:
    row = kept(api.get(path))
    assert (row.error, row.fields) == (error, fields)


def test_a_refused_management_request_is_found() -> None:
    application = ApplicationFactory()
    from tests.vehicles.api.test_management import Manager

    manager = Manager(application)
    answer = manager.get("/v2.0/management/connections", limit=0)
    assert RefusedRequest.objects.get(request_id=answer["requestId"]).application == application


def test_a_read_that_tesla_failed_is_found(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.answers["/vehicle_data"] = (503, {})
    assert kept(api.get("/v2.0/vehicles/{id}/battery")).error.startswith("UPSTREAM")


def test_a_command_that_has_a_row_of_its_own_gets_no_second_one(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.answers["/door_lock"] = (200, {"response": {"result": False, "reason": "moving"}})
    body = api.lock().json()
    assert Command.objects.get().request_id == body["requestId"]
    assert not RefusedRequest.objects.exists()


def test_who_joins_a_command_that_failed_has_a_row_that_says_so(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.answers["/door_lock"] = (200, {"response": {"result": False, "reason": "moving"}})
    first, second = (api.lock(headers={"Idempotency-Key": "one"}) for _ in range(2))
    assert Command.objects.get().request_id == first.json()["requestId"]
    assert kept(second).control == "lock"


def test_nothing_personal_is_kept_whatever_the_caller_writes(api: Calls) -> None:
    vehicle, email = api.grant.connection.vehicle, api.account.email
    api.get(f"/v2.0/vehicles/{vehicle.vin}/battery?{email}={vehicle.vin}")
    api.lock(f'{{"action": "{email}", "{vehicle.vin}": 1}}')
    api.post(f"/v2.0/vehicles/{email}/security", vehicle.vin)
    written = str(list(RefusedRequest.objects.values()))
    assert RefusedRequest.objects.count() == 3
    assert not any(secret in written for secret in (vehicle.vin, email, api.vehicle_id, api.account.sub))


def test_whoever_is_not_known_leaves_no_row(api: Calls) -> None:
    for token in ("", "nonsense"):
        assert api.get("/v2.0/vehicles", token=token).status_code == 401
    assert api.get("/v2.0/nowhere").status_code == 404
    assert not RefusedRequest.objects.exists()


def test_a_request_that_is_answered_writes_nothing(api: Calls) -> None:
    api.get("/v2.0/vehicles/{id}/permissions")
    with CaptureQueriesContext(connection) as asked:
        assert api.get("/v2.0/vehicles/{id}/permissions").status_code == 200
    assert not [each["sql"] for each in asked if "refused" in each["sql"]]


def test_a_refusal_costs_one_statement_more() -> None:
    api = calls_for(FAULTS["consent_revoked"]())
    api.lock()
    with CaptureQueriesContext(connection) as asked:
        api.lock()
    assert len([each for each in asked if "refused" in each["sql"]]) == 1


def test_an_answer_does_not_hang_on_its_record(api: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(**values: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(RefusedRequest.objects, "create", full)
    assert api.get("/v2.0/vehicles/not-an-id/battery").status_code == 400


def test_an_application_that_floods_is_counted_and_the_next_minute_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(refused_requests, "MOST_A_MINUTE", 3)
    flooding, other = (calls_for(FAULTS["consent_revoked"]()) for _ in range(2))
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(5):
            flooding.lock()
        other.lock()
        assert RefusedRequest.objects.filter(application=flooding.application).count() == 3
        assert RefusedRequest.objects.filter(application=other.application).count() == 1
        clock.shift(61)
        assert kept(flooding.lock()).left_out == 2
        assert kept(flooding.lock()).left_out == 0


def test_old_rows_go_and_of_each_application_the_newest_stay(
    now: datetime, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_requests, "MOST_OF_AN_APPLICATION", 3)
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    settings.REFUSALS_KEPT_DAYS = 2
    grant = VehicleGrantFactory()
    for _ in range(3):
        RefusedRequestFactory(grant=grant, at=now - timedelta(days=3))
    many = [RefusedRequestFactory(grant=grant) for _ in range(5)]
    other = RefusedRequestFactory()
    tasks.forget_old_rows()
    assert set(RefusedRequest.objects.values_list("pk", flat=True)) == {
        *(row.pk for row in many[-3:]),
        other.pk,
    }


def test_an_erased_car_leaves_ids_that_lead_nowhere(api: Calls) -> None:
    row = kept(api.get("/v2.0/vehicles/{id}/tires/pressure"))
    Vehicle.objects.all().delete()
    row.refresh_from_db()
    assert row.grant_id == api.grant.pk
