"""Versions and paths: which are served, and what everything else is told."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.vehicles.api.conftest import Calls

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]


@pytest.mark.parametrize("version", ["v2.0", "v2.1", "v3.0", "v10.0", "v99999999.99", "v02.0"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_version_from_two_on_is_served_with_and_without_a_slash(
    api: Calls, version: str, slash: str
) -> None:
    answer = api.get(f"/{version}/vehicles/{{id}}/vin{slash}")
    assert (answer.status_code, answer.json()) == (200, {"vin": api.grant.connection.vehicle.vin})


@pytest.mark.parametrize(
    "path",
    [
        *("/v1.0/user", "/v0.9/vehicles/", "/vfoo/user", "/v2/user", "/v/user", "/v2.x/user", "/v2.0.1/user"),
        *(
            "/user",
            "/user/",
            "/vehicles",
            "/vehicles/1/vin",
            "/compatibility",
            "/management/connections",
            "/v\u0662.0/user",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_version_that_is_missing_old_or_no_number_is_not_found(method: str, path: str) -> None:
    answer = Client(enforce_csrf_checks=True).generic(method, path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.json()["type"], answer.json()["code"]) == ("RESOURCE_NOT_FOUND", "VERSION")


@pytest.mark.parametrize(
    "path",
    [
        *("/v2.0", "/v2.0/", "/v2.0//", "/v2.0/nothing", "/v2.0/user/me", "/v2.0/vehicles//vin"),
        *("/v2.0/vehicles/a/b/c/d", "/v2.0/user%0A", "/v2.0/%00", "/v2.0/vehicles/x/Tesla/charge"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_path_that_does_not_exist_is_not_found_whatever_the_method(
    db: None, method: str, path: str
) -> None:
    answer = Client(enforce_csrf_checks=True).generic(method, path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/json"
    if method != "HEAD":
        assert (answer.json()["type"], answer.json()["code"]) == ("RESOURCE_NOT_FOUND", "PATH")


@pytest.mark.parametrize(
    "method, path",
    [
        *(("POST", "/v2.0/user"), ("DELETE", "/v2.0/vehicles"), ("PUT", "/v2.0/vehicles/{id}/security")),
        *(
            ("GET", "/v2.0/vehicles/{id}/application"),
            ("OPTIONS", "/v2.0/user"),
            ("PATCH", "/v2.0/vehicles/{id}"),
        ),
        ("POST", "/v2.0/vehicles/{id}/vin/"),
    ],
)
def test_the_wrong_method_is_a_path_that_does_not_exist(api: Calls, method: str, path: str) -> None:
    answer = api(method, path)
    assert answer.status_code == 404
    assert (answer.json()["type"], answer.json()["code"]) == ("RESOURCE_NOT_FOUND", "PATH")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "nonsense"])
def test_the_answer_is_json_whatever_the_client_accepts(api: Calls, accept: str) -> None:
    answer = api.get("/v2.0/user", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
