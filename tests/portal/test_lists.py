"""The lists: what a row says, how the filters narrow, and that neither gets slower with more rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.admin.base import CappedPaginator
from tests.factories import (
    EVERY_SCOPE,
    ApplicationFactory,
    CommandFactory,
    ConnectSessionFactory,
    EventFactory,
    FixLinkFactory,
    IncidentFactory,
    RefusedRequestFactory,
    ReservationFactory,
    ShownFaultFactory,
    TeslaAccountFactory,
    VehicleAccessFactory,
    VehicleFactory,
    VehicleGrantFactory,
    WebhookDeliveryFactory,
)
from tests.portal.screens import SCREENS, list_of
from vehicles import audit, facts
from vehicles.models import Application, Event, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant

pytestmark = pytest.mark.django_db

READ = ["read_vin", "read_battery"]
LOCK = [*READ, "control_security"]


def fill(number: int) -> None:
    for _ in range(number):
        grant = VehicleGrantFactory(requested=LOCK)
        CommandFactory(grant=grant)
        RefusedRequestFactory(grant=grant)
        ConnectSessionFactory(account=grant.account)
        EventFactory(vehicle_id=grant.connection.vehicle_id)
        IncidentFactory()
        ReservationFactory()
        FixLinkFactory()
        ShownFaultFactory(application=grant.connection.application)
        WebhookDeliveryFactory(
            subscription__grant=grant, subscription__webhook__application=grant.connection.application
        )


def settle(now: datetime) -> None:
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)


def rows(client: Client, model: type[Model], **filters: Any) -> list[Any]:
    response = client.get(list_of(model), filters)
    assert response.status_code == 200
    return list(response.context_data["cl"].result_list)


def text(client: Client, model: type[Model], **filters: Any) -> str:
    return client.get(list_of(model), filters).content.decode()


@pytest.mark.parametrize("model", SCREENS, ids=lambda model: model.__name__)
def test_sixty_rows_take_as_many_queries_as_three(support: Client, model: type[Model]) -> None:
    fill(3)
    support.get(list_of(model))
    with CaptureQueriesContext(
        connection,
    ) as few:
        support.get(list_of(model))
    fill(57)
    with CaptureQueriesContext(connection) as many:
        response = support.get(list_of(model))
    assert len(response.context_data["cl"].result_list) == 50
    assert len(many) == len(few)


def test_the_count_stops_at_its_limit_and_so_do_the_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(7)
    monkeypatch.setattr(CappedPaginator, "most", 4)
    capped = CappedPaginator(Vehicle.objects.order_by("pk"), 2)
    assert (capped.count, capped.count_in_words, capped.num_pages) == (5, "4+", 2)
    monkeypatch.setattr(CappedPaginator, "most", 100)
    whole = CappedPaginator(Vehicle.objects.order_by("pk"), 2)
    assert (whole.count, whole.count_in_words, whole.num_pages) == (7, "7", 4)


def test_a_row_of_a_car_says_what_is_wrong_and_whose_move_it_is(support: Client, now: datetime) -> None:
    grant = VehicleGrantFactory(
        vehicle=VehicleFactory(key="absent", key_since=now - timedelta(days=3)),
        account=TeslaAccountFactory(granted_scopes=["openid", "vehicle_cmds"]),
        requested=LOCK,
    )
    settle(now)
    page = text(support, Vehicle)
    for said in (
        *(grant.connection.vehicle.vin, "Missing", "3\xa0days", "2 missing", "read_battery, read_vin"),
        *(
            "Blocked",
            "Withdrawn at Tesla",
            "Owner",
            "1 owner",
            str(grant.connection.application),
            "Fleet API",
        ),
    ):
        assert said in page


def test_removed_access_counts_as_all_permissions_missing(support: Client, now: datetime) -> None:
    VehicleGrantFactory(account=TeslaAccountFactory(consent="revoked"), requested=READ)
    settle(now)
    assert "2 missing" in text(support, VehicleGrant)
    assert len(rows(support, VehicleGrant, permissions="missing")) == 1


HELD_UP: dict[str, Callable[[VehicleGrant], object]] = {
    "nothing": lambda grant: None,
    "a paused car": lambda grant: Vehicle.objects.update(paused=True),
    "a paused application": lambda grant: Application.objects.update(paused=True),
    "a fault of the operator": lambda grant: IncidentFactory(kind="operator_fault", mode=grant.mode),
    "a car that is gone": lambda grant: VehicleAccess.objects.update(missing_since=timezone.now()),
}
LACKS: dict[str, dict[str, Any]] = {
    "never ticked": {"approved": READ},
    "unticked later": {"scopes": ["vehicle_device_data"]},
    "removed": {"consent": "revoked"},
    "nothing": {},
    "declined": {"approved": READ, "declined": ["control_security"]},
}


@pytest.mark.parametrize("held_up", HELD_UP)
@pytest.mark.parametrize("lacks", LACKS)
def test_a_row_that_shows_missing_permissions_is_found_by_them_whatever_else_holds_it_up(
    support: Client, now: datetime, lacks: str, held_up: str
) -> None:
    made = dict(LACKS[lacks])
    account = TeslaAccountFactory(
        consent=made.pop("consent", "active"), granted_scopes=made.pop("scopes", EVERY_SCOPE)
    )
    grant = VehicleGrantFactory(account=account, requested=LOCK, **made)
    HELD_UP[held_up](grant)
    settle(now)

    shows = bool(re.search(r"\d missing", text(support, VehicleGrant)))
    assert shows == (lacks not in ("nothing", "declined"))
    for model in (Vehicle, VehicleGrant):
        assert bool(rows(support, model, permissions="missing")) == shows
        assert bool(rows(support, model, permissions="complete")) != shows
    assert audit.counts().lacking_permissions == shows
    assert bool(list(audit.rows({"permissions": "missing"}))) == shows


def test_what_a_person_declined_is_not_missing(support: Client, now: datetime) -> None:
    VehicleGrantFactory(requested=LOCK, approved=READ, declined=["control_security"])
    settle(now)
    assert "Complete" in text(support, Vehicle)
    assert rows(support, Vehicle, permissions="missing") == []


@pytest.fixture
def fleet(now: datetime) -> dict[str, VehicleGrant]:
    """A grant per state that the filters tell apart."""
    present = {"key": "present"}
    made = {
        "works": VehicleGrantFactory(vehicle=VehicleFactory(**present), requested=LOCK),
        "no key": VehicleGrantFactory(vehicle=VehicleFactory(key="absent"), requested=LOCK),
        "not granted": VehicleGrantFactory(
            vehicle=VehicleFactory(**present), requested=LOCK, approved=READ, access="DRIVER"
        ),
        "legacy": VehicleGrantFactory(
            vehicle=VehicleFactory(**present), requested=READ, integration="legacy"
        ),
        "signed out": VehicleGrantFactory(
            vehicle=VehicleFactory(**present),
            account=TeslaAccountFactory(consent="sign_in_needed"),
            requested=READ,
        ),
        "never looked": VehicleGrantFactory(vehicle=VehicleFactory(key="unknown"), requested=LOCK),
        "never looked, reads": VehicleGrantFactory(vehicle=VehicleFactory(key="unknown"), requested=READ),
        "disagreed": VehicleGrantFactory(vehicle=VehicleFactory(key="conflict"), requested=LOCK),
    }
    settle(now)
    return made


UNSEEN = ("never looked", "never looked, reads", "disagreed")
FILTERED = [
    ({"key": "absent"}, {"no key"}),
    ({"permissions": "missing"}, {"not granted"}),
    ({"permissions": "complete"}, {"works", "no key", "legacy", "signed out", *UNSEEN}),
    ({"migration": "must_move"}, {"legacy"}),
    ({"migration": "moved"}, {"works", "no key", "not granted", "signed out", *UNSEEN}),
    ({"verdict": "ok"}, {"works", "legacy", "never looked, reads"}),
    ({"verdict": "unproven"}, {"never looked", "disagreed"}),
    ({"verdict": "unproven", "key": "conflict"}, {"disagreed"}),
    ({"verdict": "blocked"}, {"signed out"}),
    ({"cause": "key_absent"}, {"no key"}),
    ({"next_actor": "owner"}, {"no key", "signed out"}),
    ({"next_actor": "driver"}, {"not granted"}),
    ({"verdict": "degraded", "next_actor": "driver"}, {"not granted"}),
    ({"mode": "simulated"}, set()),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERED, ids=lambda value: str(sorted(value)))
def test_filters_narrow_cars_and_grants_alike(
    support: Client, fleet: dict[str, VehicleGrant], filters: dict[str, str], expected: set[str]
) -> None:
    grants = {fleet[name].pk for name in expected}
    cars = {fleet[name].connection.vehicle_id for name in expected}
    assert {row.pk for row in rows(support, VehicleGrant, **filters)} == grants
    assert {row.pk for row in rows(support, Vehicle, **filters)} == cars


FILTERED_ELSEWHERE = {"application", "account", "state"}
"""Filters of which a test of its own below says what they find."""


@pytest.mark.parametrize("model", [Vehicle, VehicleGrant], ids=lambda model: model.__name__)
def test_every_filter_of_cars_and_grants_has_an_example(model: type[Model]) -> None:
    names = {each.parameter_name for each in admin.site._registry[model].list_filter}
    shown = {name for filters, _ in FILTERED for name in filters}
    assert names - shown - FILTERED_ELSEWHERE == set(), "say in FILTERED what each finds"


def test_every_condition_of_the_audit_list_is_a_filter_or_of_applications_only() -> None:
    grants, cars = (admin.site._registry[model].list_filter for model in (VehicleGrant, Vehicle))
    for filters in (grants, cars):
        names = {each.parameter_name for each in filters}
        assert set(audit.CONDITIONS) - names == {"vehicle_id", "user_id"}, "into list_filter of both screens"


def test_cars_and_grants_are_found_by_application_and_account(
    support: Client, fleet: dict[str, VehicleGrant]
) -> None:
    grant = fleet["no key"]
    for filters in ({"application": grant.connection.application_id}, {"account": grant.account_id}):
        assert [row.pk for row in rows(support, VehicleGrant, **filters)] == [grant.pk]
        assert [row.pk for row in rows(support, Vehicle, **filters)] == [grant.connection.vehicle_id]


def test_an_account_also_finds_the_cars_that_no_application_uses(support: Client) -> None:
    access = VehicleAccessFactory()
    VehicleAccessFactory()
    assert [row.pk for row in rows(support, Vehicle, account=access.account_id)] == [access.vehicle_id]


def test_a_filter_value_that_is_no_id_is_ignored(support: Client, fleet: dict[str, VehicleGrant]) -> None:
    assert len(rows(support, Vehicle, application="nonsense", account="nonsense")) == len(fleet)
    assert len(rows(support, Vehicle, application="9" * 20)) == len(fleet)


def test_conditions_on_cars_must_hold_for_one_and_the_same_grant(support: Client, now: datetime) -> None:
    car = VehicleFactory(key="present")
    works = VehicleGrantFactory(vehicle=car, requested=READ)
    lacks = VehicleGrantFactory(vehicle=car, requested=LOCK, approved=READ)
    settle(now)
    blamed = lacks.connection.application_id
    assert rows(support, Vehicle, permissions="missing", application=blamed) == [car]
    assert rows(support, Vehicle, permissions="missing", application=works.connection.application_id) == []


def test_an_ended_grant_is_listed_only_when_asked_for(support: Client, now: datetime) -> None:
    grant = VehicleGrantFactory(revoked_at=now, verdict="blocked")
    assert rows(support, VehicleGrant) == []
    assert rows(support, VehicleGrant, state="ended") == [grant]
    assert rows(support, Vehicle, verdict="blocked") == []


def test_search_finds_a_car_by_all_that_staff_are_told(support: Client) -> None:
    grant = VehicleGrantFactory()
    VehicleGrantFactory(vehicle=VehicleFactory(vin="7SAYGDEE1PA000001"))
    car = grant.connection.vehicle
    for wanted in (
        *(car.vin, car.vin.lower(), f" {car.vin} ", car.vin[:8], str(car.pk)),
        *(str(grant.connection.public_id), grant.account.email, grant.account.email.upper()),
    ):
        assert rows(support, Vehicle, q=wanted) == [car], wanted
        assert rows(support, VehicleGrant, q=wanted) == [grant], wanted
    assert rows(support, VehicleGrant, q=str(grant.pk)) == [grant]
    for unknown in ("nothing", "5YJ9", "who@owners.example", "00000000-0000-4000-8000-00000000ffff"):
        assert rows(support, Vehicle, q=unknown) == []


def test_search_on_the_other_screens(support: Client) -> None:
    grant, other = VehicleGrantFactory(), VehicleGrantFactory()
    person_id = grant.account.person.application_users.get().public_id
    for wanted in (grant.account.email, str(grant.account_id), str(grant.account.person_id), str(person_id)):
        assert rows(support, TeslaAccount, q=wanted) == [grant.account]
    application = grant.connection.application
    for wanted in (application.name, application.client_id):
        assert rows(support, Application, q=wanted) == [application]
    event = EventFactory(grant_id=grant.pk)
    EventFactory(grant_id=other.pk)
    assert rows(support, Event, q=str(grant.pk)) == [event]
    assert rows(support, Event, q="no id") == []


def test_the_search_for_an_application_answers_while_one_types(support: Client) -> None:
    found = ApplicationFactory(name="Nightshift")
    ApplicationFactory(name="Dayshift")
    answer = support.get(
        "/admin/autocomplete/",
        {"app_label": "vehicles", "model_name": "connection", "field_name": "application", "term": "night"},
    )
    assert answer.json()["results"] == [{"id": str(found.pk), "text": "Nightshift"}]
