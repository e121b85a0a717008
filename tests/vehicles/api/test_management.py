"""Management tokens: an application lists, diagnoses and ends its own connections, and sees nobody else's."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from django.test import Client
from django.utils import timezone

from portal.application_credentials import keep_management_token, new_management_token
from tests.factories import (
    ApplicationFactory,
    ReservationFactory,
    TeslaAccountFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.vehicles.api.conftest import calls_for
from vehicles import facts
from vehicles.models import Application, Event, VehicleGrant

pytestmark = pytest.mark.django_db

CONNECTIONS = "/v2.0/management/connections"
DIAGNOSES = "/v2.0/management/diagnoses"


def basic(token: str, user: str = "default") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode()}


class Manager:
    """An application that speaks with its management token."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.token = new_management_token(application).management_token

    def get(self, path: str, **query: Any) -> Any:
        return Client().get(path, query, headers=basic(self.token)).json()

    def delete(self, **query: Any) -> Any:
        return Client().delete(CONNECTIONS, query_params=query, headers=basic(self.token)).json()

    def grant(self, **more: Any) -> VehicleGrant:
        made: VehicleGrant = VehicleGrantFactory(application=self.application, **more)
        facts.refresh_verdicts(VehicleGrant.objects.all(), timezone.now())
        return made


@pytest.fixture
def manager(db: None) -> Manager:
    return Manager(ApplicationFactory())


def vehicle_id(grant: VehicleGrant) -> str:
    return str(grant.connection.public_id)


def user_id(grant: VehicleGrant) -> str:
    users = grant.connection.application.application_users
    return str(users.get(person=grant.account.person).public_id)


def listed(answer: Any) -> list[str]:
    return [row["vehicleId"] for row in answer["connections"]]


def test_connections_are_listed_newest_first_and_none_of_another_application(manager: Manager) -> None:
    older, newer = manager.grant(), manager.grant(account=TeslaAccountFactory(mode="simulated"))
    VehicleGrantFactory()
    answer = manager.get(CONNECTIONS)
    assert [set(row) for row in answer["connections"]] == [{"vehicleId", "userId", "connectedAt", "mode"}] * 2
    assert listed(answer) == [vehicle_id(newer), vehicle_id(older)]
    assert [row["userId"] for row in answer["connections"]] == [user_id(newer), user_id(older)]
    assert [row["mode"] for row in answer["connections"]] == ["simulated", "live"]
    assert answer["paging"] == {"cursor": None}


def test_connections_come_in_pages_that_join_without_gap(manager: Manager) -> None:
    made = [vehicle_id(manager.grant()) for _ in range(5)]
    shared = manager.grant(vehicle=VehicleFactory())
    manager.grant(vehicle=shared.connection.vehicle)
    found, cursor = [], ""
    while cursor is not None:
        answer = manager.get(CONNECTIONS, limit=2, cursor=cursor)
        assert len(answer["connections"]) <= 2
        found += listed(answer)
        cursor = answer["paging"]["cursor"]
    assert found == [vehicle_id(shared)] * 2 + made[::-1]


@pytest.mark.parametrize("path", [CONNECTIONS, DIAGNOSES])
def test_a_cursor_tells_nothing_and_is_of_no_use_to_another_application(manager: Manager, path: str) -> None:
    grants, other = [manager.grant(), manager.grant()], Manager(ApplicationFactory())
    cursor = manager.get(path, limit=1)["paging"]["cursor"]
    read = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    ids = [str(each) for grant in grants for each in (grant.connection_id, grant.pk)]
    assert not any(number.encode() in read for number in ids if len(number) > 3)
    # Nor can two be compared.
    again = manager.get(path, limit=1)["paging"]["cursor"]
    assert again != cursor
    assert len(again) == len(cursor) < 200
    refused = other.get(path, cursor=cursor)
    assert (refused["type"], refused["detail"][0]["field"]) == ("VALIDATION", "cursor")


@pytest.mark.parametrize("path", [CONNECTIONS, DIAGNOSES])
def test_a_cursor_of_before_is_refused_with_what_to_do(manager: Manager, path: str) -> None:
    grant = manager.grant()
    plain = f"{grant.connection_id + 1}.{grant.pk}"
    refused = manager.get(path, cursor=base64.urlsafe_b64encode(plain.encode()).decode().rstrip("="))
    assert refused["statusCode"] == 400
    assert "begin again without one" in str(refused["detail"])


def test_a_page_does_not_cost_more_for_more_rows(
    manager: Manager, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        manager.grant()
    with django_assert_max_num_queries(2):
        manager.get(CONNECTIONS, limit=12)
    with django_assert_max_num_queries(4):
        assert len(manager.get(DIAGNOSES, limit=12)["diagnoses"]) == 12


def test_connections_are_filtered_by_car_user_and_mode(manager: Manager) -> None:
    first, second = manager.grant(), manager.grant()
    simulated = manager.grant(account=TeslaAccountFactory(mode="simulated"))
    assert listed(manager.get(CONNECTIONS, vehicle_id=vehicle_id(first))) == [vehicle_id(first)]
    assert listed(manager.get(CONNECTIONS, user_id=user_id(second))) == [vehicle_id(second)]
    assert listed(manager.get(CONNECTIONS, user_id=user_id(second), vehicle_id=vehicle_id(first))) == []
    for mode in ("simulated", "test"):
        assert listed(manager.get(CONNECTIONS, mode=mode)) == [vehicle_id(simulated)]


def test_the_same_user_id_at_another_application_is_another_person(manager: Manager) -> None:
    mine, other = manager.grant(), VehicleGrantFactory()
    shared = user_id(mine)
    other.connection.application.application_users.update(public_id=shared)
    VehicleGrantFactory(application=manager.application, account=other.account)
    assert listed(manager.get(CONNECTIONS, user_id=shared)) == [vehicle_id(mine)]


def test_a_car_held_through_two_accounts_of_one_person_is_one_connection(manager: Manager) -> None:
    grant = manager.grant()
    second = TeslaAccountFactory(person=grant.account.person)
    manager.grant(account=second, vehicle=grant.connection.vehicle)
    assert listed(manager.get(CONNECTIONS)) == [vehicle_id(grant)]
    assert manager.delete(vehicle_id=vehicle_id(grant)) == {
        "connections": [{"vehicleId": vehicle_id(grant), "userId": user_id(grant)}]
    }
    assert VehicleGrant.objects.filter(revoked_at=None).count() == 0


def test_deleting_a_connection_ends_the_reach_of_tokens_and_names_what_ended(manager: Manager) -> None:
    grant, kept = manager.grant(), manager.grant()
    calls = calls_for(grant)
    assert calls.get("/v2.0/vehicles/{id}/vin").status_code == 200
    assert manager.delete(user_id=user_id(grant)) == {
        "connections": [{"vehicleId": vehicle_id(grant), "userId": user_id(grant)}]
    }
    assert calls.get("/v2.0/vehicles/{id}/vin").status_code == 403
    assert listed(manager.get(CONNECTIONS)) == [vehicle_id(kept)]
    event = Event.objects.get(kind="grant:revoked")
    assert event.actor == f"application:{manager.application.client_id}"
    assert manager.delete(user_id=user_id(grant)) == {"connections": []}


def test_both_ids_together_end_just_that_pair(manager: Manager) -> None:
    owner = manager.grant()
    driver = manager.grant(vehicle=owner.connection.vehicle)
    ended = manager.delete(vehicle_id=vehicle_id(owner), user_id=user_id(driver))
    assert ended["connections"] == [{"vehicleId": vehicle_id(owner), "userId": user_id(driver)}]
    assert VehicleGrant.objects.get(revoked_at=None) == owner


def test_another_applications_connection_cannot_be_deleted(manager: Manager) -> None:
    other = VehicleGrantFactory()
    assert manager.delete(vehicle_id=vehicle_id(other)) == {"connections": []}
    assert VehicleGrant.objects.get().revoked_at is None


def test_deleting_without_naming_anything_is_refused(manager: Manager) -> None:
    manager.grant()
    answer = manager.delete()
    assert (answer["type"], answer["statusCode"]) == ("VALIDATION", 400)
    assert VehicleGrant.objects.get().revoked_at is None


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": 101}, {"limit": "many"}, {"vehicle_id": "no-id"}, {"mode": "dead"},
        {"cursor": "x"}, {"cursor": "%00"}, {"cursor": base64.urlsafe_b64encode(b"1.2").decode()},
        {"cursor": base64.urlsafe_b64encode("²".encode()).decode()},
    ],
)  # fmt: skip
def test_a_wrong_query_is_named(manager: Manager, query: dict[str, Any]) -> None:
    answer = manager.get(CONNECTIONS, **query)
    assert (answer["type"], answer["detail"][0]["field"]) == ("VALIDATION", next(iter(query)))


@pytest.mark.parametrize("name", ["limit", "mode", "vehicle_id", "user_id", "cause", "verdict", "next_actor"])
def test_an_empty_filter_is_refused_and_does_not_mean_everything(manager: Manager, name: str) -> None:
    manager.grant()
    answer = manager.get(DIAGNOSES, **{name: ""})
    assert (answer["type"], answer["detail"][0]["field"]) == ("VALIDATION", name)


def test_an_empty_id_beside_another_ends_nothing(manager: Manager) -> None:
    grant = manager.grant()
    assert manager.delete(user_id="", vehicle_id=vehicle_id(grant))["type"] == "VALIDATION"
    assert VehicleGrant.objects.get().revoked_at is None


def test_a_diagnosis_says_what_is_wrong_whose_move_it_is_and_where_they_go(manager: Manager) -> None:
    broken = manager.grant(account=TeslaAccountFactory(consent="revoked"))
    manager.grant(vehicle=VehicleFactory(key="present"))
    [row] = manager.get(DIAGNOSES, cause="consent_revoked")["diagnoses"]
    assert (row["vehicleId"], row["userId"], row["mode"]) == (vehicle_id(broken), user_id(broken), "live")
    assert (row["verdict"], row["causes"][0]["code"]) == ("blocked", "consent_revoked")
    assert row["error"] == {"type": "CONNECTED_SERVICES_ACCOUNT", "code": "PERMISSION"}
    assert row["actions"][0]["actor"] == "owner" and "/oauth/authorize?" in row["actions"][0]["url"]
    direct = calls_for(broken).get("/v2.0/vehicles/{id}/tesla/diagnosis").json()
    assert {name: row[name] for name in direct} == direct


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"verdict": "ok"}, ["fine"]),
        ({"verdict": "unproven"}, ["unseen"]),
        ({"verdict": "blocked"}, ["revoked"]),
        ({"cause": "key_absent"}, ["keyless", "driven"]),
        ({"next_actor": "driver"}, ["driven"]),
        ({"next_actor": "owner", "verdict": "degraded"}, ["keyless"]),
        ({}, ["fine", "revoked", "keyless", "driven", "unseen"]),
    ],
)
def test_diagnoses_are_filtered_by_what_the_audit_knows(
    manager: Manager, query: dict[str, str], expected: list[str]
) -> None:
    made = {
        "fine": manager.grant(vehicle=VehicleFactory(key="present")),
        "revoked": manager.grant(account=TeslaAccountFactory(consent="revoked")),
        "keyless": manager.grant(),
        "driven": manager.grant(access="DRIVER"),
        "unseen": manager.grant(vehicle=VehicleFactory(key="unknown")),
    }
    found = [row["vehicleId"] for row in manager.get(DIAGNOSES, **query)["diagnoses"]]
    assert sorted(found) == sorted(vehicle_id(made[name]) for name in expected)


def test_diagnoses_come_in_pages(manager: Manager) -> None:
    made = [vehicle_id(manager.grant()) for _ in range(3)]
    first = manager.get(DIAGNOSES, limit=2)
    rest = manager.get(DIAGNOSES, limit=2, cursor=first["paging"]["cursor"])
    assert [row["vehicleId"] for row in first["diagnoses"] + rest["diagnoses"]] == made[::-1]
    assert rest["paging"]["cursor"] is None


@pytest.mark.parametrize("path", [CONNECTIONS, DIAGNOSES])
def test_only_a_management_token_opens_management(manager: Manager, path: str) -> None:
    bearer = calls_for(manager.grant()).token
    refused = [
        {},
        {"Authorization": f"Bearer {manager.token}"},
        {"Authorization": f"Bearer {bearer}"},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()},
        basic(""),
        basic(bearer),
        basic(manager.token + "x"),
        basic(manager.token, user=manager.application.client_id),
    ]
    for headers in refused:
        answer = Client().get(path, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, "AUTHENTICATION"), headers
        assert answer["WWW-Authenticate"] == "Basic"
    assert Client().get(path, headers=basic(manager.token)).status_code == 200


@pytest.mark.parametrize(
    "token", ["a+b" * 12, "100%" * 10, "p%2Bq+r" * 6, "a:b+c" * 8, ":%3A" * 9, "plain" * 8]
)
@pytest.mark.parametrize("spell", [str, quote_plus, quote], ids=["raw", "form-urlencoded", "percent-encoded"])
def test_a_token_that_came_from_elsewhere_is_taken_raw_and_percent_encoded(
    manager: Manager, token: str, spell: Callable[[str], str]
) -> None:
    keep_management_token(manager.application, token)
    assert Client().get(CONNECTIONS, headers=basic(spell(token))).status_code == 200
    assert Client().get(CONNECTIONS, headers=basic(spell(token + "+"))).status_code == 401
    path = f"/v2.0/vehicles/{vehicle_id(manager.grant())}/application"
    assert Client().delete(path, headers=basic(spell(token))).status_code == 200


def test_a_replaced_token_opens_nothing(manager: Manager) -> None:
    new_management_token(manager.application)
    assert manager.get(CONNECTIONS)["type"] == "AUTHENTICATION"


def test_an_application_without_a_token_is_opened_by_none() -> None:
    ApplicationFactory()
    assert Client().get(CONNECTIONS, headers=basic("")).status_code == 401


@pytest.fixture
def smartcar(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The official SDK, which reads its origins once, at import."""
    monkeypatch.setenv("SMARTCAR_MANAGEMENT_API_ORIGIN", live_server.url)
    sdk = importlib.import_module("smartcar")
    importlib.reload(importlib.import_module("smartcar.config"))
    return sdk


def test_the_official_sdk_lists_and_deletes_connections(smartcar: Any, manager: Manager) -> None:
    first, second = manager.grant(), manager.grant()
    page = smartcar.get_connections(manager.token, paging={"limit": 1})
    assert [row.vehicle_id for row in page.connections] == [vehicle_id(second)]
    assert len(page.meta.request_id) == 36 and page.connections[0].connected_at.endswith("Z")
    rest = smartcar.get_connections(manager.token, paging={"limit": 1, "cursor": page.paging.cursor})
    assert [row.vehicle_id for row in rest.connections] == [vehicle_id(first)]
    assert rest.paging.cursor is None
    by_user = smartcar.get_connections(manager.token, {"user_id": user_id(first)})
    assert [row.vehicle_id for row in by_user.connections] == [vehicle_id(first)]

    ended = smartcar.delete_connections(manager.token, {"vehicle_id": vehicle_id(first)})
    assert [tuple(row) for row in ended.connections] == [(vehicle_id(first), user_id(first), None)]
    assert [row.vehicle_id for row in smartcar.get_connections(manager.token).connections] == [
        vehicle_id(second)
    ]
    with pytest.raises(smartcar.SmartcarException) as refused:
        smartcar.get_connections("not a token")
    assert (refused.value.type, refused.value.status_code) == ("AUTHENTICATION", 401)


def test_cars_that_are_not_connected_yet_come_last_with_the_link_that_connects_them(manager: Manager) -> None:
    rows = [ReservationFactory(application=manager.application) for _ in range(3)]
    ReservationFactory()
    connected = [vehicle_id(manager.grant()) for _ in range(2)]
    found: list[Any] = []
    cursor = ""
    while cursor is not None:
        answer = manager.get(DIAGNOSES, limit=2, cursor=cursor)
        found += answer["diagnoses"]
        cursor = answer["paging"]["cursor"]
    assert [row["vehicleId"] for row in found[:2]] == connected[::-1]
    assert {row["vehicleId"] for row in found[2:]} == {str(row.vehicle_public_id) for row in rows}
    assert len(found) == 5
    [row] = manager.get(DIAGNOSES, user_id=str(rows[0].user_public_id))["diagnoses"]
    assert (row["verdict"], row["causes"][0]["code"]) == ("blocked", "not_connected")
    [action] = row["actions"]
    assert (action["actor"], action["code"]) == ("application", "send_connect_link")
    assert f"single_select=true&single_select_vin={rows[0].vin}" in action["url"]
    assert "scope=read_vin+control_security" in action["url"]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ({"cause": "not_connected"}, 1), ({"verdict": "blocked"}, 1), ({"next_actor": "application"}, 1),
        ({"mode": "live"}, 1), ({"cause": "key_absent"}, 0), ({"verdict": "ok"}, 0), ({"next_actor": "owner"}, 0),
        ({"mode": "simulated"}, 0), ({"vehicle_id": "8f7d9c0e-6a6a-4f8e-9f69-0d6a3f2b1c11"}, 0),
    ],
)  # fmt: skip
def test_cars_that_are_not_connected_yet_are_filtered_like_the_others(
    manager: Manager, query: dict[str, str], number: int
) -> None:
    ReservationFactory(application=manager.application)
    assert len(manager.get(DIAGNOSES, **query)["diagnoses"]) == number


def test_the_management_token_gives_a_vehicle_up_for_everybody(manager: Manager) -> None:
    given = manager.grant()
    another = manager.grant(vehicle=given.connection.vehicle)
    foreign = VehicleGrantFactory(vehicle=given.connection.vehicle)
    path = f"/v2.0/vehicles/{vehicle_id(given)}/application"
    assert Client().delete(path, headers=basic("wrong")).status_code == 401
    foreign_path = f"/v2.0/vehicles/{vehicle_id(foreign)}/application"
    assert Client().delete(foreign_path, headers=basic(manager.token)).status_code == 403
    assert Client().delete("/v2.0/vehicles/x/application", headers=basic(manager.token)).status_code == 400
    assert Client().delete(path, headers=basic(manager.token)).json() == {"status": "success"}
    assert set(VehicleGrant.objects.active()) == {foreign}
    assert another.connection_id == given.connection_id
    assert Client().delete(path, headers=basic(manager.token)).status_code == 403
