"""History: nobody can change it, it outlives whom it tells of, and every past state can be read back from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.factories import (
    ApplicationFactory,
    EventFactory,
    TeslaAccountFactory,
    UserFactory,
    VehicleGrantFactory,
)
from vehicles import evidence, facts, grants, history
from vehicles.diagnosis import Access, Consent
from vehicles.facts.sources import Source
from vehicles.grants import erasure, pausing
from vehicles.history import Kind
from vehicles.models import Application, Event, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla import scopes
from vehicles.tesla.results import KeyStatus, ListedVehicle

CHANGES: dict[str, Callable[[Event], object]] = {
    "save": lambda event: event.save(),
    "save, forced": lambda event: event.save(force_update=True),
    "save of a field": lambda event: event.save(update_fields=["kind"]),
    "save of a fixture": lambda event: event.save_base(raw=True),
    "update": lambda event: Event.objects.update(kind="other"),
    "update of one": lambda event: Event.objects.filter(pk=event.pk).update(kind="other"),
    "bulk update": lambda event: Event.objects.bulk_update([event], ["kind"]),
    "update or create": lambda event: Event.objects.update_or_create(pk=event.pk, defaults={"kind": "other"}),
    "bulk create over it": lambda event: Event.objects.bulk_create(
        [event], update_conflicts=True, update_fields=["kind"], unique_fields=["id"]
    ),
    "base manager": lambda event: Event._base_manager.update(kind="other"),
    "default manager": lambda event: Event._default_manager.update(kind="other"),
    "delete": lambda event: event.delete(),
    "delete of all": lambda event: Event.objects.all().delete(),
    "delete by the base manager": lambda event: Event._base_manager.all().delete(),
    "raw delete": lambda event: Event.objects.all()._raw_delete("default"),
}


@pytest.mark.django_db
@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_the_orm_changes_and_deletes_no_event(change: Callable[[Event], object]) -> None:
    event = EventFactory()
    event.kind = "other"
    with pytest.raises(TypeError, match="Events cannot be"), transaction.atomic():
        change(event)
    assert Event.objects.get().kind == "grant:given"


@pytest.fixture
def guarded_events(db: None) -> None:
    """The triggers of the migration, which tests that make their tables from the models go without."""
    with connection.cursor() as cursor:
        for name in ("0008_unchangeable_events", "0013_events_that_may_go"):
            for statement in import_module(f"vehicles.migrations.{name}")._REFUSE[connection.vendor]:
                cursor.execute(statement)


@pytest.mark.parametrize("action", ["UPDATE", "DELETE", "TRUNCATE"])
def test_the_database_itself_refuses_to_change_or_delete_events(guarded_events: None, action: str) -> None:
    if action == "TRUNCATE" and connection.vendor == "sqlite":
        pytest.skip("SQLite has no such statement")
    EventFactory()
    rest = {"UPDATE": "vehicles_event SET kind = 'other'", "DELETE": "FROM vehicles_event"}
    statement = f"{action} {rest.get(action, 'vehicles_event')}"
    with pytest.raises(IntegrityError, match="Events cannot be"), transaction.atomic():
        connection.cursor().execute(statement)
    assert Event.objects.get().kind == "grant:given"
    history.record(Kind.GRANT_GIVEN, actor=history.SYSTEM, at=datetime.now(UTC))
    assert Event.objects.count() == 2


ROUND_ABOUT = {
    "INSERT OR REPLACE": "INSERT OR REPLACE INTO vehicles_event (id, {columns}) VALUES ({pk}, {values})",
    "REPLACE": "REPLACE INTO vehicles_event (id, {columns}) VALUES ({pk}, {values})",
    "ON CONFLICT": "INSERT INTO vehicles_event (id, {columns}) VALUES ({pk}, {values}) ON CONFLICT (id) DO UPDATE "
    "SET kind = excluded.kind",
    "by the row's inner number": "INSERT OR REPLACE INTO vehicles_event (rowid, {columns}) VALUES ({pk}, {values})",
}
"""Ways to change an event that are no UPDATE and no DELETE."""


@pytest.mark.parametrize("way", ROUND_ABOUT)
def test_the_database_refuses_to_write_over_an_event(guarded_events: None, way: str) -> None:
    if connection.vendor != "sqlite" and way != "ON CONFLICT":
        pytest.skip("only SQLite has such a statement")
    event = EventFactory()
    statement = ROUND_ABOUT[way].format(
        columns="kind, at, actor, request_id, data",
        values="'other', '2026-01-01 00:00:00', 'b', '', '{}'",
        pk=event.pk,
    )
    with pytest.raises(IntegrityError, match="Events cannot be"), transaction.atomic():
        connection.cursor().execute(statement)
    assert Event.objects.get().kind == "grant:given"
    EventFactory()
    assert Event.objects.count() == 2


MAY_GO = (*history.STAFF_VIEWS, *history.RUNS)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("days", [29, 31])
def test_only_old_views_and_runs_may_leave_the_table(guarded_events: None, kind: Kind, days: int) -> None:
    EventFactory(kind=kind, at=datetime.now(UTC) - timedelta(days=days))
    goes = kind in MAY_GO and days > 30
    try:
        with transaction.atomic():
            connection.cursor().execute("DELETE FROM vehicles_event")
    except IntegrityError:
        assert not goes
    assert Event.objects.exists() is not goes


def test_the_oldest_go_first_in_parts_and_no_more_than_asked_for(
    guarded_events: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vehicles.history.forgetting.AT_ONCE", 2)
    for days in (400, 390, 380, 370, 360):
        EventFactory(kind=Kind.STAFF_VIEWED, at=now - timedelta(days=days), actor=str(days))
    EventFactory(at=now - timedelta(days=500))
    assert history.forget(Kind.STAFF_VIEWED, now - timedelta(days=365), 2) == 2
    assert history.forget(Kind.STAFF_VIEWED, now - timedelta(days=365), 100) == 2
    assert set(Event.objects.values_list("actor", flat=True)) == {"360", "system"}
    with pytest.raises(ValueError, match="stays"):
        history.forget(Kind.GRANT_GIVEN, now, 100)


def test_an_event_points_at_nothing_that_could_take_it_along() -> None:
    fields = [field for field in Event._meta.get_fields() if isinstance(field, models.ForeignKey)]
    assert fields == []
    assert not [field for field in Event._meta.get_fields() if field.auto_created and not field.concrete]


def test_erasing_a_person_leaves_history_whole(guarded_events: None, now: datetime) -> None:
    grant = VehicleGrantFactory()
    history.record(Kind.GRANT_GIVEN, actor=history.SYSTEM, at=now, grant=grant, account=grant.account)
    before = list(Event.objects.order_by("pk").values())
    erasure.erase(grant.account.person, actor=history.SYSTEM, now=now)
    assert not TeslaAccount.objects.exists()
    assert list(Event.objects.order_by("pk").values())[: len(before)] == before


_TAKEN_BY_NOBODY = {
    "sqlite": ["CREATE TRIGGER nobody BEFORE INSERT ON vehicles_event BEGIN SELECT RAISE(IGNORE); END"],
    "postgresql": [
        "CREATE FUNCTION nobody() RETURNS trigger AS 'BEGIN RETURN NULL; END' LANGUAGE plpgsql",
        "CREATE TRIGGER nobody BEFORE INSERT ON vehicles_event FOR EACH ROW EXECUTE FUNCTION nobody()",
    ],
}


@pytest.mark.django_db
def test_a_change_whose_event_was_not_written_does_not_go_through(now: datetime) -> None:
    grant = VehicleGrantFactory()
    with connection.cursor() as cursor:
        for statement in _TAKEN_BY_NOBODY[connection.vendor]:
            cursor.execute(statement)
    with pytest.raises(IntegrityError, match="was not written"), transaction.atomic():
        grants.revoke(grant, actor=history.SYSTEM, now=now)
    grant.refresh_from_db()
    assert grant.revoked_at is None and not Event.objects.exists()


@pytest.mark.django_db
def test_staff_of_every_rank_can_read_history_and_neither_change_nor_delete_it(client: Any) -> None:
    event = EventFactory()
    client.force_login(UserFactory(is_superuser=True))
    page = f"/admin/vehicles/event/{event.pk}"
    assert client.get(f"{page}/change/").status_code == 200
    assert client.post(f"{page}/change/", {"kind": "other"}).status_code == 403
    assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"}
    client.post("/admin/vehicles/event/", action)
    assert Event.objects.get(pk=event.pk).kind == "grant:given"


@pytest.mark.django_db
def test_a_dump_can_be_loaded_where_there_is_no_history_yet_but_not_over_one(tmp_path: Any) -> None:
    EventFactory()
    dump = tmp_path / "events.json"
    call_command("dumpdata", "vehicles.event", output=str(dump), verbosity=0)
    with pytest.raises(TypeError):
        call_command("loaddata", str(dump), verbosity=0)


MODEL_3 = "5YJ3E7EA7KF000101"
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
SCOPES = sorted(scopes.LABELS, reverse=True)
ASKED = ["read_vin", "read_location", "control_security"]


class World:
    """Two accounts around one car, and everything that can happen to them, a minute after each other."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self.application: Application = ApplicationFactory()
        self.accounts = [
            TeslaAccountFactory(consent="unknown", granted_scopes=[], consent_since=None) for _ in range(2)
        ]
        self.vehicle = Vehicle.objects.create(mode="live", vin=MODEL_3)
        self.seen: list[tuple[datetime, dict[Any, dict[str, Any]]]] = []

    def do(self, step: tuple[str, int, Any]) -> None:
        name, which, what = step
        self.now += timedelta(minutes=1)
        getattr(self, name)(TeslaAccount.objects.get(pk=self.accounts[which].pk), what)
        self.seen.append((self.now, self.current()))

    def scopes(self, account: TeslaAccount, what: int) -> None:
        evidence.scopes_seen(account, SCOPES[: what + 1], now=self.now)

    def consent(self, account: TeslaAccount, what: int) -> None:
        evidence.consent_seen(account, list(Consent)[what], now=self.now, source=Source.API_DENIAL)

    def legacy_login(self, account: TeslaAccount, what: int) -> None:
        evidence.legacy_login_seen(account, works=bool(what % 2), now=self.now)

    def listed(self, account: TeslaAccount, what: int) -> None:
        relation = ("OWNER", "DRIVER")[what % 2]
        item = ListedVehicle(MODEL_3, "1", relation, "Comet", "online", what > 2, what == 4)
        evidence.vehicles_listed(account, [item] if what else [], now=self.now)

    def gone(self, account: TeslaAccount, what: int) -> None:
        evidence.vehicle_gone(account, self.vehicle, now=self.now)

    def key(self, account: TeslaAccount, what: int) -> None:
        status = KeyStatus(MODEL_3, bool(what % 2), True, 18 + what, "")
        evidence.key_seen(self.vehicle, status, now=self.now, by=Access.DRIVER if what > 2 else Access.OWNER)

    def car_said(self, account: TeslaAccount, what: int) -> None:
        said = (
            *(evidence.key_used, evidence.key_refused, evidence.protocol_demanded),
            evidence.protocol_unsupported,
        )
        said[what % len(said)](self.vehicle, now=self.now)

    def told(self, account: TeslaAccount, what: int) -> None:
        actor = history.person(account.person)
        evidence.key_told(self.vehicle, paired=bool(what % 2), actor=actor, now=self.now)

    def expired(self, account: TeslaAccount, what: int) -> None:
        self.now += timedelta(days=what * 3)
        evidence.keys_expired([self.vehicle.pk], now=self.now)

    def unanswered(self, account: TeslaAccount, what: int) -> None:
        evidence.keys_unanswered([self.vehicle], now=self.now)

    def paused(self, account: TeslaAccount, what: int) -> None:
        pausing.pause_vehicle(self.vehicle, paused=bool(what % 2), actor="staff:1", now=self.now)

    def given(self, account: TeslaAccount, what: int) -> None:
        grants.give(
            application=self.application,
            account=account,
            vehicles=[self.vehicle],
            requested=ASKED[: what % 3 + 1],
            approved=ASKED[: what % 2 + 1],
            integration=("fleet", "legacy")[what % 2],
            now=self.now,
        )

    def moved(self, account: TeslaAccount, what: int) -> None:
        grants.move_to_fleet(self.application, account, now=self.now)

    def revoked(self, account: TeslaAccount, what: int) -> None:
        grants.revoke_all(VehicleGrant.objects.filter(account=account), actor="staff:1", now=self.now)

    def current(self) -> dict[Any, dict[str, Any]]:
        """How everything stands, read from the rows themselves."""
        states: dict[Any, dict[str, Any]] = {}
        for account in TeslaAccount.objects.all():
            states[account] = {
                "consent": account.consent,
                "granted_scopes": sorted(account.granted_scopes),
                "legacy_login": "lost" if account.legacy_login_lost_at else "works",
            }
        for grant in VehicleGrant.objects.all():
            states[grant] = {
                "requested": grant.requested,
                "approved": grant.approved,
                "declined": grant.declined,
                "not_granted": grant.not_granted,
                "integration": grant.integration,
                "stands": grant.revoked_at is None,
            }
        vehicle = Vehicle.objects.get()
        relations = VehicleAccess.objects.filter(vehicle=vehicle)
        states[vehicle] = {
            "key": vehicle.key,
            "key_reason": vehicle.key_reason,
            **facts.conditions(vehicle),
            "accesses": {
                str(row.account_id): {
                    "access_type": row.access_type,
                    "missing": row.missing_since is not None,
                }
                for row in relations
            },
        }
        return states


STEPS = [
    *("scopes", "consent", "legacy_login", "listed", "gone", "key", "car_said", "told", "expired"),
    *("unanswered", "paused", "given", "moved", "revoked"),
]


class ReplayedHistory(TestCase):
    """Whatever happens, the events alone tell how everything stood at any time."""

    @example([("scopes", 0, 0), ("given", 0, 1), ("moved", 0, 0), ("scopes", 0, 2), ("scopes", 0, 0)])
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.integers(0, 4)), max_size=12))
    def test_replaying_history_gives_every_state_that_ever_was(
        self, steps: list[tuple[str, int, Any]]
    ) -> None:
        world = World()
        for step in steps:
            world.do(step)
        for at, states in world.seen:
            for subject, state in states.items():
                past = history.as_of(subject, at)
                assert set(past) == set(state), "how it begins is missing in _BEGINNINGS of history/past.py"
                assert past == state, (subject, at)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 1), st.integers(0, 4)), max_size=10))
    def test_every_change_names_who_did_it_and_what_showed_it(
        self, steps: list[tuple[str, int, Any]]
    ) -> None:
        world = World()
        for step in steps:
            world.do(step)
        for event in Event.objects.exclude(kind="grant:revoked"):
            assert event.actor
            assert event.data["source"] in set(Source) | {""}, event.kind
            assert event.data.get("before") != event.data.get("after") or event.kind in {
                "key:changed", "vehicle:appeared", "vehicle:disappeared", "access:changed", "grant:given",
            }  # fmt: skip


@pytest.mark.django_db
def test_before_anything_happened_a_subject_stands_as_it_begins(now: datetime) -> None:
    account = TeslaAccountFactory()
    evidence.consent_seen(account, Consent.REVOKED, now=now, source=Source.API_DENIAL)
    assert history.as_of(account, now - timedelta(seconds=1))["consent"] == "unknown"
    assert history.as_of(account, now)["consent"] == "revoked"
