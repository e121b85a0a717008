"""Giving grants: nothing that was not asked for, nothing that Tesla did not grant, and history for each."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.factories import ApplicationFactory, TeslaAccountFactory, VehicleFactory, VehicleGrantFactory
from vehicles import access, errors, evidence, facts, grants
from vehicles.facts.sources import Source
from vehicles.models import Connection, Event, VehicleGrant
from vehicles.tesla import scopes

pytestmark = pytest.mark.django_db


def test_only_what_was_asked_and_granted_at_tesla_and_approved_is_given(now: datetime) -> None:
    account = TeslaAccountFactory(granted_scopes=[*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA])
    [grant] = grants.give(
        application=ApplicationFactory(),
        account=account,
        vehicles=[VehicleFactory()],
        requested=["read_vin", "read_battery", "control_security"],
        approved=["read_vin", "control_security", "read_odometer"],
        now=now,
    )
    assert grant.approved == ["read_vin"]
    assert grant.declined == ["read_battery"]


def test_a_second_run_replaces_the_grant_and_keeps_the_id_that_the_application_knows(now: datetime) -> None:
    first = VehicleGrantFactory(requested=["read_vin"], revoked_at=now)
    again = grants.give(
        application=first.connection.application,
        account=first.account,
        vehicles=[first.connection.vehicle],
        requested=["read_battery"],
        approved=["read_battery"],
        now=now,
    )
    assert [grant.pk for grant in again] == [first.pk]
    stored = VehicleGrant.objects.get()
    assert (stored.approved, stored.revoked_at) == (["read_battery"], None)
    assert Connection.objects.get().public_id == first.connection.public_id


def test_each_grant_is_told_in_the_history_without_naming_the_car(now: datetime) -> None:
    vehicle = VehicleFactory()
    account = TeslaAccountFactory()
    [grant] = grants.give(
        application=ApplicationFactory(),
        account=account,
        vehicles=[vehicle],
        requested=["read_vin"],
        approved=["read_vin"],
        now=now,
    )
    event = Event.objects.get(kind="grant:given")
    assert (event.grant_id, event.vehicle_id, event.actor) == (
        grant.pk,
        vehicle.pk,
        f"person:{account.person_id}",
    )
    assert vehicle.vin not in str(event.data)


def test_a_revoked_grant_is_revoked_once_and_stays_as_a_row(now: datetime) -> None:
    grant = VehicleGrantFactory()
    grants.revoke(grant, actor="system", now=now)
    grants.revoke(grant, actor="system", now=now)
    assert VehicleGrant.objects.get().revoked_at == now
    assert Event.objects.filter(kind="grant:revoked").count() == 1


def test_moving_to_fleet_keeps_the_ids_and_leaves_other_applications_on_the_legacy_api(now: datetime) -> None:
    account = TeslaAccountFactory()
    mine, other = (VehicleGrantFactory(account=account, integration="legacy") for _ in range(2))
    [moved] = grants.move_to_fleet(mine.connection.application, account, now=now)
    assert (moved.pk, moved.connection_id) == (mine.pk, mine.connection_id)
    kept = dict(VehicleGrant.objects.values_list("pk", "integration"))
    assert kept == {mine.pk: "fleet", other.pk: "legacy"}
    assert Event.objects.get(kind="grant:moved").grant_id == mine.pk
    assert grants.move_to_fleet(mine.connection.application, account, now=now) == []


FEW_BOXES = [*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA]
MORE_BOXES = [*FEW_BOXES, scopes.VEHICLE_CMDS]


def test_a_move_gains_nothing_that_tesla_does_not_cover(now: datetime) -> None:
    account = TeslaAccountFactory(granted_scopes=FEW_BOXES)
    before = VehicleGrantFactory(
        account=account, integration="legacy", requested=["read_vin", "control_security", "read_odometer"],
        approved=["read_vin", "control_security"], declined=["read_odometer"],
    )  # fmt: skip
    [moved] = grants.move_to_fleet(before.connection.application, account, now=now)
    assert facts.working_permissions(moved) == ["read_vin"]
    assert facts.missing_permissions(moved) == {
        "control_security": "not_granted_at_tesla",
        "read_odometer": "declined_in_connect",
    }
    assert VehicleGrant.objects.get().main_cause == "not_granted_at_tesla"
    told = access.diagnosis_of(moved, "control_security")
    assert told.error is errors.PERMISSION
    assert [action.code for action in told.actions] == ["remove_access_at_tesla", "connect_again"]


def test_what_was_approved_before_a_move_comes_back_by_itself_once_tesla_grants_it(now: datetime) -> None:
    grant = moved_with_few_boxes(now)
    evidence.scopes_seen(grant.account, MORE_BOXES, now=now, source=Source.LOGIN)
    grant.refresh_from_db()
    assert facts.working_permissions(grant) == ["control_security", "read_vin"]
    assert (facts.missing_permissions(grant), grant.verdict) == ({}, "ok")
    covered = Event.objects.get(kind="grant:covered")
    assert (covered.grant_id, covered.data["source"]) == (grant.pk, "login")
    assert (covered.data["before"], covered.data["after"]) == (["control_security"], [])


def test_what_tesla_granted_after_a_move_and_then_lost_is_withdrawn(now: datetime) -> None:
    grant = moved_with_few_boxes(now)
    evidence.scopes_seen(grant.account, MORE_BOXES, now=now, source=Source.LOGIN)
    evidence.scopes_seen(grant.account, FEW_BOXES, now=now)
    grant.refresh_from_db()
    assert facts.missing_permissions(grant) == {"control_security": "withdrawn_at_tesla"}
    assert access.diagnosis_of(grant, "control_security").error is errors.ACCOUNT_PERMISSION


def test_other_boxes_than_those_that_are_missing_give_nothing_back(now: datetime) -> None:
    grant = moved_with_few_boxes(now)
    evidence.scopes_seen(grant.account, [*FEW_BOXES, scopes.VEHICLE_LOCATION], now=now)
    grant.refresh_from_db()
    assert grant.not_granted == ["control_security"]
    assert not Event.objects.filter(kind="grant:covered").exists()


def test_widening_keeps_what_still_waits_for_tesla(now: datetime) -> None:
    grant = moved_with_few_boxes(now)
    grants.widen(
        grant.connection.application,
        grant.account,
        requested=["read_odometer"],
        approved=["read_odometer"],
        now=now,
    )
    grant.refresh_from_db()
    assert grant.approved == ["read_vin", "control_security", "read_odometer"]
    assert facts.missing_permissions(grant) == {"control_security": "not_granted_at_tesla"}


def moved_with_few_boxes(now: datetime) -> VehicleGrant:
    """Reading and locking were approved over the legacy API; at the move only reading was ticked at Tesla."""
    account = TeslaAccountFactory(granted_scopes=FEW_BOXES)
    approved = ["read_vin", "control_security"]
    before = VehicleGrantFactory(account=account, integration="legacy", requested=approved, approved=approved)
    before.connection.vehicle.key = "present"
    before.connection.vehicle.save()
    [moved] = grants.move_to_fleet(before.connection.application, account, now=now)
    return VehicleGrant.objects.select_related("account", "connection__application").get(pk=moved.pk)


def test_connecting_again_through_fleet_moves_the_cars_that_were_not_chosen_as_well(now: datetime) -> None:
    chosen = VehicleGrantFactory(integration="legacy")
    application, account = chosen.connection.application, chosen.account
    VehicleGrantFactory(account=account, integration="legacy", application=application)
    grants.give(
        application=application,
        account=account,
        vehicles=[chosen.connection.vehicle],
        requested=["read_vin"],
        approved=["read_vin"],
        now=now,
    )
    assert set(VehicleGrant.objects.values_list("integration", flat=True)) == {"fleet"}


def test_what_has_moved_stays_on_fleet_when_it_is_given_again_over_the_legacy_api(now: datetime) -> None:
    account = TeslaAccountFactory(granted_scopes=[*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA])
    moved = VehicleGrantFactory(account=account, requested=["read_vin"])
    [again] = grants.give(
        application=moved.connection.application,
        account=account,
        vehicles=[moved.connection.vehicle],
        requested=["read_vin", "control_security"],
        approved=["read_vin", "control_security"],
        integration="legacy",
        now=now,
    )
    assert (again.pk, again.integration, again.approved) == (moved.pk, "fleet", ["read_vin"])
