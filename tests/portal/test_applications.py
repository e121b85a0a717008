"""Applications: added with secrets that are shown once, changed, paused, and given new secrets."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.hashers import check_password
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client, RequestFactory

from portal.admin.application_form import TOLD, ApplicationForm
from portal.admin.base import FormTrail
from portal.admin.vehicles import VehicleAdmin
from tests.factories import ApplicationFactory, UserFactory, VehicleFactory, VehicleGrantFactory
from tests.portal.screens import SCREENS, list_of, page_of
from vehicles import encryption
from vehicles.models import Application, Event, VehicleGrant

pytestmark = pytest.mark.django_db

ADD = "/admin/vehicles/application/add/"
FORM = {
    "name": "Nightshift",
    "client_type": "confidential",
    "redirect_uris": "https://nightshift.example/callback\nhttp://localhost:3000/callback",
    "integration": "fleet",
    "permissions": ["read_vin", "control_security"],
    "wakes_for_commands": "on",
}


def add(client: Client, **changes: Any) -> HttpResponse:
    return client.post(ADD, {**FORM, **changes})


def shown(response: HttpResponse, element: str) -> str:
    found = re.search(rf'id="{element}">([^<]+)<', response.content.decode())
    return found.group(1) if found else ""


def test_a_new_application_gets_secrets_that_work_and_are_shown_once(operator: Client) -> None:
    response = add(operator)
    secret, token = shown(response, "client-secret"), shown(response, "management-token")
    application = Application.objects.get(name="Nightshift")
    assert shown(response, "client-id") == application.client_id
    assert min(len(secret), len(token)) >= 43
    assert check_password(secret, application.client_secret)
    assert application.management_token_checksum == hashlib.sha256(token.encode()).hexdigest()
    purpose = f"application:{application.pk}:management_token"
    assert encryption.decrypt(purpose, application.management_token_encrypted) == token
    assert "no-store" in response.headers["Cache-Control"]
    for page in (page_of(application), *(list_of(model) for model in SCREENS)):
        later = operator.get(page).content.decode()
        assert secret not in later
        assert token not in later
    assert secret not in str([event.data for event in Event.objects.all()])


def test_what_the_form_said_is_what_the_application_is(operator: Client) -> None:
    add(operator, allowed_origins="https://nightshift.example")
    application = Application.objects.get(name="Nightshift")
    assert application.redirect_uris.split() == FORM["redirect_uris"].split()
    assert application.allowed_origins == "https://nightshift.example"
    assert application.permissions == ["read_vin", "control_security"]
    assert application.authorization_grant_type == Application.GRANT_AUTHORIZATION_CODE
    assert Event.objects.get(kind="application:changed").application_id == application.pk


@pytest.mark.parametrize(
    "origin", ["http://nightshift.example", "https://nightshift.example/app", "nightshift.example", "*"]
)
def test_what_is_no_web_origin_is_refused_with_what_would_be_one(operator: Client, origin: str) -> None:
    page = add(operator, allowed_origins=f"http://localhost:3000\n{origin}").content.decode()
    assert f"{origin}: an origin is https:// and a host, without a path" in page
    assert not Application.objects.exists()


KEPT = {
    "kept_client_id": "8229df9f-91a0-4ff0-a1ae-a1f38ee24d07",
    "kept_client_secret": "24d55382-843f-4ce9-a7a7-cl13n7s3cr37",
    "kept_management_token": "3b1a5a0c-6f4e-4f5e-9d1f-management-t",
}


def test_an_application_that_moves_here_keeps_its_credentials(operator: Client) -> None:
    response = add(operator, **KEPT)
    application = Application.objects.get(name="Nightshift")
    assert application.client_id == KEPT["kept_client_id"]
    assert check_password(KEPT["kept_client_secret"], application.client_secret)
    stored = encryption.decrypt(
        f"application:{application.pk}:management_token", application.management_token_encrypted
    )
    assert stored == KEPT["kept_management_token"]
    assert (shown(response, "client-secret"), shown(response, "management-token")) == ("", "")
    assert not any(
        KEPT[name] in f"{response.content.decode()}{[event.data for event in Event.objects.all()]}"
        for name in ("kept_client_secret", "kept_management_token")
    )


def test_what_is_not_kept_is_made(operator: Client) -> None:
    response = add(operator, kept_client_id=KEPT["kept_client_id"])
    assert shown(response, "client-id") == KEPT["kept_client_id"]
    assert shown(response, "client-secret") and shown(response, "management-token")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kept_client_id": "my application"}, "A client id is a UUID"),
        ({"kept_client_id": KEPT["kept_client_id"].upper()}, "in small letters"),
        ({"kept_client_secret": "short"}, "32 to 200 letters"),
        ({"kept_management_token": "x" * 16 + " " + "x" * 16}, "without spaces"),
        ({"client_type": "public", "kept_client_secret": "x" * 32}, "has no secret"),
    ],
)
def test_credentials_that_could_not_work_are_refused(
    operator: Client, changes: dict[str, str], told: str
) -> None:
    assert told in add(operator, **changes).content.decode()
    assert not Application.objects.exists()


def test_credentials_of_another_application_are_refused(operator: Client) -> None:
    add(operator, **KEPT)
    page = add(operator, **KEPT).content.decode()
    assert "Another application here has this client id." in page
    assert "Another application here has this management token." in page
    assert Application.objects.count() == 1


def test_credentials_are_not_changed_by_changing_the_application(operator: Client) -> None:
    application = ApplicationFactory(name="Nightshift")
    before = application.client_id
    assert "kept_client_id" not in operator.get(page_of(application)).content.decode()
    assert operator.post(page_of(application), {**FORM, **KEPT}).status_code == 302
    application.refresh_from_db()
    assert (application.client_id, application.management_token_checksum) == (before, "")


def test_the_command_line_adds_the_same_application(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(KEPT["kept_management_token"] + "\n")
    out = io.StringIO()
    call_command(
        "add_application", "Nightshift", "--redirect-uri", "https://nightshift.example/callback",
        "--client-id", KEPT["kept_client_id"], "--management-token-file", str(token), stdout=out,
    )  # fmt: skip
    application = Application.objects.get()
    secret = out.getvalue().partition("client secret: ")[2].strip()
    assert f"client id: {KEPT['kept_client_id']}" in out.getvalue()
    assert check_password(secret, application.client_secret)
    checksum = hashlib.sha256(KEPT["kept_management_token"].encode()).hexdigest()
    assert application.management_token_checksum == checksum
    assert application.permissions and application.wakes_for_commands


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--client-id", "mine"], "kept_client_id: A client id is a UUID"),
        (["--client-secret-file", "/nowhere"], "cannot be read"),
        (["--redirect-uri", "http://far.example"], "http is accepted for localhost only"),
    ],
)
def test_the_command_line_refuses_what_the_form_refuses(more: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("add_application", "Nightshift", "--redirect-uri", "https://nightshift.example/", *more)
    assert not Application.objects.exists()


def test_a_public_client_is_given_no_secret(operator: Client) -> None:
    response = add(operator, client_type="public")
    assert shown(response, "management-token")
    assert shown(response, "client-secret") == ""


@pytest.mark.parametrize(
    "address",
    [
        "http://nightshift.example/callback",
        "https://nightshift.example/callback#part",
        "javascript:alert(1)",
        "ftp://nightshift.example/",
        "",
    ],
)
def test_an_unsafe_redirect_address_is_refused(operator: Client, address: str) -> None:
    response = add(operator, redirect_uris=address)
    assert response.status_code == 200
    assert response.context_data["errors"]
    assert not Application.objects.exists()


def test_changing_an_application_leaves_its_secrets_alone(operator: Client) -> None:
    response = add(operator)
    application = Application.objects.get(name="Nightshift")
    changed = operator.post(page_of(application), {**FORM, "name": "Dayshift"})
    assert changed.status_code == 302
    application.refresh_from_db()
    assert application.name == "Dayshift"
    assert check_password(shown(response, "client-secret"), application.client_secret)
    checksum = hashlib.sha256(shown(response, "management-token").encode()).hexdigest()
    assert application.management_token_checksum == checksum


def test_the_client_type_cannot_be_changed_later(operator: Client) -> None:
    add(operator)
    application = Application.objects.get(name="Nightshift")
    operator.post(page_of(application), {**FORM, "client_type": "public"})
    application.refresh_from_db()
    assert application.client_type == "confidential"


def test_pausing_an_application_blocks_its_grants(
    operator: Client, django_capture_on_commit_callbacks: Any
) -> None:
    application = ApplicationFactory(name="Nightshift")
    grant = VehicleGrantFactory(application=application, vehicle=VehicleFactory(key="present"))
    other = VehicleGrantFactory(vehicle=VehicleFactory(key="present"))
    with django_capture_on_commit_callbacks(execute=True):
        operator.post(page_of(application), {**FORM, "paused": "on"})
    assert VehicleGrant.objects.get(pk=grant.pk).main_cause == "paused"
    assert VehicleGrant.objects.get(pk=other.pk).main_cause == ""


@pytest.mark.parametrize(
    ("what", "element", "stays"),
    [
        ("client-secret", "client-secret", "management_token_checksum"),
        ("management-token", "management-token", "client_secret"),
    ],
)
def test_a_new_secret_ends_the_earlier_one_only_after_it_was_confirmed(
    operator: Client, what: str, element: str, stays: str
) -> None:
    add(operator)
    before = Application.objects.get(name="Nightshift")
    address = f"{list_of(Application)}{before.pk}/new/{what}/"
    assert operator.get(address).status_code == 200
    after_looking = Application.objects.get(pk=before.pk)
    assert after_looking.client_secret == before.client_secret
    assert after_looking.management_token_checksum == before.management_token_checksum

    response = operator.post(address)
    made = shown(response, element)
    after = Application.objects.get(pk=before.pk)
    assert getattr(after, stays) == getattr(before, stays)
    if what == "client-secret":
        assert check_password(made, after.client_secret)
        assert after.client_secret != before.client_secret
    else:
        assert after.management_token_checksum == hashlib.sha256(made.encode()).hexdigest()
    assert "no-store" in response.headers["Cache-Control"]
    assert Event.objects.get(kind="staff:acted").data == {"renewed": what}


def test_a_change_is_kept_with_what_was_before_and_after(operator: Client) -> None:
    add(operator, allowed_origins="https://nightshift.example")
    application = Application.objects.get()
    changes = {
        "redirect_uris": "https://elsewhere.example/callback",
        "allowed_origins": "",
        "permissions": ["read_vin"],
        "requires_key": "on",
    }
    assert operator.post(page_of(application), {**FORM, **changes}).status_code == 302
    added, changed = Event.objects.filter(kind="application:changed").order_by("pk")
    assert added.data["after"]["redirect_uris"].split() == FORM["redirect_uris"].split()
    assert added.data["before"]["redirect_uris"] is None
    assert changed.data == {
        "fields": ["allowed_origins", "permissions", "redirect_uris", "requires_key"],
        "before": {
            "redirect_uris": "\n".join(FORM["redirect_uris"].split()),
            "allowed_origins": "https://nightshift.example",
            "permissions": ["control_security", "read_vin"],
            "requires_key": False,
        },
        "after": {
            "redirect_uris": "https://elsewhere.example/callback",
            "allowed_origins": "",
            "permissions": ["read_vin"],
            "requires_key": True,
        },
    }
    assert "https://elsewhere.example/callback" in operator.get(page_of(changed)).content.decode()


def test_of_a_secret_that_is_kept_the_trail_says_only_that_it_was_given(operator: Client) -> None:
    kept = {"kept_client_secret": "s" * 40, "kept_management_token": "t" * 40}
    add(operator, **kept)
    [added] = Event.objects.filter(kind="application:changed")
    assert {*kept} <= {*added.data["fields"]}
    assert not any(secret in str(added.data) for secret in kept.values())


def test_of_every_field_but_secrets_the_trail_keeps_values() -> None:
    """A new field is either told, or a secret that is named here."""
    secrets = {"kept_client_secret", "kept_management_token"}
    assert {*ApplicationForm.base_fields} - {*TOLD} == secrets


def test_whatever_staff_change_through_a_form_is_told_with_its_values() -> None:
    """A new screen with a form of its own either does so too, or its domain call writes the event, as pausing does."""
    request = RequestFactory().get("/")
    request.user = UserFactory(is_superuser=True)
    screens = {
        type(screen)
        for screen in admin.site._registry.values()
        if screen.has_change_permission(request) or screen.has_add_permission(request)
    }
    assert {screen for screen in screens if not issubclass(screen, FormTrail)} == {VehicleAdmin}


def test_those_who_may_only_look_can_neither_add_nor_renew(support: Client) -> None:
    application = ApplicationFactory()
    address = f"{list_of(Application)}{application.pk}/new/client-secret/"
    assert add(support).status_code == 403
    assert support.get(address).status_code == 403
    assert support.post(address).status_code == 403
    assert "Make a new client secret" not in support.get(page_of(application)).content.decode()
    assert Application.objects.get().client_secret == application.client_secret


def test_a_form_from_elsewhere_renews_nothing(operator: Client) -> None:
    application = ApplicationFactory()
    foreign = Client(enforce_csrf_checks=True)
    foreign.cookies = operator.cookies
    assert foreign.post(f"{list_of(Application)}{application.pk}/new/client-secret/").status_code == 403


def test_only_the_two_secrets_can_be_renewed(operator: Client) -> None:
    address = f"{list_of(Application)}{ApplicationFactory().pk}/new/password/"
    assert operator.post(address).status_code == 302
    assert not Event.objects.filter(kind="staff:acted").exists()


def test_addresses_are_kept_in_the_form_that_browsers_send(operator: Client) -> None:
    add(
        operator,
        redirect_uris="https://München.example:443/zurück?",
        allowed_origins="https://münchen.example",
    )
    kept = Application.objects.get()
    assert kept.redirect_uris == "https://xn--mnchen-3ya.example/zur%C3%BCck?"
    assert kept.allowed_origins == "https://xn--mnchen-3ya.example"


@pytest.mark.parametrize("field", ["redirect_uris", "allowed_origins"])
@pytest.mark.parametrize(
    "address", ["https://ü..example/", "https://[half", "https://a.example\\@b.example/"]
)
def test_what_is_no_address_is_said(operator: Client, field: str, address: str) -> None:
    response = add(operator, **{field: address})
    assert response.status_code == 200
    assert response.context_data["errors"]
    assert not Application.objects.exists()
