"""Staff see every run of Connect, newest first, and where people leave."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from connect.models import ConnectSession, Step
from connect.run import funnel
from portal.admin.connect_funnel import in_words
from tests.factories import (
    ApplicationFactory,
    ConnectSessionFactory,
    OwnerVisitFactory,
    RunStepFactory,
    TeslaAccountFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from tests.portal.conftest import SignedIn
from tests.portal.screens import list_of, page_of

pytestmark = pytest.mark.django_db

FUNNEL = "/admin/connect/connectsession/funnel/"


def _listed(client: Client, query: str = "") -> list[ConnectSession]:
    return list(client.get(f"{list_of(ConnectSession)}?{query}").context_data["cl"].result_list)


def test_runs_are_listed_newest_first_and_narrowed(viewer: Client, now: datetime) -> None:
    ended = {"ended_at": now, "step": "ended"}
    expired = ConnectSessionFactory(exit_reason="expired", left_at="keys", **ended)
    denied = ConnectSessionFactory(
        exit_reason="access_denied", left_at="permissions", created_at=now - timedelta(days=1), **ended
    )
    running = ConnectSessionFactory(step="tesla", created_at=now - timedelta(days=2))

    assert _listed(viewer) == [expired, denied, running]
    assert _listed(viewer, "exit_reason=expired") == [expired]
    assert _listed(viewer, "left_at=permissions") == [denied]
    assert _listed(viewer, "step=tesla") == [running]
    assert _listed(viewer, "days=7&mode=live&left_at=keys") == [expired]
    assert _listed(viewer, "days=1") == [expired]
    assert _listed(viewer, f"application={denied.application_id}") == [denied]
    assert _listed(viewer, f"application={denied.application_id}&exit_reason=expired") == []


def test_a_row_says_how_it_ended_where_and_after_how_long(viewer: Client, now: datetime) -> None:
    ConnectSessionFactory(
        exit_reason="expired", left_at="keys", step="ended", created_at=now - timedelta(minutes=61), ended_at=now,
        chosen_vehicles=["a", "b"], key_queue=["a", "b"], keys_added=["a"],
    )  # fmt: skip
    shown = viewer.get(list_of(ConnectSession)).content.decode()
    for said in ("Time ran out", "at: Adding keys", "1 h 01 min", "1 of 2 keys added", FUNNEL):
        assert said in shown, said


def test_a_runs_page_tells_its_way_and_who_opened_the_owners_link(viewer: Client, now: datetime) -> None:
    car, other = VehicleFactory(), VehicleFactory()
    run = ConnectSessionFactory(
        account=TeslaAccountFactory(),
        created_at=now - timedelta(seconds=90),
        trail=[
            {"step": "preamble", "at": (now - timedelta(seconds=90)).isoformat()},
            {"step": "keys", "at": now.isoformat()},
        ],
        chosen_vehicles=[str(car.pk), str(other.pk)],
        key_queue=[str(car.pk)],
        skipped_keys=[str(car.pk)],
    )
    grant = VehicleGrantFactory(vehicle=car, application=run.application, account=run.account)
    OwnerVisitFactory(grant=grant)
    OwnerVisitFactory(grant=grant, browser_checksum="b", account=TeslaAccountFactory())
    shown = viewer.get(page_of(run)).content.decode()
    for said in (
        "Welcome page 1 minute ago, 0 s after the beginning",
        "Adding keys less than a minute ago, 1 min 30 s after the beginning",
        f"…{car.vin[-4:]} key left for later",
        f"…{other.vin[-4:]} needed no key",
        "opened, not signed in",
        "signed in less than a minute ago",
    ):
        assert said in _text(shown), said
    assert car.vin not in shown


def _text(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_funnel_shows_steps_bars_and_times(viewer: Client, now: datetime) -> None:
    application = ApplicationFactory(name="Charge Planner")
    for ends in ("done", "ended"):
        session = ConnectSessionFactory(application=application)
        for step, seconds in (("preamble", 0), ("tesla", 15), ("permissions", 75), (ends, 100)):
            funnel.note_step(session, Step(step), session.created_at + timedelta(seconds=seconds))

    shown = _text(viewer.get(FUNNEL).content.decode())

    assert "2 arrivals" in shown
    assert "counted by the hour and leaves no run 2 100 % 0 0 15 s" in shown
    assert "At Tesla 2 100 % 0 0 1 min 00 s" in shown
    assert "Choosing permissions 2 100 % 1 0 25 s" in shown
    assert "Finished its time is that of the whole run 1 50 % 1 min 40 s" in shown
    assert "Charge Planner 2 1 50 %" in shown


def test_the_funnel_of_one_application_and_window(viewer: Client, now: datetime) -> None:
    mine, old = ApplicationFactory(name="Mine"), now - timedelta(days=20)
    RunStepFactory(session=ConnectSessionFactory(application=mine, created_at=old))
    RunStepFactory()

    assert "Nobody came in this time" in _text(viewer.get(f"{FUNNEL}?application={mine.pk}").content.decode())
    month = viewer.get(f"{FUNNEL}?application={mine.pk}&days=30").content.decode()
    assert "1 arrivals" in _text(month) and "By application" not in month
    assert 'width="100"' in month


@pytest.mark.parametrize(
    "query", ["days=x&mode=x&application=x", "application=99999999999999999999", "days=400"]
)
def test_what_the_funnel_does_not_know_is_left_out(viewer: Client, query: str) -> None:
    assert viewer.get(f"{FUNNEL}?{query}").status_code == 200


def test_the_funnel_asks_the_database_no_more_for_many_runs(viewer: Client, now: datetime) -> None:
    counts = []
    for number in (1, 20):
        for _ in range(number):
            RunStepFactory()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            viewer.get(FUNNEL)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_nobody_without_a_role_sees_the_funnel(signed_in: SignedIn) -> None:
    assert reverse("admin:connect_connectsession_funnel") == FUNNEL
    assert signed_in("nobody").get(FUNNEL).status_code == 403
    assert Client().get(FUNNEL).status_code == 302


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, ""), (0.4, "0 s"), (59, "59 s"), (125, "2 min 05 s"), (3725, "1 h 02 min")]
)
def test_times_in_words(seconds: float | None, words: str) -> None:
    assert in_words(seconds) == words
