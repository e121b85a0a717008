"""Compatibility before anybody connects: by VIN and for all models."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.factories import ApplicationFactory
from tests.vehicles.api.conftest import Calls
from tests.vehicles.api.test_every_control import SENDS, Sends
from tests.vehicles.api.test_schema import described_path
from vehicles import compatibility
from vehicles.api.v2.not_offered import NOT_OFFERED
from vehicles.commands.controls import CONTROLS
from vehicles.compatibility import ENDPOINTS
from vehicles.models import Application, RefusedRequest
from vehicles.permissions import PERMISSIONS
from vehicles.reads import READS

VIN = "5YJ3E1EA7KF000101"
WITHOUT_PERMISSION = {
    "/application",
    "/batch",
    "/permissions",
    "/tesla/user/access",
    "/tesla/diagnosis",
    "/tesla/fix",
    "/webhooks/{webhook_id}",
}
"""For these a valid token is enough; they are about the connection, not the car."""


class Credentials:
    """Calls with the credentials of an application of its own."""

    def __init__(self, **more: Any) -> None:
        self.secret = secrets.token_urlsafe(32)
        self.application: Application = ApplicationFactory(client_secret=self.secret, **more)

    def get(self, path: str = "", *, client_id: str = "", secret: str = "", **query: str) -> Any:
        pair = f"{client_id or self.application.client_id}:{secret or self.secret}"
        basic = base64.b64encode(pair.encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        return Client().get(f"/v2.0/compatibility{path}", query, headers=headers)

    def of(self, vin: str, scope: str = "read_odometer", **more: str) -> Any:
        return self.get(vin=vin, scope=scope, **more).json()


@pytest.fixture
def client_of(db: None) -> Credentials:
    return Credentials()


@pytest.mark.parametrize(
    ("vin", "reason"),
    [
        (VIN, None),
        (VIN.lower(), None),
        ("7SAYGDEE5NF000202", None),
        ("LRW3E7EA7MC000101", None),
        ("XP7YGCEE5NB000101", None),
        ("7G2CEHED5RA000001", None),
        ("5YJSA1E20CF000001", None),
        # Other makers, whatever the rest looks like.
        ("1FTFW1ET5DFC10312", "MAKE_NOT_COMPATIBLE"),
        ("5YK3E1EA7KF000101", "MAKE_NOT_COMPATIBLE"),
        ("00000000000000000", "MAKE_NOT_COMPATIBLE"),
        # The Roadster, a model that there is not, and years in which there was no such model.
        ("SFZRE11B083000001", "VEHICLE_NOT_COMPATIBLE"),
        ("5YJZE1EA7KF000101", "VEHICLE_NOT_COMPATIBLE"),
        ("5YJ3E1EA7GF000101", "VEHICLE_NOT_COMPATIBLE"),
        ("5YJ3E1EA78F000101", "VEHICLE_NOT_COMPATIBLE"),
        ("5YJ3E1EA70F000101", "VEHICLE_NOT_COMPATIBLE"),
    ],
)
def test_the_vin_decides_whether_a_car_can_be_connected(
    client_of: Credentials, vin: str, reason: str | None
) -> None:
    found = client_of.of(vin)
    assert (found["compatible"], found["reason"]) == (reason is None, reason)
    assert len(found["capabilities"]) == (0 if reason else 1)


@pytest.mark.parametrize(
    ("vin", "permission", "told"),
    [
        (VIN, "read_fuel", {"/fuel": "VEHICLE_NOT_CAPABLE"}),
        (VIN, "read_engine_oil", {"/engine/oil": "VEHICLE_NOT_CAPABLE"}),
        (VIN, "read_service_history", {"/service/history": "SMARTCAR_NOT_CAPABLE"}),
        (VIN, "read_charge_events", {"/charge/events": "SMARTCAR_NOT_CAPABLE"}),
        (VIN, "control_trunk", {"/tesla/security/trunk": None, "/tesla/security/frunk": None}),
        ("5YJSA1E20DF000001", "read_tires", {"/tires/pressure": "VEHICLE_NOT_CAPABLE"}),
        ("5YJSA1E20FF000001", "read_tires", {"/tires/pressure": None}),
        ("5YJ3E1EA7LF000101", "read_climate", {"/tesla/climate/steering_wheel": "VEHICLE_NOT_CAPABLE"}),
        ("5YJ3E1EA7MF000101", "read_climate", {"/tesla/climate/steering_wheel": None}),
    ],
)
def test_the_model_year_decides_what_a_car_can_do(
    client_of: Credentials, vin: str, permission: str, told: dict[str, str | None]
) -> None:
    found = client_of.of(vin, permission)["capabilities"]
    assert {each["permission"] for each in found} == {permission}
    assert told.items() <= {each["endpoint"]: each["reason"] for each in found}.items()
    assert all(each["capable"] is (each["reason"] is None) for each in found)


def test_capabilities_follow_the_scope_and_name_each_permission_once(client_of: Credentials) -> None:
    scope = ["read_vin", "read_battery", "control_charge", "read_vin"]
    found = client_of.of(VIN, " ".join(scope))["capabilities"]
    assert list(dict.fromkeys(each["permission"] for each in found)) == scope[:3]
    assert len(found) == 1 + 3 + 5


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"scope": "read_vin"}, "vin"),
        ({"vin": "", "scope": "read_vin"}, "vin"),
        ({"vin": VIN[:16], "scope": "read_vin"}, "vin"),
        ({"vin": "5YJ3E7EA7KF00000O", "scope": "read_vin"}, "vin"),
        ({"vin": f"{VIN}\n1", "scope": "read_vin"}, "vin"),
        ({"vin": VIN}, "scope"),
        ({"vin": VIN, "scope": " "}, "scope"),
        ({"vin": VIN, "scope": "read_vin read_mind"}, "scope"),
        ({"vin": VIN, "scope": "required:read_vin"}, "scope"),
        ({"vin": VIN, "scope": "read_vin", "country": "USA"}, "country"),
        ({"vin": VIN, "scope": "read_vin", "mode": "dream"}, "mode"),
        ({"vin": VIN, "scope": "read_vin", "mode": "test"}, "test_mode_compatibility_level"),
        (
            {"vin": VIN, "scope": "read_vin", "mode": "test", "test_mode_compatibility_level": "steam"},
            "test_mode_compatibility_level",
        ),
    ],
)
def test_a_wrong_query_is_refused_and_its_field_named(
    client_of: Credentials, query: dict[str, str], field: str
) -> None:
    answer = client_of.get(**query)
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    assert [each["field"] for each in answer.json()["detail"]] == [field]
    kept = RefusedRequest.objects.get(request_id=answer.headers["SC-Request-Id"])
    assert kept.application == client_of.application


@pytest.mark.parametrize(
    ("level", "reason", "not_capable"),
    [
        ("compatible", None, ["/fuel"]),
        ("bev", None, ["/fuel"]),
        ("phev", None, []),
        ("fuel", None, ["/battery", "/battery/capacity", "/battery/nominal_capacity"]),
        ("incompatible", "VEHICLE_NOT_COMPATIBLE", []),
        ("dinosaur", "VEHICLE_NOT_COMPATIBLE", []),
    ],
)
def test_in_test_mode_the_level_decides_in_place_of_the_vin(
    client_of: Credentials, level: str, reason: str | None, not_capable: list[str]
) -> None:
    found = client_of.of(
        "0SCLR000200000001", "read_fuel read_battery", mode="test", test_mode_compatibility_level=level
    )
    assert (found["compatible"], found["reason"]) == (reason is None, reason)
    assert [each["endpoint"] for each in found["capabilities"] if not each["capable"]] == not_capable


@pytest.mark.parametrize("path", ["", "/", "/matrix", "/matrix/"])
def test_only_an_applications_own_credentials_are_taken(
    client_of: Credentials, api: Calls, path: str
) -> None:
    query = {"vin": VIN, "scope": "read_vin", "region": "US"}
    assert client_of.get(path, **query).status_code == 200
    other = Credentials()
    for wrong in (
        client_of.get(path, secret="wrong", **query),
        client_of.get(path, secret=other.secret, **query),
        client_of.get(path, client_id="nobody", **query),
        client_of.get(path, client_id="a\x00b", **query),
        client_of.get(path, secret=client_of.application.client_secret, **query),
        api.get(f"/v2.0/compatibility{path}", data=query),
        Client().get(f"/v2.0/compatibility{path}", query),
        Client().get(f"/v2.0/compatibility{path}", query, headers={"Authorization": "Basic ???"}),
    ):
        assert (wrong.status_code, wrong.json()["type"]) == (401, "AUTHENTICATION")


def test_credentials_are_taken_percent_encoded_and_from_a_readable_secret(db: None) -> None:
    readable = Credentials(hash_client_secret=False)
    assert readable.get(vin=VIN, scope="read_vin").status_code == 200
    assert readable.get(vin=VIN, scope="read_vin", secret="wrong").status_code == 401
    encoded = readable.application.client_id.replace("-", "%2D")
    assert readable.get(vin=VIN, scope="read_vin", client_id=encoded).status_code == 200


def test_one_question_costs_one_query(client_of: Credentials, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert client_of.get(vin=VIN, scope="read_vin").status_code == 200
    with django_assert_num_queries(1):
        assert client_of.get("/matrix", region="US").status_code == 200


def test_the_matrix_tells_the_models_of_a_region_with_years_that_follow_each_other(
    client_of: Credentials, time_machine: Any
) -> None:
    time_machine.move_to(datetime(2027, 3, 1, tzinfo=UTC))
    models = client_of.get("/matrix", region="US", make="tesla").json()["TESLA"]
    assert {tuple(each) for each in models} == {
        ("model", "startYear", "endYear", "type", "endpoints", "permissions")
    }
    years = [(each["model"], each["startYear"], each["endYear"]) for each in models]
    assert years[:2] == [("Model S", 2012, 2013), ("Model S", 2014, 2027)]
    assert ("Cybertruck", 2024, 2027) in years
    for name in {name for name, _, _ in years}:
        spans = [(first, last) for each, first, last in years if each == name]
        assert all(last + 1 == first for (_, last), (first, _) in pairwise(spans))
    unserved = {"read_fuel", "read_engine_oil", "read_diagnostics", "read_service_history"}
    assert all(unserved.isdisjoint(each["permissions"]) for each in models)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"type": "BEV"}, True),
        ({"make": "NISSAN TESLA"}, True),
        ({"type": "ICE"}, False),
        ({"scope": "read_battery control_security"}, True),
        ({"scope": "read_battery read_fuel"}, False),
    ],
)
def test_the_matrix_is_narrowed_by_type_and_scope(
    client_of: Credentials, query: dict[str, str], found: bool
) -> None:
    assert bool(client_of.get("/matrix", region="CA", **query).json()["TESLA"]) is found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "region"),
        ({"region": "us"}, "region"),
        ({"region": "US", "type": "STEAM"}, "type"),
        ({"region": "US", "scope": "read_mind"}, "scope"),
        ({"region": "US", "make": ""}, "make"),
    ],
)
def test_a_wrong_query_of_the_matrix_is_refused(
    client_of: Credentials, query: dict[str, str], field: str
) -> None:
    answer = client_of.get("/matrix", **query)
    assert (answer.status_code, answer.json()["detail"][0]["field"]) == (400, field)


def served() -> Iterator[tuple[str, str, Any]]:
    """Path under the vehicle, kind of permission, and view, of everything that wants a permission."""
    before = "/v2.0/vehicles/{vehicle_id}"
    for route in get_resolver().url_patterns:
        for pattern in getattr(route, "url_patterns", [route]):
            path, view = described_path(str(pattern.pattern)), getattr(pattern.callback, "cls", None)
            under = path.removeprefix(before) or "/"
            if view is None or not path.startswith(before) or under in WITHOUT_PERMISSION or "[A-Z]" in under:
                continue
            for method, kind in (("get", "read"), ("post", "control")):
                if hasattr(view, method):
                    yield under, kind, view


def test_every_endpoint_that_wants_a_permission_is_in_the_table_under_that_one() -> None:
    table = {(each.path, each.permission.partition("_")[0]): each for each in ENDPOINTS}
    assert len(table) == len(ENDPOINTS)
    there = {(path, kind): view for path, kind, view in served()}
    assert set(there) == {key for key, row in table.items() if row.offered or row.path[1:] in NOT_OFFERED}
    for (path, kind), view in there.items():
        permission = table[path, kind].permission
        if kind == "read" and hasattr(view, "reading"):
            assert READS[view.reading].permission == permission, path
        if path[1:] in NOT_OFFERED:
            wanted, error = NOT_OFFERED[path[1:]]
            told = compatibility.of_hardware(compatibility.COMBUSTION, [permission]).capabilities
            assert wanted == permission
            assert {each.reason for each in told if each.endpoint.path == path} == {error.code}


@pytest.mark.parametrize("sends", SENDS, ids=lambda sends: sends.control)
def test_every_control_is_in_the_table_under_its_permission(sends: Sends) -> None:
    (row,) = [
        each for each in ENDPOINTS if each.path == f"/{sends.path}" and each.permission.startswith("control_")
    ]
    assert row.permission == CONTROLS[sends.control].permission


def test_every_permission_has_an_endpoint() -> None:
    assert {each.permission for each in ENDPOINTS} == set(PERMISSIONS)
    assert {row.permission for row in CONTROLS.values()} <= {each.permission for each in ENDPOINTS}
