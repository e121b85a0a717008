"""Personal data on staff screens: masked for viewers wherever they look, and every look recorded."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client

from tests.factories import (
    CommandFactory,
    ConnectSessionFactory,
    RefusedRequestFactory,
    ReservationFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.portal.screens import SCREENS, list_of, page_of
from vehicles import facts
from vehicles.models import Event, TeslaAccount, Vehicle, VehicleGrant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant(now: datetime) -> VehicleGrant:
    grant = VehicleGrantFactory(requested=["read_vin", "control_security"])
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    return grant


def pages(grant: VehicleGrant) -> list[str]:
    vehicle = grant.connection.vehicle
    session = ConnectSessionFactory(
        account=grant.account, single_select_vin=vehicle.vin, external_user=grant.account.email
    )
    refused = RefusedRequestFactory(grant=grant)
    reserved = ReservationFactory(vin=vehicle.vin, external_id=grant.account.email)
    rows = [
        *(vehicle, grant, grant.account, grant.connection.application, CommandFactory(grant=grant), session),
        *(reserved, refused),
    ]
    return [*(list_of(model) for model in SCREENS), *(page_of(row) for row in rows), "/admin/"]


def secrets_of(grant: VehicleGrant) -> list[str]:
    return [grant.connection.vehicle.vin, grant.account.email, grant.account.sub]


def test_a_viewer_sees_no_vin_and_no_address_on_any_page(viewer: Client, grant: VehicleGrant) -> None:
    for page in pages(grant):
        response = viewer.get(page)
        assert response.status_code == 200, page
        shown = response.content.decode()
        assert [secret for secret in secrets_of(grant) if secret in shown] == [], page


def test_support_sees_them_where_they_are_needed(support: Client, grant: VehicleGrant) -> None:
    vehicle, account = grant.connection.vehicle, grant.account
    for page, secret in (
        (list_of(Vehicle), vehicle.vin),
        (list_of(VehicleGrant), vehicle.vin),
        (list_of(TeslaAccount), account.email),
        (page_of(vehicle), f"?vin={vehicle.vin}"),
        (page_of(grant), account.email),
        (page_of(account), account.sub),
    ):
        assert secret in support.get(page).content.decode(), page


def test_a_viewer_cannot_spell_a_vin_out_by_searching_or_by_address(
    viewer: Client, grant: VehicleGrant
) -> None:
    vin, email = grant.connection.vehicle.vin, grant.account.email
    for wanted in (vin, vin[:8], email):
        for model in (Vehicle, VehicleGrant, TeslaAccount):
            response = viewer.get(list_of(model), {"q": wanted})
            assert list(response.context_data["cl"].result_list) == []
    known = viewer.get(list_of(Vehicle), {"q": str(grant.connection.public_id)})
    assert list(known.context_data["cl"].result_list) == [grant.connection.vehicle]
    for query in ({"vin__startswith": vin[:5]}, {"accesses__account__email__startswith": email[:3]}):
        assert viewer.get(list_of(Vehicle), query).status_code == 400


def test_every_look_is_recorded_with_who_and_whom_but_without_the_data(
    support: Client, grant: VehicleGrant
) -> None:
    support.get(list_of(Vehicle))
    support.get(page_of(grant))
    of_grant, of_list = Event.objects.filter(kind="staff:viewed")
    assert of_list.data == {"page": "vehicle list"}
    assert of_grant.data == {"page": "vehiclegrant", "masked": False}
    assert of_grant.actor.startswith("staff:")
    assert (of_grant.grant_id, of_grant.vehicle_id) == (grant.pk, grant.connection.vehicle_id)
    assert of_grant.account_id == grant.account_id
    written = "".join(f"{event.actor}{event.data}" for event in Event.objects.all())
    assert not any(secret in written for secret in secrets_of(grant))


def test_a_look_at_masked_data_is_recorded_as_such(viewer: Client, grant: VehicleGrant) -> None:
    viewer.get(list_of(Vehicle))
    assert not Event.objects.filter(kind="staff:viewed").exists()
    viewer.get(page_of(grant.connection.vehicle))
    assert Event.objects.get(kind="staff:viewed").data == {"page": "vehicle", "masked": True}


def test_a_car_that_does_not_exist_is_no_look(support: Client) -> None:
    missing = VehicleFactory.build()
    assert support.get(page_of(missing)).status_code == 302
    assert not Event.objects.filter(kind="staff:viewed").exists()
