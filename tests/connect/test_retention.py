"""What is kept only for a time goes by one task: in parts, found by index, each kind after its own number of days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

from connect import retention as of_connect
from connect import tasks
from connect.models import ConnectSession, RunStep
from tests.factories import (
    AddressBudgetFactory,
    ArrivalsFactory,
    CommandFactory,
    ConnectSessionFactory,
    EventFactory,
    FixLinkFactory,
    OwnerVisitFactory,
    PersonVisitFactory,
    RefusedRequestFactory,
    RunStepFactory,
    ShownFaultFactory,
    WebhookDeliveryFactory,
)
from vehicles.history import Kind, retention
from vehicles.models import Event

pytestmark = pytest.mark.django_db

Made = Callable[[datetime], Model]

KEPT: dict[str, tuple[str, Made]] = {
    "runs": ("RUNS_KEPT_DAYS", lambda at: ConnectSessionFactory(created_at=at)),
    "steps": ("RUNS_KEPT_DAYS", lambda at: RunStepFactory(session__created_at=at)),
    "arrivals": ("RUNS_KEPT_DAYS", lambda at: ArrivalsFactory(hour=at)),
    "beginnings": ("RUNS_KEPT_DAYS", lambda at: EventFactory(kind=Kind.CONNECT_STARTED, at=at)),
    "ends": ("RUNS_KEPT_DAYS", lambda at: EventFactory(kind=Kind.CONNECT_ENDED, at=at)),
    "looks": ("LOOKS_KEPT_DAYS", lambda at: EventFactory(kind=Kind.STAFF_VIEWED, at=at)),
    "commands": (
        "COMMANDS_KEPT_DAYS",
        lambda at: CommandFactory(created_at=at, outcome="succeeded", ended_at=at),
    ),
    "deliveries": (
        "DELIVERIES_KEPT_DAYS",
        lambda at: WebhookDeliveryFactory(status="delivered", ended_at=at),
    ),
    "fault pages": ("FAULT_PAGES_KEPT_DAYS", lambda at: ShownFaultFactory(shown_at=at)),
    "persons' visits": ("VISITS_KEPT_DAYS", lambda at: PersonVisitFactory(began_at=at)),
    "owners' visits": ("VISITS_KEPT_DAYS", lambda at: OwnerVisitFactory(link_made_at=at)),
    "refused requests": ("REFUSALS_KEPT_DAYS", lambda at: RefusedRequestFactory(at=at)),
}


@pytest.mark.parametrize("what", KEPT)
def test_each_kind_goes_after_its_days(settings: Any, now: datetime, what: str) -> None:
    setting, make = KEPT[what]
    setattr(settings, setting, 40)
    old, young = make(now - timedelta(days=41)), make(now - timedelta(days=39))

    tasks.forget_old_rows()

    assert list(type(old)._default_manager.filter(pk__in=[old.pk, young.pk])) == [young]


def test_what_is_open_or_stays_for_good_is_left_alone(settings: Any, now: datetime) -> None:
    settings.VISITS_KEPT_DAYS = 1
    long_ago = now - timedelta(days=2000)
    kept = [
        EventFactory(kind=Kind.GRANT_GIVEN, at=long_ago),
        EventFactory(kind=Kind.STAFF_ACTED, at=long_ago),
        CommandFactory(created_at=long_ago, outcome="pending", ended_at=None),
        WebhookDeliveryFactory(created_at=long_ago),
        # The link that it came by opens for a week.
        OwnerVisitFactory(link_made_at=now - timedelta(days=6)),
        FixLinkFactory(created_at=now - timedelta(days=settings.RUNS_KEPT_DAYS)),
    ]

    tasks.forget_old_rows()

    for row in kept:
        row.refresh_from_db()


def test_addresses_are_forgotten_within_minutes() -> None:
    AddressBudgetFactory()
    tasks.forget_old_rows()
    assert not any(rows.exists() for rows in of_connect.too_old(datetime.now().astimezone()))


def test_rows_go_in_parts_and_what_is_too_much_for_one_call_waits_for_the_next(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    for _ in range(7):
        RunStepFactory(session__created_at=now - timedelta(days=1000))
    rows = ConnectSession.objects.all()

    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert retention.drop(rows, most=4) == 4
    deletions = [each["sql"] for each in seen if each["sql"].startswith("DELETE")]

    assert len(deletions) == 4 and ConnectSession.objects.count() == RunStep.objects.count() == 3
    assert retention.drop(rows) == 3


@pytest.mark.parametrize("number", range(10))
def test_what_goes_is_found_by_index(now: datetime, number: int) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads small tables whole, whatever indexes there are")
    rows = [*of_connect.too_old(now), *retention.too_old(now)][number]
    plan = rows.order_by().values("pk")[:10].explain()
    assert "SEARCH" in plan and "SCAN" not in plan


def test_the_oldest_events_of_a_kind_are_found_by_index() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads small tables whole, whatever indexes there are")
    plan = Event.objects.filter(kind=Kind.STAFF_VIEWED).order_by("pk").values_list("pk", "at")[:10].explain()
    assert "event_kind" in plan and "TEMP B-TREE" not in plan
