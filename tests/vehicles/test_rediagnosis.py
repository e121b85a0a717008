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
from vehicles import facts, tasks
from vehicles.diagnosis import Access, Consent, Key, KeyReason, diagnose
from vehicles.evidence import rediagnosis
from vehicles.facts import verdicts
from vehicles.facts.sources import SOURCES
from vehicles.models import Event, Incident, IncidentKind, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla import scopes

pytestmark = pytest.mark.django_db

COLUMNS = ("verdict", "main_cause", "next_actor", "lacks_permissions")
ASKED = ["read_vin", "read_location", "control_security"]


@pytest.fixture
def in_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even few grants are done as a million would be."""
    monkeypatch.setattr(verdicts, "FEW", -1)


def told(grant: VehicleGrant, now: datetime) -> tuple[Any, ...]:
    row = facts.with_rows(VehicleGrant.objects.filter(pk=grant.pk)).get()
    return facts.verdict_columns(diagnose(facts.facts_of(row, now)))


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
        not_granted=dice.sample(approved, dice.randrange(len(approved) + 1)),
        access=dice.choice(["OWNER", "DRIVER"]),
    )
    own = VehicleAccess.objects.filter(account=account)
    if dice.random() < 0.2:
        own.delete()
    elif dice.random() < 0.2:
        own.update(missing_since=now)
    return grant


@pytest.mark.usefixtures("in_sets")
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


def plain(now: datetime, **changes: Any) -> VehicleGrant:
    """A grant that works, but for the changes; else it is the same as every other plain one."""
    of_account = {name[9:]: value for name, value in changes.items() if name.startswith("account__")}
    of_vehicle = {name[9:]: value for name, value in changes.items() if name.startswith("vehicle__")}
    rest = {name: value for name, value in changes.items() if "__" not in name}
    seen = {"key_observed_at": now, "listed_at": now, "key": "present"}
    return VehicleGrantFactory(
        **{
            "application": ApplicationFactory(paused=rest.pop("application_paused", False)),
            "account": TeslaAccountFactory(**of_account),
            "vehicle": VehicleFactory(**{**seen, **of_vehicle}),
            "requested": ASKED,
            **rest,
        }
    )


def driven(now: datetime, owner_missing: bool) -> VehicleGrant:
    grant = plain(now, vehicle__key="absent", access="DRIVER")
    missing = now if owner_missing else None
    VehicleAccessFactory(vehicle=grant.connection.vehicle, missing_since=missing)
    return grant


ONE_THING = {
    "nothing": {},
    "asked for more": {"requested": [*ASKED, "read_tires"], "approved": ASKED},
    "approved less": {"approved": ["read_vin"], "declined": ASKED[1:]},
    "never granted since it moved": {"not_granted": ["control_security"]},
    "declined nothing of what is missing": {"approved": ["read_vin"], "declined": []},
    "legacy alone": {"integration": "legacy"},
    "legacy with few scopes": {"integration": "legacy", "account__granted_scopes": ["vehicle_device_data"]},
    "legacy": {"integration": "legacy", "vehicle__key": "unknown", "vehicle__key_reason": "legacy_only"},
    "legacy login lost": {"integration": "legacy", "account__legacy_login_lost_at": True},
    "scopes": {"account__granted_scopes": ["vehicle_device_data"]},
    "consent": {"account__consent": "revoked"},
    "mode": {"account__mode": "simulated"},
    "region": {"account__region": "na"},
    "key": {"vehicle__key": "absent"},
    "key reason": {"vehicle__key": "unknown", "vehicle__key_reason": "driver_only"},
    "other key reason": {"vehicle__key": "unknown", "vehicle__key_reason": "stale"},
    "absent": {"vehicle__key": "absent"},
    "present too long ago": {"vehicle__key_observed_at": timedelta(days=31)},
    "sources disagree": {"vehicle__key": "conflict"},
    "absent too long ago": {"vehicle__key": "absent", "vehicle__key_observed_at": timedelta(days=8)},
    "full": {"vehicle__key": "absent", "vehicle__total_keys": 20},
    "no mobile access": {"vehicle__remote_access_disabled": True},
    "no mobile access long ago": {
        "vehicle__remote_access_disabled": True,
        "vehicle__listed_at": timedelta(days=3),
    },
    "in service": {"vehicle__in_service": True},
    "in service long ago": {"vehicle__in_service": True, "vehicle__listed_at": timedelta(days=3)},
    "paused": {"vehicle__paused": True},
    "application paused": {"application_paused": True},
    "a driver's": {"access": "DRIVER", "vehicle__key": "absent"},
}


@pytest.mark.usefixtures("in_sets")
def test_grants_that_differ_in_one_thing_are_not_taken_for_each_other(now: datetime) -> None:
    Incident.objects.create(kind=IncidentKind.OPERATOR_FAULT, mode="simulated", began_at=now)
    Incident.objects.create(kind=IncidentKind.OPERATOR_FAULT, mode="live", region="na", began_at=now)
    grants = [plain(now, **_as_moments(changes, now)) for changes in ONE_THING.values()]
    grants += [driven(now, owner_missing) for owner_missing in (False, True)]
    left = plain(now)
    VehicleAccess.objects.filter(account=left.account).update(missing_since=now)
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    for grant in [*grants, left]:
        grant.refresh_from_db()
        assert tuple(getattr(grant, name) for name in COLUMNS) == told(grant, now)
    assert len(set(VehicleGrant.objects.values_list(*COLUMNS))) > 12


def _as_moments(changes: dict[str, Any], now: datetime) -> dict[str, Any]:
    moments = {name: now - value for name, value in changes.items() if isinstance(value, timedelta)}
    lost = {"account__legacy_login_lost_at": now} if "account__legacy_login_lost_at" in changes else {}
    return {**changes, **moments, **lost}


@pytest.mark.parametrize("few", [-1, 100])
def test_only_what_changed_is_written_and_dated(now: datetime, few: int, monkeypatch: Any) -> None:
    monkeypatch.setattr(verdicts, "FEW", few)
    grants = [VehicleGrantFactory() for _ in range(3)]
    assert facts.refresh_verdicts(VehicleGrant.objects.all(), now) == 3
    later = now + timedelta(hours=1)
    Vehicle.objects.filter(pk=grants[0].connection.vehicle_id).update(key="present")
    assert facts.refresh_verdicts(VehicleGrant.objects.all(), later) == 1
    assert set(VehicleGrant.objects.values_list("verdict", "verdict_since")) == {
        ("ok", later),
        ("degraded", now),
    }


@pytest.mark.parametrize("number", [40, 120])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    now: datetime, django_assert_max_num_queries: Any, number: int
) -> None:
    account = TeslaAccountFactory()
    for _ in range(number):
        VehicleGrantFactory(account=account)
    with django_assert_max_num_queries(7):
        assert facts.refresh_verdicts(VehicleGrant.objects.all(), now) == number


def test_many_grants_are_done_in_parts_that_meet_every_one(now: datetime, monkeypatch: Any) -> None:
    monkeypatch.setattr(verdicts, "AT_ONCE", 7)
    monkeypatch.setattr(verdicts, "_ANSWERS_AT_ONCE", 2)
    dice = random.Random(9)
    grants = [any_grant(dice, [ApplicationFactory()], now) for _ in range(40)]
    parts = list(facts.refresh_in_parts(VehicleGrant.objects.all(), now))
    assert parts[0].changed == 0, "first all are compared"
    assert (len(parts), sum(part.seen for part in parts)) == (7, 40)
    for grant in grants:
        grant.refresh_from_db()
        assert tuple(getattr(grant, name) for name in COLUMNS) == told(grant, now)


def test_in_parts_as_well_a_verdict_that_is_right_gets_its_date(now: datetime) -> None:
    grant = VehicleGrantFactory()
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    VehicleGrant.objects.update(verdict_since=None)
    assert sum(part.changed for part in facts.refresh_in_parts(VehicleGrant.objects.all(), now)) == 1
    grant.refresh_from_db()
    assert grant.verdict_since == now


@pytest.mark.parametrize("many", [False, True], ids=["few", "many"])
def test_a_verdict_keeps_its_date_where_only_what_is_behind_it_changes(
    now: datetime, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    grant = VehicleGrantFactory(requested=["read_vin"], vehicle=VehicleFactory(paused=True))
    facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    if many:
        monkeypatch.setattr(verdicts, "FEW", -1)
    type(grant.account).objects.update(granted_scopes=[])
    facts.refresh_verdicts(VehicleGrant.objects.all(), now + timedelta(hours=1))
    grant.refresh_from_db()
    assert (grant.main_cause, grant.lacks_permissions, grant.verdict_since) == ("paused", True, now)


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
