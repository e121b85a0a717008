"""What each address answers somebody without a login or a token. A new address must be declared here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver

ANYBODY: Final = {200}
NOBODYS: Final = {403, 404, 405, 410}
"""A Connect run belongs to the browser that began it: everybody else sees that there is nothing."""
RUN: Final = "connect/<uuid:session_id>"

PAGES: Final[dict[str, set[int]]] = {
    "": ANYBODY,
    "docs/errors/": ANYBODY,
    "docs/errors/<path:name>": {404},
    "healthz": ANYBODY,
    "readyz": {200, 503},
    ".well-known/appspecific/com.tesla.3p.public-key.pem": {404},
    "api/schema/": ANYBODY,
    "api/docs/": ANYBODY,
    r"^oauth/token(?:/oauth/token)?/?\Z": {405},
    "oauth/authorize": {400},
    "oauth/reauthenticate": {400},
    "connect/tesla/callback": {400},
    "connect/redirect": {400},
    "connect/key/<str:token>": NOBODYS,
    "connect/key/<str:token>/state": NOBODYS,
    "fix/<str:word>": NOBODYS,
    "fix/<str:word>/state": NOBODYS,
    "connect/language/<str:code>": {302},
    "connect/account": ANYBODY,
    **{f"connect/account/{deed}": {405} for deed in ("delete", "leave", "sign-in", "take-away")},
    "connect/owner/<str:token>": NOBODYS,
    "connect/owner/<str:token>/sign-in": NOBODYS,
    "connect/owner/<str:token>/state": NOBODYS,
    r"^connect/colour/(?P<colour>[0-9a-fA-F]{6})\.css$": ANYBODY,
    RUN: NOBODYS,
    **{
        f"{RUN}/{step}": NOBODYS
        for step in (
            "another-account", "approve", "begin", "callback-address", "current-interface", "finish", "go-on",
            "leave", "leave-key", "removal", "removal/state", "sign-in", "skip-key", "start-again",
        )
    },
    "admin/login/": ANYBODY,
    # What is no version at all.
    r"^(?:v[^/]*|user|compatibility|management)(?:/[\s\S]*)?\Z": {404},
}  # fmt: skip
OTHER_METHODS: Final = {
    "/application": "delete",
    "/batch": "post",
    "/navigation/destination": "post",
    "/tesla/charge/charge_port_door": "post",
    "/tesla/security/trunk": "post",
    "/tesla/security/frunk": "post",
    "/tesla/pin": "post",
    "/tesla/fix": "post",
    "/webhooks/(?P<webhook_id>[^/]+)": "post",
    "management/fix-links": "post",
}
"""Addresses of the API that take no GET, by their end."""
API_VERSION: Final = r"^v0*(?:[2-9]|[1-9][0-9]+)\.[0-9]+"
API_CATCH_ALL: Final = API_VERSION + r"(?:/[\s\S]*)?\Z"
EXAMPLES: Final = {
    re.escape(API_VERSION): "v2.0",
    r"\(\?P<vehicle_id>[^)]*\)": "36ab27d0-fd9d-4455-823a-ce30af709ffc",
    r"\(\?P<webhook_id>[^)]*\)": "36ab27d0-fd9d-4455-823a-ce30af709ffc",
    r"\(\?P<colour>[^)]*\)": "ffffff",
    r"\[A-Z\]\[A-Z_-\]\+": "TESLA",
    r"\(\?:v\[\^/\]\*\|[^)]*\)": "vNext",
    r"<uuid:\w+>": "36ab27d0-fd9d-4455-823a-ce30af709ffc",
    r"<[\w:]+>": "1",
    r"\(\?:[^()]*(?:\[[^\]]*\][^()]*)*\)\?|/\?|\\Z|[\\^$]": "",
    r"\(\?P?.*?\)": "1",
}


def patterns(resolver: Any, before: str = "") -> Iterator[str]:
    """Every address pattern, with everything that stands before it."""
    for item in resolver.url_patterns:
        if isinstance(item, URLResolver):
            yield from patterns(item, before + str(item.pattern))
        else:
            yield before + str(item.pattern)


def declared(pattern: str) -> set[int] | None:
    """The statuses that a pattern may answer; None where nothing was declared."""
    if pattern in PAGES:
        return PAGES[pattern]
    if pattern.startswith("admin/"):
        return {302, 404}
    if pattern == API_CATCH_ALL:
        return {404}
    return {401} if pattern.startswith(API_VERSION) else None


def first_method(pattern: str) -> str:
    """A method that the address takes: what it does not take is a path that does not exist."""
    return next((method for end, method in OTHER_METHODS.items() if pattern.endswith(end + r"/?\Z")), "get")


def example(pattern: str) -> str:
    """An address that the pattern matches."""
    for part, text in EXAMPLES.items():
        pattern = re.sub(part, text, pattern)
    return "/" + pattern


ROUTES: Final = sorted(set(patterns(get_resolver())))


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ROUTES)
def test_an_address_answers_strangers_as_declared(pattern: str, client: Client, settings: Any) -> None:
    settings.SIMULATOR_URL = ""
    allowed = declared(pattern)
    assert allowed, f"{pattern} is not declared in {__file__}"
    method = first_method(pattern)
    answer = getattr(client, method)(example(pattern))
    assert answer.status_code in allowed, (
        f"{method.upper()} {example(pattern)}: {answer.status_code}, not one of {allowed}. An address that takes no "
        f"{method.upper()} is a 404: give its end and a method that it takes to OTHER_METHODS."
    )
    assert answer["SC-Request-Id"]


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ROUTES)
def test_head_answers_as_get_does_without_the_body(pattern: str, client: Client) -> None:
    address = example(pattern)
    told, shown = client.head(address), client.get(address)
    assert told.status_code == shown.status_code
    assert told.headers["Content-Type"] == shown.headers["Content-Type"]
    assert told.content == b""


UNUSUAL_HEADERS: Final = [
    {"Accept": "text/html"},
    {"Accept": "image/*;q=0.1"},
    {"Accept": "application/xml, */*;q=0"},
    {"Accept": ";;;=,/"},
    {"Accept": ""},
    {"Accept-Language": "x-" + "y" * 300, "Accept-Encoding": "nothing", "Content-Type": "a/b; charset=none"},
]


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", ROUTES)
def test_no_address_breaks_over_what_a_client_says_it_accepts(pattern: str, client: Client) -> None:
    for headers in UNUSUAL_HEADERS:
        for method in {"get", first_method(pattern)}:
            answer = getattr(client, method)(example(pattern), headers=headers)
            assert answer.status_code in {*(declared(pattern) or ()), 404, 405, 200}, headers


@pytest.mark.parametrize("accepted", ["text/html", "image/png", ";;;"])
def test_the_schema_is_given_in_a_form_of_its_own_where_none_of_its_forms_is_accepted(
    client: Client, accepted: str
) -> None:
    answer = client.get("/api/schema/", headers={"Accept": accepted})
    assert (answer.status_code, answer.content[:8]) == (200, b"openapi:")
    as_json = client.get("/api/schema/", headers={"Accept": "application/json"})
    assert as_json.headers["Content-Type"].startswith("application/json")
    assert client.get("/api/schema/", {"format": "none"}).status_code == 200


def test_every_declared_address_exists() -> None:
    assert set(PAGES) - set(ROUTES) == set()


@pytest.mark.django_db
def test_the_staff_area_leads_strangers_to_its_login(client: Client) -> None:
    answer = client.get("/admin/vehicles/vehicle/")
    assert answer["Location"] == "/admin/login/?next=/admin/vehicles/vehicle/"
