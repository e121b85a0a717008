"""Cars that are not connected yet, on staff screens: why, and the link that brings them here."""

from __future__ import annotations

from html import unescape

import pytest
from django.test import Client

from tests.factories import ApplicationUserFactory, ConnectionFactory, ReservationFactory, VehicleFactory
from tests.portal.screens import list_of, page_of
from vehicles.client_credentials import checksum
from vehicles.models import Event, Reservation

pytestmark = pytest.mark.django_db


def test_support_sees_the_link_to_send_and_what_it_waits_for(support: Client) -> None:
    row = ReservationFactory(external_id="customer 7")
    shown = unescape(support.get(page_of(row)).content.decode())
    assert "When the car's owner connects to this application, they get both ids." in shown
    assert f"single_select=true&single_select_vin={row.vin}&user={row.user_public_id}" in shown
    assert "scope=read_vin+control_security" in shown and "customer 7" in shown


def test_a_viewer_sees_neither_vin_nor_link(viewer: Client) -> None:
    row = ReservationFactory(external_id="customer 7")
    for page in (list_of(Reservation), page_of(row)):
        shown = viewer.get(page).content.decode()
        assert row.vin not in shown and "customer 7" not in shown and f"…{row.vin[-4:]}" in shown


def test_each_state_is_told(support: Client) -> None:
    car = VehicleFactory()
    here = ReservationFactory(vin=car.vin)
    ConnectionFactory(application=here.application, vehicle=car)
    taken = ReservationFactory()
    taken.claimed_by = ApplicationUserFactory(application=taken.application)
    taken.save()
    rows = {
        "Waiting": ReservationFactory(),
        "Needs proof": ReservationFactory(shared=True),
        "User is here": taken,
        "Car is here": here,
    }
    for state, row in rows.items():
        assert f">{state}</span>" in support.get(page_of(row)).content.decode()
    for value, state in (("shared", "Needs proof"), ("taken", "User is here")):
        found = support.get(list_of(Reservation), {"state": value}).context_data["cl"].result_list
        assert list(found) == [rows[state]]


@pytest.mark.parametrize("by", ["vehicle_public_id", "user_public_id", "vin", "email"])
def test_a_row_is_found_by_what_is_in_it(support: Client, by: str) -> None:
    row = ReservationFactory(email_checksum=checksum("anna@owners.example"))
    ReservationFactory()
    wanted = "Anna@owners.example" if by == "email" else getattr(row, by)
    assert list(support.get(list_of(Reservation), {"q": wanted}).context_data["cl"].result_list) == [row]


def test_an_operator_may_delete_a_row_and_it_is_recorded(operator: Client) -> None:
    row = ReservationFactory()
    operator.post(page_of(row).replace("/change/", "/delete/"), {"post": "yes"})
    assert not Reservation.objects.exists()
    event = Event.objects.get(kind="staff:acted")
    assert event.data == {
        "deleted_reservation": str(row.vehicle_public_id),
        "user_id": str(row.user_public_id),
    }


def test_others_may_not(support: Client) -> None:
    row = ReservationFactory()
    assert support.post(page_of(row).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert Reservation.objects.exists()


def test_the_first_page_counts_them_and_leads_there(viewer: Client) -> None:
    ReservationFactory()
    shown = viewer.get("/admin/").content.decode()
    assert "cars are not connected yet" in shown and list_of(Reservation) in shown
