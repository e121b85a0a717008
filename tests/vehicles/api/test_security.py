"""Locking and unlocking over the API: what is checked before anything is sent, and what is answered after it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.factories import VehicleFactory
from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls, calls_for, keyless_grant
from vehicles.models import Command
from vehicles.tesla.simulator.server import SimulatorServer

DONE = (200, {"response": {"result": True, "reason": ""}})


@pytest.mark.parametrize("action, command", [("LOCK", "door_lock"), ("UNLOCK", "door_unlock")])
def test_an_action_is_sent_and_answered_with_the_sentence_that_clients_compare(
    api: Calls, tesla: AnsweringTesla, action: str, command: str
) -> None:
    tesla.answers[f"/command/{command}"] = DONE
    answer = api.lock(json.dumps({"action": action}))
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "success", "message": "Successfully sent request to vehicle"},
    )
    assert tesla.paths() == [f"/api/1/vehicles/{api.grant.connection.vehicle.vin}/command/{command}"]
    assert Command.objects.get().request_id == answer.headers["SC-Request-Id"]


@pytest.mark.parametrize(
    "body, field",
    [
        ("{", "body"),
        ("\udcff", "body"),
        ("[]", "body"),
        ('"LOCK"', "body"),
        ("null", "body"),
        ("[" * 100_000, "body"),
        ("", "action"),
        ("{}", "action"),
        ('{"action": "lock"}', "action"),
        ('{"action": "OPEN"}', "action"),
        ('{"action": null}', "action"),
        ('{"action": ["LOCK"]}', "action"),
        ('{"action": {}}', "action"),
        ('{"action": "' + "x" * 3_000_000 + '"}', "body"),
    ],
    ids=lambda value: str(value)[:20].encode(errors="replace").decode(),
)
def test_a_body_that_says_nothing_sensible_is_refused_and_nothing_is_sent(
    api: Calls, tesla: AnsweringTesla, body: str, field: str
) -> None:
    content: Any = body.encode(errors="surrogateescape")
    answer = api.lock(content)
    assert answer.status_code == 400
    assert (answer.json()["type"], answer.json()["code"]) == ("VALIDATION", None)
    assert [entry["field"] for entry in answer.json()["detail"]] == [field]
    assert tesla.calls == [] and not Command.objects.exists()


def test_the_body_is_read_whatever_content_type_the_client_claims(api: Calls, tesla: AnsweringTesla) -> None:
    tesla.answers["/command/door_lock"] = DONE
    answer = api(
        "POST", "/v2.0/vehicles/{id}/security/", data='{"action": "LOCK"}', content_type="text/plain"
    )
    assert answer.status_code == 200


def test_what_was_never_granted_is_refused_before_the_body_is_read(db: None, tesla: AnsweringTesla) -> None:
    api = calls_for(keyless_grant(requested=["read_vin"]))
    answer = api.lock("{")
    assert (answer.status_code, answer.json()["type"]) == (403, "PERMISSION")
    assert tesla.calls == []


@pytest.mark.parametrize("fault", [{"consent": "revoked"}, {"granted_scopes": []}])
def test_a_wrong_body_is_named_before_the_state_of_the_account(api: Calls, fault: dict[str, Any]) -> None:
    for name, value in fault.items():
        setattr(api.account, name, value)
    api.account.save()
    assert api.lock("{").json()["type"] == "VALIDATION"
    answer = api.lock()
    assert (answer.json()["type"], answer.json()["code"]) == ("CONNECTED_SERVICES_ACCOUNT", "PERMISSION")


def test_a_missing_key_is_refused_with_the_page_that_adds_it(db: None, tesla: AnsweringTesla) -> None:
    grant = keyless_grant()
    grant.connection.vehicle = VehicleFactory(key="absent")
    grant.connection.save()
    answer = calls_for(grant).lock()
    body = answer.json()
    assert (answer.status_code, body["type"], body["code"]) == (
        400,
        "CONNECTED_SERVICES_ACCOUNT",
        "VIRTUAL_KEY_REQUIRED",
    )
    assert body["resolution"]["type"] == "ACTION_REQUIRED"
    assert "/_ak/" in body["resolution"]["url"]


def test_an_answer_that_never_came_names_the_command_that_may_have_happened(
    api: Calls, tesla: AnsweringTesla
) -> None:
    tesla.answers["/command/door_lock"] = (500, {"error": "internal"})
    body = api.lock().json()
    assert (body["type"], body["code"]) == ("UPSTREAM", "NO_RESPONSE")
    assert body["detail"] == [{"field": "commandId", "message": str(Command.objects.get().pk)}]


def test_a_repeat_under_the_same_key_sends_nothing_and_another_action_under_it_is_refused(
    api: Calls, tesla: AnsweringTesla
) -> None:
    tesla.answers["/command/door_lock"] = tesla.answers["/command/door_unlock"] = DONE
    key = {"Idempotency-Key": "one"}
    assert api.lock(headers=key).json() == api.lock(headers=key).json()
    assert len(tesla.calls) == 1
    refused = api.lock('{"action": "UNLOCK"}', headers=key)
    assert (refused.status_code, refused.json()["detail"][0]["field"]) == (400, "Idempotency-Key")
    too_long = api.lock(headers={"Idempotency-Key": "k" * 256})
    assert (too_long.status_code, too_long.json()["detail"][0]["field"]) == (400, "Idempotency-Key")
    assert len(tesla.calls) == 1


@pytest.mark.django_db(transaction=True)
def test_callers_that_wait_for_a_running_command_leave_threads_free(
    simulator: SimulatorServer, signed: Calls, settings: Any
) -> None:
    signed.lock()  # from here on no handshake is needed
    settings.TESLA_UPSTREAM_SLOTS = 2
    simulator.world.faults.add(
        {"match": {"path": "*signed_command*"}, "delay_ms": 1500, "effect_happens": True}
    )
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: signed.lock().status_code, range(5)))
    assert sorted(answers) == [200, 200, 503, 503, 503]
