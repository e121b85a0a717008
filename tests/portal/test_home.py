"""The first staff page: its numbers are the lengths of the lists they lead to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from portal.admin.home import Tile
from tests.factories import TeslaAccountFactory, VehicleFactory, VehicleGrantFactory
from tests.portal.conftest import SignedIn
from vehicles import facts
from vehicles.models import VehicleGrant

pytestmark = pytest.mark.django_db


def troubled_fleet(now: datetime) -> None:
    for _ in range(2):
        VehicleGrantFactory(vehicle=VehicleFactory(key="absent"))
    VehicleGrantFactory(vehicle=VehicleFactory(key="present"), approved=["read_vin"])
    VehicleGrantFactory(vehicle=VehicleFactory(key="present"), integration="legacy", requested=["read_vin"])
    VehicleGrantFactory(account=TeslaAccountFactory(consent="sign_in_needed"))
    VehicleGrantFactory(account=TeslaAccountFactory(consent="revoked"), access="DRIVER")
    VehicleGrantFactory(vehicle=VehicleFactory(key="unknown"))
    VehicleGrantFactory(revoked_at=now, verdict="blocked", main_cause="consent_revoked")
    facts.refresh_verdicts(VehicleGrant.objects.filter(revoked_at=None), now)


def test_every_number_is_the_length_of_the_list_behind_it(support: Client, now: datetime) -> None:
    troubled_fleet(now)
    context = support.get("/admin/").context_data
    tiles: list[Tile] = [*context["faults"], *context["moves"], *context["verdicts"]]
    assert [tile.number for tile in context["faults"]] == [5, 2, 1, 0, 1]
    for tile in tiles:
        assert support.get(tile.url).context_data["cl"].result_count == tile.number, tile
    assert sum(tile.number for tile in context["verdicts"]) == 7
    assert {tile.name: tile.number for tile in context["verdicts"]}["Unproven"] == 1


def test_the_numbers_cost_three_queries_however_many_rows(
    support: Client, now: datetime, django_assert_num_queries: Any
) -> None:
    from vehicles import audit

    troubled_fleet(now)
    with django_assert_num_queries(3):
        audit.counts()


def test_without_a_role_there_are_no_numbers_but_a_word_on_what_to_do(signed_in: SignedIn) -> None:
    response = signed_in("nobody").get("/admin/")
    assert "faults" not in response.context_data
    assert "Ask an admin for one" in response.content.decode()
