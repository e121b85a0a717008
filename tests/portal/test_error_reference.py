"""What `docURL` leads to: a page of our own for every error, in both languages, open to everybody."""

from __future__ import annotations

import html
import json

import pytest
from django.test import Client
from django.utils import translation

from portal.error_reference import GUIDES
from vehicles import errors, simulated_errors
from vehicles.access import RESOLUTION_LINKS
from vehicles.api.error_responses import error_response
from vehicles.errors import CATALOGUE, ErrorSpec

every_error = pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.name)


@every_error
def test_the_documentation_of_every_error_is_there_and_names_it(
    client: Client, portal_url: str, spec: ErrorSpec
) -> None:
    body = json.loads(error_response(simulated_errors.example(spec)).content)
    assert body["docURL"].startswith(f"{portal_url}/docs/errors/")
    for language, heading in (("en", "Whose turn it is"), ("de", "Wer am Zug ist")):
        # No database: nobody has to be signed in, and a page costs next to nothing.
        page = client.get(body["docURL"].removeprefix(portal_url), headers={"Accept-Language": language})
        shown = html.unescape(page.content.decode())
        assert page.status_code == 200
        assert f"<h1><code>{spec.name}</code></h1>" in shown and heading in shown
        assert f"{simulated_errors.login_of(spec)}</pre>" in shown
        assert page.headers["Content-Language"] == language
        assert {"Accept-Language", "Cookie"} <= set(page.headers["Vary"].split(", "))


@every_error
def test_the_example_is_what_the_api_answers(client: Client, spec: ErrorSpec) -> None:
    shown = html.unescape(client.get(spec.page).content.decode())
    start = shown.index("{", shown.index(f"HTTP {spec.status}"))
    body, _end = json.JSONDecoder().raw_decode(shown[start:])
    answer = error_response(simulated_errors.example(spec))
    has_link = spec.name in RESOLUTION_LINKS or spec is errors.PERMISSION
    assert bool(body["resolution"].pop("url", None)) == has_link
    assert {**body, "requestId": ""} == {**json.loads(answer.content), "requestId": ""}
    assert ("Retry-After: " in shown) == ("Retry-After" in answer.headers)


def test_the_overview_leads_to_every_error_and_the_front_page_to_the_overview(client: Client) -> None:
    assert 'href="/docs/errors/"' in client.get("/").content.decode()
    shown = client.get("/docs/errors/").content.decode()
    for spec in CATALOGUE.values():
        assert f'href="{spec.page}"' in shown
    with translation.override("de"):
        german = translation.gettext(CATALOGUE["VEHICLE_STATE:ASLEEP"].description)
    assert german in client.get("/docs/errors/", headers={"Accept-Language": "de"}).content.decode()


def test_there_is_a_word_for_no_error_that_does_not_exist() -> None:
    assert set(GUIDES) <= {*CATALOGUE, *(spec.type for spec in CATALOGUE.values())}


@pytest.mark.parametrize(
    "page", ["nothing", "vehicle-state/asleep", "vehicle-state/", "VEHICLE-STATE/ASLEEP/"]
)
def test_what_is_no_error_has_no_page(client: Client, page: str) -> None:
    assert client.get(f"/docs/errors/{page}").status_code == 404
