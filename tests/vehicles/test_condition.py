"""The condition of a car: remembered as long as it counts, and looked at again before anybody is refused for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import ApplicationFactory, UserFactory, VehicleFactory, VehicleGrantFactory
from tests.vehicles.commanding import car_of, issue, refused
from vehicles import access, errors, facts, history, reads
from vehicles.diagnosis import Diagnosis
from vehicles.errors import CatalogueError
from vehicles.facts import with_rows
from vehicles.grants import pausing
from vehicles.models import Vehicle, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db


def fresh(grant: VehicleGrant) -> VehicleGrant:
    return with_rows(VehicleGrant.objects.filter(pk=grant.pk)).get()


def told(grant: VehicleGrant, asked: str | None = None) -> Diagnosis:
    return access.diagnosis_of(fresh(grant), asked)


@pytest.fixture
def grant(signed: VehicleGrant) -> VehicleGrant:
    """A car that has the key, for reading and for commands."""
    signed.requested = signed.approved = ["read_battery", "read_vin", "control_security"]
    signed.save()
    return fresh(signed)


def read(grant: VehicleGrant) -> Any:
    return reads.read(fresh(grant), "battery", imperial=False, now=timezone.now()).body


def test_a_sleeping_car_is_told_to_who_asks_for_a_read_and_never_held_against_the_grant(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    car_of(simulator, grant).set_state("asleep")
    with pytest.raises(CatalogueError) as raised:
        read(grant)
    assert raised.value.spec is errors.ASLEEP
    asked = told(grant, "read_battery")
    assert (asked.main_cause, asked.error) == ("asleep", errors.ASLEEP)
    assert [(each.actor, each.code) for each in asked.actions] == [("application", "retry_later")]
    assert told(grant, "read_vin").error is None
    whole = told(grant)
    assert (whole.verdict, whole.causes, whole.axes["provider"]["asleep"]) == ("ok", (), True)


def test_a_car_seen_asleep_is_asked_all_the_same_for_it_may_have_woken(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    Vehicle.objects.update(state="asleep", state_observed_at=timezone.now())
    assert read(grant)


def test_that_a_car_sleeps_is_no_longer_known_after_a_minute(grant: VehicleGrant) -> None:
    Vehicle.objects.update(state="asleep", state_observed_at=timezone.now() - timedelta(minutes=1))
    assert told(grant).axes["provider"]["asleep"] is False


def test_a_car_back_from_service_is_noticed_before_a_command_is_refused(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    earlier = timezone.now() - timedelta(minutes=1)
    Vehicle.objects.update(in_service=True, listed_at=earlier)
    assert told(grant, "control_security").error is errors.VEHICLE_OFFLINE_FOR_SERVICE
    assert issue(fresh(grant)).outcome == "succeeded"
    assert Vehicle.objects.get().in_service is False
    car_of(simulator, grant).in_service = True
    Vehicle.objects.update(in_service=True, listed_at=earlier)
    assert refused(fresh(grant)).spec is errors.VEHICLE_OFFLINE_FOR_SERVICE


def test_mobile_access_that_is_on_again_is_noticed_before_a_read_is_refused(grant: VehicleGrant) -> None:
    Vehicle.objects.update(remote_access_disabled=True, listed_at=timezone.now() - timedelta(minutes=1))
    assert told(grant).verdict == "blocked"
    assert read(grant)
    assert told(grant).verdict == "ok"


@pytest.mark.parametrize("condition", ["in_service", "remote_access_disabled"])
def test_what_the_list_said_days_ago_counts_no_more(now: datetime, condition: str) -> None:
    young = VehicleFactory(**{condition: True}, key="present", listed_at=now - timedelta(hours=47))
    old = VehicleFactory(**{condition: True}, key="present", listed_at=now - timedelta(hours=49))
    causes = [told(VehicleGrantFactory(vehicle=vehicle)).main_cause for vehicle in (young, old)]
    assert causes == [condition, ""]


def test_each_cause_names_its_source_and_since_when(now: datetime) -> None:
    since = (now - timedelta(days=3)).isoformat()
    vehicle = VehicleFactory(
        key="present",
        paused=True,
        in_service=True,
        listed_at=now,
        conditions_since={"paused": since, "in_service": since},
    )
    causes = {cause.code: cause.observed for cause in told(VehicleGrantFactory(vehicle=vehicle)).causes}
    assert {code: seen.source for code, seen in causes.items()} == {
        "paused": "staff",
        "in_service": "vehicle_list",
    }
    assert {seen.as_json()["since"] for seen in causes.values()} == {since}
    assert causes["in_service"].observed_at == now


def test_a_paused_car_says_since_when_and_an_application_too(now: datetime) -> None:
    vehicle, actor = VehicleFactory(key="present"), history.staff(UserFactory())
    of_vehicle = VehicleGrantFactory(vehicle=vehicle)
    paused = ApplicationFactory(paused=True, paused_since=now)
    of_application = VehicleGrantFactory(application=paused, vehicle=VehicleFactory(key="present"))
    pausing.pause_vehicle(vehicle, paused=True, actor=actor, now=now)
    for grant in (of_vehicle, of_application):
        [cause] = told(grant).causes
        assert (cause.code, cause.observed.since, cause.observed.source) == ("paused", now, "staff")
    pausing.pause_vehicle(vehicle, paused=False, actor=actor, now=now)
    assert told(of_vehicle).causes == ()
    assert "paused" not in Vehicle.objects.get(pk=vehicle.pk).conditions_since


def test_each_missing_permission_says_since_when_and_by_whom_it_is_known(now: datetime) -> None:
    grant = VehicleGrantFactory(
        requested=["read_vin", "read_location", "control_security", "read_odometer"],
        approved=["read_vin", "control_security"],
        declined=["read_odometer"],
        approved_at=now - timedelta(days=9),
        vehicle=VehicleFactory(key="present"),
        account__granted_scopes=["vehicle_device_data"],
        account__scopes_lost={"vehicle_cmds": {"since": now.isoformat(), "source": "token"}},
    )
    rows = {row["permission"]: row for row in told(grant).axes["permissions"]["missing"]}
    approved = (now - timedelta(days=9)).isoformat()
    assert {name: (row["reason"], row["source"], row["since"]) for name, row in rows.items()} == {
        "read_location": ("not_granted_at_tesla", "token", approved),
        "read_odometer": ("declined_in_connect", "connect", approved),
        "control_security": ("withdrawn_at_tesla", "token", now.isoformat()),
    }
    causes = {cause.code: cause.observed.as_json()["since"] for cause in told(grant).causes}
    assert causes == {"not_granted_at_tesla": approved, "withdrawn_at_tesla": now.isoformat()}
    assert facts.missing_permissions(fresh(grant))["control_security"] == "withdrawn_at_tesla"
