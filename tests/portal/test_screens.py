"""What staff may do on their screens: mostly look. Who may not, and what stays out of sight for everyone."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from oauth2_provider.models import AccessToken, Grant, IDToken, RefreshToken

from portal.roles import ROLES, keep_roles
from tests.factories import (
    AccessTokenFactory,
    CommandFactory,
    ConnectSessionFactory,
    EventFactory,
    PersonFactory,
    RefreshTokenFactory,
    TeslaTokenFactory,
    UserFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.portal.conftest import SignedIn
from tests.portal.screens import SCREENS, list_of, page_of
from vehicles import facts
from vehicles.models import Event, TeslaToken, User, Vehicle, VehicleGrant

pytestmark = pytest.mark.django_db

READ_ONLY = (VehicleGrantFactory, CommandFactory, ConnectSessionFactory, EventFactory)


@pytest.mark.parametrize("model", SCREENS, ids=lambda model: model.__name__)
def test_nobody_gets_in_without_signing_in_or_without_a_role(signed_in: SignedIn, model: type[Model]) -> None:
    anonymous = Client().get(list_of(model))
    assert anonymous.status_code == 302
    assert anonymous.headers["Location"].startswith("/admin/login/")
    assert signed_in("nobody").get(list_of(model)).status_code == 403


def test_a_person_cannot_sign_in_to_staff_screens() -> None:
    client = Client()
    client.force_login(PersonFactory())
    assert client.get(list_of(Vehicle)).status_code == 302


@pytest.mark.parametrize("make", READ_ONLY, ids=lambda factory: factory.__name__)
def test_even_a_superuser_cannot_add_change_or_delete_what_happened(signed_in: SignedIn, make: type) -> None:
    client, row = signed_in("superuser"), make()
    page = page_of(row)
    assert client.get(page).status_code == 200
    assert client.get(f"{list_of(type(row))}add/").status_code == 403
    assert client.post(page, {}).status_code == 403
    assert client.post(page.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    delete = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    client.post(list_of(type(row)), delete)
    assert type(row).objects.filter(pk=row.pk).exists()


def test_tokens_have_no_screen_and_show_on_none(signed_in: SignedIn) -> None:
    for model in (AccessToken, RefreshToken, Grant, IDToken, TeslaToken):
        assert not admin.site.is_registered(model)
    token, refresh = AccessTokenFactory(), RefreshTokenFactory()
    TeslaTokenFactory()
    client = signed_in("superuser")
    for page in (page_of(token.application), page_of(refresh.application)):
        shown = client.get(page).content.decode()
        assert token.raw not in shown
        assert refresh.raw not in shown
        assert refresh.application.client_secret not in shown


def test_an_operator_pauses_a_car_and_the_verdicts_follow(operator: Client, now: datetime) -> None:
    grant = VehicleGrantFactory(vehicle=VehicleFactory(key="present"))
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    vehicle = grant.connection.vehicle
    assert operator.post(page_of(vehicle), {"paused": "on"}).status_code == 302
    grant.refresh_from_db()
    assert (grant.verdict, grant.main_cause, grant.next_actor) == ("blocked", "paused", "staff")
    event = Event.objects.get(kind="vehicle:changed")
    assert (event.vehicle_id, event.actor.partition(":")[0]) == (vehicle.pk, "staff")
    assert (event.data["after"], event.data["source"]) == ({"paused": True}, "staff")
    assert operator.post(page_of(vehicle), {}).status_code == 302
    grant.refresh_from_db()
    assert grant.verdict == "ok"


def test_pausing_changes_nothing_else_even_if_more_is_sent(operator: Client) -> None:
    vehicle = VehicleFactory(key="absent")
    operator.post(page_of(vehicle), {"paused": "on", "key": "present", "vin": "5YJ3E7EA7KF999999"})
    found = Vehicle.objects.get(pk=vehicle.pk)
    assert (found.paused, found.key, found.vin) == (True, "absent", vehicle.vin)


def test_support_cannot_pause_a_car(support: Client) -> None:
    vehicle = VehicleFactory()
    assert support.post(page_of(vehicle), {"paused": "on"}).status_code == 403
    assert not Vehicle.objects.get(pk=vehicle.pk).paused


def test_the_diagnosis_stands_on_the_pages_of_car_and_grant(support: Client, now: datetime) -> None:
    grant = VehicleGrantFactory(
        vehicle=VehicleFactory(key="absent", key_since=now), requested=["read_vin", "control_security"]
    )
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    for page in (page_of(grant.connection.vehicle), page_of(grant)):
        shown = " ".join(support.get(page).content.decode().split())
        for said in (
            *("Partly works", "Owner", "Open the link on the phone that unlocks this car", "/_ak/"),
            *("Key missing", "The virtual key is not on this car", "less than a minute"),
            *("Tesla&#x27;s key status", "Needs the phone that is already a key of this car"),
            "CONNECTED_SERVICES_ACCOUNT:VIRTUAL_KEY_REQUIRED",
        ):
            assert said in shown, said


def test_an_admin_manages_staff_but_not_superusers_and_sees_no_persons(signed_in: SignedIn) -> None:
    client, person, root = signed_in("admin"), PersonFactory(), UserFactory(is_superuser=True)
    listed = client.get(list_of(User)).context_data["cl"].result_list
    assert person not in listed
    assert client.get(page_of(person)).status_code == 302
    assert client.post(page_of(root), {"username": "taken-over"}).status_code == 403
    password = {"password1": "a-long-password-1", "password2": "a-long-password-1"}
    assert client.post(f"{list_of(User)}{root.pk}/password/", password).status_code == 403
    form = {"username": "new-colleague", "usable_password": "true", **password}
    assert client.post(f"{list_of(User)}add/", form).status_code == 302
    colleague = User.objects.get(username="new-colleague")
    assert (colleague.is_staff, colleague.is_superuser) == (True, False)
    assert Event.objects.filter(kind="staff:acted", data__about=f"staff:{colleague.pk}").exists()


def test_roles_are_kept_equal_to_their_table() -> None:
    group = Group.objects.get(name="viewer")
    group.permissions.set(Group.objects.get(name="admin").permissions.all())
    Group.objects.filter(name="support").delete()
    keep_roles()
    for name, wanted in ROLES.items():
        given = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
        assert {".".join(pair) for pair in given} == set(wanted)
