"""Observations become state, history and verdicts together."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.factories import (
    TeslaAccountFactory,
    VehicleAccessFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from vehicles import evidence, facts, grants, history
from vehicles.diagnosis import Access
from vehicles.models import Event, TeslaAccount, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla import scopes
from vehicles.tesla.results import KeyStatus, ListedVehicle
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db


def status(vehicle: Vehicle, paired: bool | None, required: bool | None, keys: int | None = 3) -> KeyStatus:
    return KeyStatus(vehicle.vin, paired, required, keys, "2026.20.3")


def listed(vin: str, access_type: str = "OWNER") -> ListedVehicle:
    return ListedVehicle(vin, "100", access_type, "Comet", "online", False, False)


@pytest.mark.parametrize(
    ("vin", "paired", "required", "key"),
    [
        ("5YJ3E7EA7KF000101", True, True, "present"),
        ("5YJ3E7EA7KF000101", False, True, "absent"),
        ("5YJ3E7EA7KF000101", False, False, "absent"),
        ("5YJSA1E25JF000303", False, False, "not_required"),
        ("5YJSA1E25JF000303", False, None, "not_required"),
    ],
)
def test_unpaired_means_missing_only_where_the_car_needs_the_key(
    now: datetime, vin: str, paired: bool, required: bool | None, key: str
) -> None:
    vehicle = VehicleFactory(vin=vin, key="unknown", key_reason="never_checked")
    evidence.key_seen(vehicle, status(vehicle, paired, required), now=now)
    assert Vehicle.objects.get().key == key


def test_a_car_in_neither_list_keeps_its_key_state(now: datetime) -> None:
    vehicle = VehicleFactory(key="present")
    evidence.key_seen(vehicle, status(vehicle, None, None), now=now)
    assert Vehicle.objects.get().key == "present"


def test_a_key_that_goes_is_told_once_and_changes_the_verdict_of_every_application(now: datetime) -> None:
    vehicle = VehicleFactory(key="present")
    VehicleGrantFactory(vehicle=vehicle)
    VehicleGrantFactory(vehicle=vehicle)
    evidence.key_seen(vehicle, status(vehicle, False, True), now=now)
    evidence.key_seen(vehicle, status(vehicle, False, True), now=now)
    assert set(VehicleGrant.objects.values_list("verdict", "main_cause", "next_actor")) == {
        ("degraded", "key_absent", "owner")
    }
    assert Event.objects.filter(kind="key:changed").count() == 1


def test_scopes_narrow_grants_at_once_and_restore_exactly_what_was_approved(now: datetime) -> None:
    account = TeslaAccountFactory()
    grant = VehicleGrantFactory(account=account, vehicle__key="present")
    evidence.scopes_seen(account, [*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA], now=now)
    grant.refresh_from_db()
    assert (grant.verdict, grant.main_cause) == ("degraded", "withdrawn_at_tesla")
    approved = list(grant.approved)
    evidence.scopes_seen(account, [*scopes.SIGN_IN, *scopes.LABELS], now=now)
    grant.refresh_from_db()
    assert (grant.verdict, grant.main_cause, grant.approved) == ("ok", "", approved)


def test_a_revoked_consent_blocks_all_of_the_accounts_grants(now: datetime) -> None:
    account = TeslaAccountFactory()
    VehicleGrantFactory(account=account, vehicle__key="present")
    evidence.consent_seen(account, "revoked", now=now, source="api_denial")  # type: ignore[arg-type]
    assert VehicleGrant.objects.get().verdict == "blocked"


def test_a_car_gone_from_the_list_is_marked_and_comes_back_unharmed(now: datetime) -> None:
    account = TeslaAccountFactory()
    vin = "5YJ3E7EA7KF000101"
    [access] = evidence.vehicles_listed(account, [listed(vin)], now=now)
    VehicleGrantFactory(account=account, vehicle=access.vehicle)
    evidence.vehicles_listed(account, [], now=now)
    assert VehicleAccess.objects.get().missing_since == now
    assert VehicleGrant.objects.get().main_cause == "vehicle_missing"
    evidence.vehicles_listed(account, [listed(vin)], now=now)
    assert VehicleAccess.objects.get().missing_since is None
    kinds = set(Event.objects.filter(vehicle_id=access.vehicle_id).values_list("kind", flat=True))
    assert {"vehicle:appeared", "vehicle:disappeared", "access:changed"} <= kinds


def test_the_same_car_in_live_and_simulated_mode_is_two_rows(now: datetime) -> None:
    for mode in ("live", "simulated"):
        evidence.vehicles_listed(TeslaAccountFactory(mode=mode), [listed("5YJ3E7EA7KF000101")], now=now)
    assert sorted(Vehicle.objects.values_list("mode", flat=True)) == ["live", "simulated"]


def test_a_list_that_lags_makes_a_conflict_against_a_command_that_just_worked_and_wins_later(
    now: datetime,
) -> None:
    vehicle = VehicleFactory(key="unknown")
    evidence.key_used(vehicle, now=now)
    vehicle.refresh_from_db()
    evidence.key_seen(vehicle, status(vehicle, False, True), now=now + timedelta(minutes=5))
    assert Vehicle.objects.get().key == "conflict"
    evidence.key_seen(vehicle, status(vehicle, False, True), now=now + timedelta(hours=2))
    assert Vehicle.objects.get().key == "absent"


def test_who_is_connected_tells_why_a_key_is_unknown(now: datetime) -> None:
    vin = "5YJ3E7EA7KF000101"
    driver, owner = TeslaAccountFactory(), TeslaAccountFactory()
    [access] = evidence.vehicles_listed(driver, [listed(vin, "DRIVER")], now=now)
    assert Vehicle.objects.get().key_reason == "driver_only"
    evidence.key_seen(access.vehicle, status(access.vehicle, False, True), now=now, by=Access.DRIVER)
    assert (Vehicle.objects.get().key, Vehicle.objects.get().key_reason) == ("unknown", "driver_only")
    evidence.vehicles_listed(owner, [listed(vin)], now=now)
    assert Vehicle.objects.get().key_reason == "never_checked"
    evidence.key_seen(access.vehicle, status(access.vehicle, False, True), now=now)
    assert Vehicle.objects.get().key == "absent"
    told = Event.objects.filter(kind="key:changed").order_by("pk")
    assert [(event.data["after"], event.data["reason"]) for event in told] == [
        ("unknown", "driver_only"),
        ("unknown", "never_checked"),
        ("absent", ""),
    ]


def test_an_old_car_needs_no_key_from_the_moment_it_is_listed(now: datetime) -> None:
    evidence.vehicles_listed(TeslaAccountFactory(), [listed("5YJSA1E25JF000303")], now=now)
    vehicle = Vehicle.objects.get()
    assert (vehicle.key, vehicle.key_source, vehicle.protocol_required) == ("not_required", "vin", False)


def test_a_car_that_only_the_legacy_interface_reaches_says_so_until_it_moves(now: datetime) -> None:
    grant = VehicleGrantFactory(
        integration="legacy", vehicle=VehicleFactory(key="unknown", key_reason="never_checked")
    )
    vehicle = grant.connection.vehicle
    evidence.keys_reconsidered([vehicle.pk], now=now)
    assert Vehicle.objects.get().key_reason == "legacy_only"
    grants.move_to_fleet(grant.connection.application, grant.account, now=now)
    assert Vehicle.objects.get().key_reason == "never_checked"


def test_a_tesla_that_cannot_be_asked_is_the_reason_only_where_nothing_is_known(now: datetime) -> None:
    known, unknown = VehicleFactory(key="absent"), VehicleFactory(key="unknown", key_reason="never_checked")
    VehicleAccessFactory(vehicle=unknown)
    evidence.keys_unanswered([known, unknown], now=now)
    assert unknown.key_reason == "provider_error"
    assert set(Vehicle.objects.values_list("key", "key_reason")) == {
        ("absent", ""),
        ("unknown", "provider_error"),
    }


def test_where_tesla_lists_the_cars_and_tells_no_keys_that_is_the_reason(
    simulator: SimulatorServer, sign_in: Any, anna: ScenarioPerson
) -> None:
    simulator.world.faults.add({"match": {"path": "/api/1/vehicles/fleet_status"}, "status": 503})
    sign_in(anna)
    assert set(Vehicle.objects.values_list("key", "key_reason")) == {("unknown", "provider_error")}


@pytest.mark.parametrize("key", ["present", "absent", "conflict"])
def test_what_was_observed_too_long_ago_is_no_longer_known(now: datetime, key: str) -> None:
    vehicle = VehicleFactory(key=key, key_observed_at=now - timedelta(days=7))
    assert facts.key_of(vehicle, now - timedelta(seconds=1))[0] == key
    assert facts.key_of(vehicle, now) == ("unknown", "stale")


def test_that_a_car_needs_no_key_does_not_age(now: datetime) -> None:
    vehicle = VehicleFactory(key="not_required", key_observed_at=now - timedelta(days=700))
    assert facts.key_of(vehicle, now) == ("not_required", None)


def test_an_expired_observation_gives_way_to_one_that_lasts_longer(now: datetime) -> None:
    vehicle = VehicleFactory(key="unknown")
    evidence.key_used(vehicle, now=now)
    evidence.key_seen(vehicle, status(vehicle, True, True), now=now + timedelta(days=1))
    later = now + timedelta(days=9)
    assert facts.key_of(vehicle, later) == ("unknown", "stale")
    evidence.keys_expired([vehicle.pk], now=later)
    vehicle.refresh_from_db()
    assert (vehicle.key, vehicle.key_source) == ("present", "command")
    evidence.keys_expired([vehicle.pk], now=now + timedelta(days=31))
    vehicle.refresh_from_db()
    assert (vehicle.key, vehicle.key_reason) == ("unknown", "stale")


def test_a_late_answer_does_not_undo_a_newer_one_of_the_same_source(now: datetime) -> None:
    vehicle = VehicleFactory(key="unknown")
    evidence.key_seen(vehicle, status(vehicle, True, True), now=now)
    evidence.key_seen(vehicle, status(vehicle, False, True), now=now - timedelta(seconds=5))
    assert Vehicle.objects.get().key == "present"


def test_command_after_command_writes_the_proof_down_once_a_minute(
    now: datetime, django_assert_num_queries: Any
) -> None:
    vehicle = VehicleFactory(key="unknown")
    evidence.key_used(vehicle, now=now)
    with django_assert_num_queries(0):
        evidence.key_used(vehicle, now=now + timedelta(seconds=59))
    evidence.key_used(vehicle, now=now + timedelta(seconds=60))
    assert Vehicle.objects.get().key_observed_at == now + timedelta(seconds=60)


def test_a_persons_word_makes_a_command_worth_a_try_and_names_who_gave_it(now: datetime) -> None:
    vehicle = VehicleFactory(key="unknown")
    grant = VehicleGrantFactory(vehicle=vehicle)
    evidence.key_seen(vehicle, status(vehicle, False, True), now=now)
    actor = history.person(grant.account.person)
    evidence.key_told(vehicle, paired=True, actor=actor, now=now + timedelta(minutes=1))
    grant.refresh_from_db()
    assert (Vehicle.objects.get().key, grant.verdict) == ("conflict", "unproven")
    assert Event.objects.filter(kind="key:changed").latest("pk").actor == actor


def test_service_and_mobile_access_are_dated_and_reach_every_account_of_the_car(now: datetime) -> None:
    vin = "5YJ3E7EA7KF000101"
    owner, driver = TeslaAccountFactory(), TeslaAccountFactory()
    [access] = evidence.vehicles_listed(owner, [listed(vin)], now=now)
    grant = VehicleGrantFactory(account=driver, vehicle=access.vehicle, access="DRIVER")
    off = replace(listed(vin), remote_access_disabled=True)
    evidence.vehicles_listed(owner, [off], now=now + timedelta(hours=1))
    evidence.vehicles_listed(owner, [off], now=now + timedelta(hours=2))
    grant.refresh_from_db()
    vehicle = Vehicle.objects.get()
    assert (grant.verdict, grant.main_cause) == ("blocked", "remote_access_disabled")
    since = (now + timedelta(hours=1)).isoformat()
    assert vehicle.conditions_since["remote_access_disabled"] == since
    changed = Event.objects.filter(kind="vehicle:changed").latest("pk")
    assert changed.data["after"]["remote_access_disabled"] is True
    evidence.vehicles_listed(owner, [listed(vin)], now=now + timedelta(hours=3))
    assert "remote_access_disabled" not in Vehicle.objects.get().conditions_since


def test_each_lost_scope_is_dated_with_its_source_until_it_comes_back(now: datetime) -> None:
    account = TeslaAccountFactory()
    evidence.scopes_seen(account, [*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA], now=now)
    assert account.scopes_lost["vehicle_cmds"] == {"since": now.isoformat(), "source": "token"}
    evidence.scopes_seen(account, [*scopes.SIGN_IN, *scopes.LABELS], now=now)
    assert TeslaAccount.objects.get().scopes_lost == {}
