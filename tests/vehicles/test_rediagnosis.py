"""Verdicts in sets: whatever the rows hold, each grant gets the verdict that the diagnosis gives it alone."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from tests.factories import (
    ApplicationFactory,
    TeslaAccountFactory,
    VehicleAccessFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from vehicles import facts, rediagnosis, tasks
from vehicles.diagnosis import Access, Consent, Key, KeyReason, diagnose
from vehicles.facts import verdicts
from vehicles.models import Event, Incident, IncidentKind, Vehicle, VehicleAccess, VehicleGrant
from vehicles.sources import SOURCES
from vehicles.tesla import scopes

pytestmark = pytest.mark.django_db

COLUMNS = ("verdict", "main_cause", "next_actor")
ASKED = ["read_vin", "read_location", "control_security"]


def told(grant: VehicleGrant, now: datetime) -> tuple[str, ...]:
    row = facts.with_rows(VehicleGrant.objects.filter(pk=grant.pk)).get()
    return facts.verdict_columns(diagnose(facts.facts_of(row, facts.access_of(row), now)))


def any_vehicle(dice: random.Random, now: datetime) -> Vehicle:
    key = dice.choice(list(Key))
    made: Vehicle = VehicleFactory(
        key=key,
        key_reason=dice.choice(list(KeyReason)) if key == Key.UNKNOWN else "",
        key_source=dice.choice([*SOURCES, ""]),
        key_observed_at=dice.choice([None, now - timedelta(hours=dice.randrange(24 * 40))]),
        total_keys=dice.choice([None, 3, 19, 20, 21]),
        in_service=dice.random() < 0.3,
        remote_access_disabled=dice.random() < 0.2,
        listed_at=dice.choice([None, now - timedelta(hours=dice.randrange(96))]),
        paused=dice.random() < 0.1,
    )
    if dice.random() < 0.5:
        missing = now if dice.random() < 0.3 else None
        VehicleAccessFactory(vehicle=made, access_type=dice.choice(list(Access)), missing_since=missing)
    return made


def any_grant(dice: random.Random, applications: list[Any], now: datetime) -> VehicleGrant:
    account = TeslaAccountFactory(
        consent=dice.choice(list(Consent)),
        granted_scopes=dice.sample(sorted(scopes.LABELS), dice.randrange(len(scopes.LABELS) + 1)),
        region=dice.choice(["eu", "na"]),
        legacy_login_lost_at=dice.choice([None, None, now]),
        mode=dice.choice(["live", "simulated"]),
    )
    approved = dice.sample(ASKED, dice.randrange(4))
    left = [name for name in ASKED if name not in approved]
    grant: VehicleGrant = VehicleGrantFactory(
        application=dice.choice(applications),
        account=account,
        vehicle=any_vehicle(dice, now),
        integration=dice.choice(["fleet", "fleet", "legacy"]),
        requested=[*ASKED, *dice.sample(["read_tires"], dice.randrange(2))],
        approved=approved,
        declined=dice.sample(left, dice.randrange(len(left) + 1)),
        access=dice.choice(["OWNER", "DRIVER"]),
    )
    own = VehicleAccess.objects.filter(account=account)
    if dice.random() < 0.2:
        own.delete()
    elif dice.random() < 0.2:
        own.update(missing_since=now)
    return grant


@pytest.mark.parametrize("seed", range(4))
def test_a_set_of_grants_gets_the_verdicts_that_each_would_get_alone(now: datetime, seed: int) -> None:
    dice = random.Random(seed)
    applications = [ApplicationFactory(paused=paused) for paused in (False, False, True)]
    grants = [any_grant(dice, applications, now) for _ in range(120)]
    if seed % 2:
        Incident.objects.create(kind=IncidentKind.OPERATOR_FAULT, mode="live", region="eu", began_at=now)
        Incident.objects.create(kind=IncidentKind.MASS_REVOCATION, mode="simulated", began_at=now)
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    stored = {row[0]: row[1:] for row in VehicleGrant.objects.values_list("pk", *COLUMNS)}
    assert len(set(stored.values())) > 8
    for grant in grants:
        assert stored[grant.pk] == told(grant, now)


def test_only_what_changed_is_written_and_dated(now: datetime) -> None:
    grants = [VehicleGrantFactory() for _ in range(3)]
    assert facts.refresh_verdicts(VehicleGrant.objects.all(), now) == 3
    later = now + timedelta(hours=1)
    Vehicle.objects.filter(pk=grants[0].connection.vehicle_id).update(key="present")
    assert facts.refresh_verdicts(VehicleGrant.objects.all(), later) == 1
    assert set(VehicleGrant.objects.values_list("verdict", "verdict_since")) == {
        ("ok", later),
        ("degraded", now),
    }


def test_the_number_of_queries_follows_the_combinations_not_the_rows(
    now: datetime, django_assert_num_queries: Any
) -> None:
    account = TeslaAccountFactory()
    for _ in range(40):
        VehicleGrantFactory(account=account)
    with django_assert_num_queries(4):
        assert facts.refresh_verdicts(VehicleGrant.objects.all(), now) == 40


def test_many_grants_are_done_in_parts_that_meet_every_one(now: datetime, monkeypatch: Any) -> None:
    monkeypatch.setattr(verdicts, "AT_ONCE", 7)
    monkeypatch.setattr(verdicts, "_ANSWERS_AT_ONCE", 2)
    dice = random.Random(9)
    grants = [any_grant(dice, [ApplicationFactory()], now) for _ in range(40)]
    parts = list(facts.refresh_in_parts(VehicleGrant.objects.all(), now))
    assert (len(parts), sum(part.seen for part in parts)) == (6, 40)
    for grant in grants:
        grant.refresh_from_db()
        assert tuple(getattr(grant, name) for name in COLUMNS) == told(grant, now)


def test_a_key_state_that_grew_too_old_is_written_down_with_its_event(now: datetime) -> None:
    old = VehicleFactory(key="absent", key_observed_at=now - timedelta(days=8))
    fresh = VehicleFactory(key="absent", key_observed_at=now - timedelta(days=6))
    grants = [VehicleGrantFactory(vehicle=vehicle) for vehicle in (old, fresh)]
    tasks.rediagnose()
    for row in (old, fresh, *grants):
        row.refresh_from_db()
    assert (old.key, old.key_reason, fresh.key) == ("unknown", "stale", "absent")
    assert [grant.main_cause for grant in grants] == ["", "key_absent"]
    event = Event.objects.get(kind="key:changed")
    assert (event.vehicle_id, event.data["after"], event.data["reason"]) == (old.pk, "unknown", "stale")


def test_the_command_does_all_or_one_application_and_leaves_ended_grants_alone(
    now: datetime, capsys: Any
) -> None:
    one, other = VehicleGrantFactory(), VehicleGrantFactory()
    ended = VehicleGrantFactory(revoked_at=now)
    call_command("rediagnose", application=one.connection.application.client_id, verbosity=0)
    assert list(VehicleGrant.objects.exclude(main_cause="").values_list("pk", flat=True)) == [one.pk]
    call_command("rediagnose", verbosity=0)
    assert "2 grants diagnosed" in capsys.readouterr().out
    for row in (other, ended):
        row.refresh_from_db()
    assert (other.main_cause, ended.main_cause) == ("key_absent", "")


def test_a_second_run_changes_nothing(now: datetime) -> None:
    for _ in range(3):
        VehicleGrantFactory()
    assert sum(rediagnosis.rediagnose(now)) == 3
    before = list(VehicleGrant.objects.order_by("pk").values())
    assert sum(rediagnosis.rediagnose(now + timedelta(hours=1))) == 3
    assert list(VehicleGrant.objects.order_by("pk").values()) == before
