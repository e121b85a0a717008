"""Observations become state, history and verdicts together."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.factories import TeslaAccountFactory, VehicleFactory, VehicleGrantFactory
from vehicles import evidence
from vehicles.models import Event, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla import scopes
from vehicles.tesla.client import KeyStatus, ListedVehicle

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
