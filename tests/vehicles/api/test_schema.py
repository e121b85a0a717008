"""The API's own description: complete, without warnings, and shown by a page that needs no inline script."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver
from drf_spectacular.generators import SchemaGenerator


def served() -> Iterator[tuple[str, str]]:
    """Address and method of everything that the API serves, as the routes say it, unless it is left out there."""
    for route in get_resolver().url_patterns:
        for pattern in getattr(route, "url_patterns", [route]):
            view = getattr(pattern.callback, "cls", None)
            path = described_path(str(pattern.pattern))
            if view and path.startswith("/v2.0/") and "schema" not in pattern.callback.initkwargs:
                for method in ("get", "post", "put", "patch", "delete"):
                    if hasattr(view, method):
                        yield path, method


def described_path(pattern: str) -> str:
    """A route's pattern as clients write it."""
    path = re.sub(r"\(\?P<(\w+)>[^()]*\)", r"{\1}", pattern)
    return "/" + re.sub(r"^\^v0\*[^/]*", "v2.0", path).removesuffix(r"\Z").removesuffix("/?")


def test_the_schema_is_valid_and_has_no_warnings() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())


def test_every_endpoint_is_described_under_the_current_version() -> None:
    answer = Client().get("/api/schema/", {"format": "json"}, headers={"Accept": "application/json"})
    schema = json.loads(answer.content)
    assert "/v2.0/vehicles/{vehicle_id}/tesla/virtual_key" in schema["paths"]
    assert all(path.startswith("/v2.0/") for path in schema["paths"])
    operations = [each for path in schema["paths"].values() for each in path.values()]
    described = {(path, method) for path, methods in schema["paths"].items() for method in methods}
    assert described == set(served())
    for path, methods in schema["paths"].items():
        place = path.removeprefix("/v2.0/").partition("/")[0]
        token = {"management": "managementToken", "compatibility": "clientCredentials"}.get(place, "bearer")
        of_webhook = path.startswith("/v2.0/vehicles/{vehicle_id}/webhooks/")
        for method, operation in methods.items():
            wanted = "managementToken" if of_webhook and method == "delete" else token
            assert operation["security"] == [{wanted: []}]
    assert all({"200", "default"} == set(operation["responses"]) for operation in operations)


@pytest.mark.parametrize("query", ["", "?format=json", "?lang=de", "?lang=xx&version=9"])
def test_the_description_is_made_once_and_not_with_every_request(
    query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Client().get(f"/api/schema/{query}")

    def again(*_: Any, **__: Any) -> None:
        raise AssertionError("it was made already")

    monkeypatch.setattr(SchemaGenerator, "get_schema", again)
    second = Client().get(f"/api/schema/{query}")
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert second.headers["Content-Disposition"].startswith('inline; filename="Carport API.')


def test_the_documentation_page_has_no_inline_script() -> None:
    page = Client().get("/api/docs/").content.decode()
    scripts = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    assert scripts and not any(script.strip() for script in scripts)
    script = Client().get("/api/docs/?script=")
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert "/api/schema/" in script.content.decode()
