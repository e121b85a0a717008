"""Staff type the `requestId` of an error where support codes go, and stand before what it was about."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.factories import (
    CommandFactory,
    EventFactory,
    RefusedRequestFactory,
    ShownFaultFactory,
    VehicleGrantFactory,
)
from tests.portal.conftest import SignedIn
from tests.portal.screens import list_of, page_of
from vehicles.models import RefusedRequest

pytestmark = pytest.mark.django_db


def find(staff: Client, text: str) -> Any:
    return staff.get(reverse("admin:connect_shownfault_find"), {"code": text})


@pytest.mark.parametrize(
    "factory",
    [RefusedRequestFactory, CommandFactory, ShownFaultFactory, EventFactory],
    ids=lambda each: each.__name__,
)
@pytest.mark.parametrize(
    "spelled", [str, str.upper, lambda text: f" {text} ", lambda text: text.replace("-", "")]
)
def test_a_request_id_leads_to_what_is_kept_of_it(viewer: Client, factory: Any, spelled: Any) -> None:
    row = factory(request_id=str(uuid.uuid4()))
    assert find(viewer, spelled(row.request_id)).headers["Location"] == page_of(row)


def test_the_command_comes_before_what_happened_on_its_way(viewer: Client) -> None:
    command = CommandFactory(request_id=str(uuid.uuid4()))
    EventFactory(request_id=command.request_id)
    assert find(viewer, command.request_id).headers["Location"] == page_of(command)


def test_an_id_of_nothing_is_told_so_and_the_field_takes_one(viewer: Client) -> None:
    answer = viewer.get(reverse("admin:connect_shownfault_find"), {"code": str(uuid.uuid4())}, follow=True)
    page = answer.content.decode()
    assert "Nothing carries this support code or request id" in page
    assert 'maxlength="40"' in page and "requestId" in page


def test_nobody_without_a_role_finds_anything(signed_in: SignedIn) -> None:
    row = RefusedRequestFactory()
    assert find(signed_in("nobody"), row.request_id).headers["Location"] == reverse("admin:index")


def test_the_page_says_what_was_answered_why_and_where_to_go_on(support: Client) -> None:
    grant = VehicleGrantFactory()
    row = RefusedRequestFactory(grant=grant)
    page = support.get(page_of(row)).content.decode()
    for said in (
        row.error,
        row.request_id,
        "Key missing",
        row.route,
        page_of(grant),
        page_of(grant.connection.vehicle),
    ):
        assert said in page


def test_the_list_is_searched_by_request_by_car_and_narrowed_by_application(support: Client) -> None:
    grant = VehicleGrantFactory()
    row = RefusedRequestFactory(grant=grant)
    RefusedRequestFactory()
    vehicle = grant.connection.vehicle
    for query in (
        {"q": row.request_id}, {"q": vehicle.vin}, {"q": str(grant.connection.public_id)},
        {"application": str(row.application_id)},
    ):  # fmt: skip
        found = support.get(list_of(RefusedRequest), query).context_data["cl"].result_list
        assert [each.pk for each in found] == [row.pk], query
