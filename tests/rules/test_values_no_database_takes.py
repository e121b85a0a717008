"""Values that a database cannot take, wherever somebody can send one: refused or found nowhere, never a failure.

PostgreSQL takes no NUL and no half of a surrogate pair in a text, no text longer than its column, and no number beyond
its type; SQLite takes most of that. So these are worth running on both.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from connect.models import ConnectSession
from portal.urls import handler400, handler404, handler500, urlpatterns
from tests.connect.token_client import SECRET, Party
from tests.factories import ApplicationFactory, ConnectSessionFactory, PersonFactory, UserFactory
from tests.portal.screens import SCREENS, list_of
from tests.rules.test_routes import ROUTES, example
from tests.vehicles.api.answering_tesla import AnsweringTesla
from tests.vehicles.api.conftest import Calls, calls_for, keyless_grant
from tests.vehicles.api.test_compatibility import Credentials
from tests.vehicles.api.test_management import Manager
from vehicles.models import User

pytestmark = pytest.mark.django_db

TEXTS: Final = {
    "NUL": "a\0b",
    "only NUL": "\0",
    "long": "x" * 5000,
    "a number beyond": "9" * 400,
    "a number just beyond": str(2**63),
    "a number too large for a column": str(2**31),
    "less than nothing": str(-(2**63) - 1),
    "no number": "NaN",
    "digits of another script": "٣²",
    "an id and more": "36ab27d0-fd9d-4455-823a-ce30af709ffc\0",
    "a code": "\u202e😀",
    "quotes": "'\";--",
}
ENCODED: Final = {
    **{name: quote(text, safe="") for name, text in TEXTS.items()},
    "half a character": "%ED%A0%80",
    "no character": "%FF%FE",
}
"""The same in a query, and what is no UTF-8 at all."""
QUICK: Final = ("NUL", "long")
every_text = pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, text in ENCODED.items()
    ],
)


@pytest.fixture
def api(settings: Any) -> Iterator[Calls]:
    """An application that may do everything with a car that takes no key; its Tesla answers nothing of use."""
    with AnsweringTesla() as tesla:
        settings.TESLA_API_URL = tesla.url
        yield calls_for(keyless_grant())


def fine(answer: HttpResponse, *what: object) -> None:
    assert answer.status_code < 500, what


@pytest.fixture
def staff(db: None) -> Client:
    """A member of staff who may do everything."""
    client = Client(raise_request_exception=False)
    client.force_login(UserFactory(is_superuser=True))
    return client


@pytest.mark.parametrize("model", SCREENS, ids=lambda model: model.__name__)
@every_text
def test_every_filter_and_search_of_every_list(staff: Client, model: Any, text: str) -> None:
    screen: ModelAdmin = admin.site._registry[model]
    filters = [getattr(each, "parameter_name", each) for each in screen.list_filter]
    names = [name for name in filters if isinstance(name, str)]
    for name in (
        *names,
        "q",
        "p",
        "o",
        "e",
        "all",
        "_facets",
        "code",
        "unknown",
        f"{(names or ['x'])[0]}__exact",
    ):
        fine(staff.get(f"{list_of(model)}?{name}={text}"), name)
    fine(staff.get(f"{list_of(model)}?{text}=1"), "a name")
    together = "&".join(f"{name}={text}" for name in (*names, "q"))
    fine(staff.get(f"{list_of(model)}?{together}"), together)


@pytest.mark.parametrize("model", [*SCREENS, User], ids=lambda model: model.__name__)
@every_text
def test_every_page_of_an_object_and_every_form(staff: Client, model: Any, text: str) -> None:
    screen: ModelAdmin = admin.site._registry[model]
    for page in ("change/", "history/", "delete/", ""):
        fine(staff.get(f"{list_of(model)}{text}/{page}"), page)
    shown = staff.get(f"{list_of(model)}add/")
    if shown.status_code == 200:
        form = shown.context_data["adminform"].form
        body = "&".join(f"{name}={text}" for name in form.fields)
        fine(
            staff.post(f"{list_of(model)}add/", body, content_type="application/x-www-form-urlencoded"),
            screen,
        )


@every_text
def test_the_other_pages_of_staff(staff: Client, text: str) -> None:
    for name in ("app_label", "model_name", "field_name", "term", "p"):
        query = {
            "app_label": "vehicles",
            "model_name": "connection",
            "field_name": "application",
            "term": "x",
        }
        parameters = "&".join(f"{key}={value}" for key, value in query.items() if key != name)
        fine(staff.get(f"/admin/autocomplete/?{parameters}&{name}={text}"), name)
    for address in ("/admin/", "/admin/connect/connectsession/funnel/", "/admin/password_change/"):
        for name in ("q", "code", "application", "days", "since", "next"):
            fine(staff.get(f"{address}?{name}={text}"), address, name)
    body = f"old_password={text}&new_password1={text}&new_password2={text}"
    fine(staff.post("/admin/password_change/", body, content_type="application/x-www-form-urlencoded"))


LOGINS: Final = {
    **ENCODED,
    "256 characters": "x" * 256,
    "255 characters": "x" * 255,
    "256 umlauts": "%C3%BC" * 256,
}


@pytest.mark.parametrize("text", LOGINS.values(), ids=LOGINS)
def test_signing_in_as_staff_under_any_name(settings: Any, text: str) -> None:
    client = Client(raise_request_exception=False)
    for body in (f"username={text}&password=x", f"username=somebody&password={text}"):
        for agent in ("a browser", text[:300]):
            answer = client.post(
                f"/admin/login/?next={text}", body, content_type="application/x-www-form-urlencoded",
                headers={"User-Agent": agent, "Accept": "x" * 2000, "X-Forwarded-For": text[:300]},
            )  # fmt: skip
            fine(answer, body[:40])
            assert answer.status_code in (200, 400, 403, 429)


WITH_TEXT: Final = [
    pattern for pattern in ROUTES if re.search(r"<(str|path):|\?P<vehicle_id>|<session_id>", pattern)
]


@pytest.mark.slow
@pytest.mark.parametrize("pattern", WITH_TEXT)
def test_every_address_that_takes_a_text(api: Calls, staff: Client, pattern: str) -> None:
    for text in ENCODED.values():
        filled = re.sub(r"<(?:str|path):\w+>", "MARK", pattern)
        filled = re.sub(r"\(\?P<vehicle_id>[^)]*\)", "MARK", filled)
        address = example(filled).replace("MARK", text)
        for method in ("GET", "POST", "DELETE"):
            fine(api(method, address), address[:80])
        fine(staff.get(address), address[:80])


QUERIES: Final = {
    "/oauth/authorize": (
        "client_id", "application_id", "redirect_uri", "response_type", "scope", "state", "mode", "make", "user",
        "external_id", "single_select", "single_select_vin", "code_challenge", "code_challenge_method", "app_origin",
        "approval_prompt", "integration", "test_mode", "flags",
    ),
    "/oauth/reauthenticate": (
        "client_id", "redirect_uri", "response_type", "vehicle_id", "make", "scope", "user", "state",
    ),
    "/connect/tesla/callback": ("code", "state", "error", "issuer"),
    "/connect/redirect": ("app_origin", "code", "state"),
    "/connect/language/de": ("next",),
    "/connect/account": ("mode", "next"),
    "/": ("q",),
    "/api/schema/": ("format", "lang", "version"),
    "/api/docs/": ("lang", "script"),
}  # fmt: skip


@pytest.mark.parametrize("address", QUERIES)
@every_text
def test_every_parameter_of_connect(settings: Any, address: str, text: str) -> None:
    settings.SIMULATOR_URL = "http://127.0.0.1:9"
    application = ApplicationFactory()
    whole = {
        "client_id": application.client_id, "redirect_uri": "https://example.com/auth", "response_type": "code",
        "scope": "read_odometer", "state": "s",
    }  # fmt: skip
    for name in QUERIES[address]:
        query = "&".join(f"{key}={quote(value)}" for key, value in whole.items() if key != name)
        fine(client_of().get(f"{address}?{query}&{name}={text}"), name)
    fine(client_of().get(f"{address}?{text}=1&{text}=2"), "a name given twice")


def client_of() -> Client:
    return Client(raise_request_exception=False)


@every_text
def test_every_form_of_connect_and_every_cookie(text: str) -> None:
    run = ConnectSessionFactory()
    assert ConnectSession.objects.filter(pk=run.pk).exists()
    fields = (
        "reason",
        "tell",
        "vehicles",
        "permissions",
        "address",
        "email",
        "mode",
        "connection",
        "application",
        "state",
    )
    body = "&".join(f"{name}={text}" for name in fields)
    for address in (
        "/connect/account/sign-in", "/connect/account/take-away", "/connect/account/delete", "/connect/account/leave",
        f"/connect/{run.pk}/leave", f"/connect/{run.pk}/approve", f"/connect/{run.pk}/callback-address",
    ):  # fmt: skip
        client = client_of()
        client.cookies.load(
            f"carport_session={text[:200]}; carport_browser={text[:200]}; carport_csrf={text[:200]}"
        )
        fine(client.post(address, body, content_type="application/x-www-form-urlencoded"), address)


@every_text
def test_every_field_of_the_token_endpoint(text: str) -> None:
    party = Party(ApplicationFactory(client_secret=SECRET), PersonFactory())
    fields = (
        "grant_type",
        "code",
        "redirect_uri",
        "refresh_token",
        "client_id",
        "client_secret",
        "code_verifier",
        "scope",
    )
    for grant_type in ("authorization_code", "refresh_token"):
        for name in fields:
            body = f"grant_type={grant_type}&{name}={text}" if name != "grant_type" else f"grant_type={text}"
            answer = client_of().post(
                "/oauth/token", body, content_type="application/x-www-form-urlencoded",
                headers={"Authorization": party.basic()},
            )  # fmt: skip
            assert answer.status_code in (400, 401), (name, answer.content)


IN_JSON: Final = [
    *TEXTS.values(), "\ud800", "x\udfffy", 2**63, -(2**70), 10**400, 1e308, True, None, [], {}, ["\0"],
    {"\0": "\ud800"},
]  # fmt: skip
BODIES: Final = {
    "security": ("action",),
    "charge": ("action",),
    "charge/limit": ("limit",),
    "navigation/destination": ("latitude", "longitude"),
    "tesla/charge": ("action", "amperage"),
    "tesla/charge/ammeter": ("amperage",),
    "tesla/charge/schedule": ("type", "enable", "time"),
    "tesla/climate/cabin": ("action", "temperature"),
    "tesla/climate/defroster": ("action",),
    "tesla/security/trunk": ("action",),
    "tesla/pin": ("pin", "code", "password"),
    "tesla/fix": ("permission",),
    "permissions": ("x",),
    "batch": ("requests",),
}


def test_every_path_of_a_batch(api: Calls) -> None:
    for value in (*IN_JSON, *({"path": value} for value in IN_JSON)):
        fine(api.post("/v2.0/vehicles/{id}/batch", json.dumps({"requests": [value]})), "batch", value)


@pytest.mark.parametrize("at", BODIES)
def test_every_field_of_every_body(api: Calls, at: str) -> None:
    for value in IN_JSON:
        for name in (*BODIES[at], "unknown"):
            body = dict.fromkeys(BODIES[at], "START") | {name: value}
            fine(api.post(f"/v2.0/vehicles/{{id}}/{at}", json.dumps(body)), at, body)
        fine(api.post(f"/v2.0/vehicles/{{id}}/{at}", json.dumps(value)), at)


@every_text
def test_every_query_and_header_of_the_api(api: Calls, text: str) -> None:
    for at in (
        "tesla/diagnosis?permission",
        "permissions?limit",
        "permissions?offset",
        "tesla/charge/records?startDate",
    ):
        fine(api.get(f"/v2.0/vehicles/{{id}}/{at}={text}"), at)
    for at in ("vehicles?limit", "vehicles?offset", "user?x", f"compatibility?vin={text}&scope"):
        fine(api.get(f"/v2.0/{at}={text}"), at)
    for header in ("Idempotency-Key", "SC-Unit-System", "Authorization", "Accept-Language", "Content-Type"):
        fine(api.lock(headers={header: text[:4000]}), header)


@every_text
def test_every_query_of_compatibility(text: str) -> None:
    client = Credentials()
    for at, names in (
        ("", ("vin", "scope", "country", "flags", "mode")),
        ("/matrix", ("region", "make", "scope")),
    ):
        for name in names:
            given = {"vin": "5YJ3E1EA7KF000101", "scope": "read_vin", "region": "US", name: text}
            fine(client.get(at, **given), at, name)
    fine(client.get(client_id=text or "none"))


@every_text
def test_every_query_of_the_management_surface(text: str) -> None:
    manager = Manager(ApplicationFactory())
    manager.grant()
    names = (
        "cursor",
        "limit",
        "vehicle_id",
        "user_id",
        "mode",
        "verdict",
        "cause",
        "next_actor",
        "filter",
        "vin",
    )
    for name in names:
        for at in ("connections", "diagnoses"):
            answer = client_of().get(
                f"/v2.0/management/{at}?{name}={text}", headers=dict(basic_of(manager.token))
            )
            fine(answer, at, name)
    fine(client_of().get("/v2.0/management/connections", headers=dict(basic_of(text))))


def basic_of(token: str) -> Iterator[tuple[str, str]]:
    yield "Authorization", "Basic " + base64.b64encode(f"default:{token}".encode()).decode()


def refused_by_the_database(request: HttpRequest) -> HttpResponse:
    raise DataError("value too long, or what it held")


def too_large(request: HttpRequest) -> HttpResponse:
    raise OverflowError("Python int too large to convert to SQLite INTEGER")


def half_a_pair(request: HttpRequest) -> HttpResponse:
    "\ud800".encode()
    return HttpResponse()


class Refusing:
    """The address map with views whose value the database does not take, beside those where it takes them all."""

    urlpatterns = [
        *(
            path(f"{before}{view.__name__}", view)
            for before in ("", "v2.0/")
            for view in (refused_by_the_database, too_large, half_a_pair)
        ),
        *urlpatterns,
    ]
    handler400, handler404, handler500 = handler400, handler404, handler500


@pytest.mark.parametrize("name", ["refused_by_the_database", "too_large", "half_a_pair"])
def test_what_the_database_does_not_take_is_a_bad_request_and_leaves_a_trace(
    settings: Any, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    settings.ROOT_URLCONF = Refusing
    caplog.set_level(logging.INFO)
    answer = client_of().get(f"/v2.0/{name}")
    assert (answer.status_code, answer.json()["type"]) == (400, "VALIDATION")
    page = client_of().get(f"/{name}")
    assert page.status_code == 400
    assert "This request cannot be answered" in page.content.decode()
    kept = [record for record in caplog.records if record.exc_info]
    assert len(kept) == 2 and {record.levelname for record in kept} == {"WARNING"}
