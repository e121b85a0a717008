"""The legacy API closes for everybody at once, and opens again by one probe; consent has no part in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import VehicleGrantFactory
from tests.vehicles.test_legacy_logins import sign_in_legacy
from vehicles import evidence, tasks
from vehicles.commands import issuing
from vehicles.commands.rows import PendingCommand
from vehicles.errors import CatalogueError
from vehicles.evidence import incidents
from vehicles.facts import facts_of
from vehicles.models import Event, Incident, Integration, TeslaAccount, VehicleGrant
from vehicles.tesla import client, paths
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.upstream import account_call, calls, legacy_api

pytestmark = pytest.mark.django_db


def legacy_grant(account: TeslaAccount, now: datetime) -> VehicleGrant:
    """A grant on the first car that the legacy API lists."""
    listed = account_call.call(account, Integration.LEGACY, client.products)
    access = evidence.vehicles_listed(account, listed, now=now)[0]
    made: VehicleGrant = VehicleGrantFactory(account=account, vehicle=access.vehicle, integration="legacy")
    return made


@pytest.fixture
def emmas(simulator: SimulatorServer, emma: ScenarioPerson, now: datetime) -> VehicleGrant:
    return legacy_grant(sign_in_legacy(simulator, emma), now)


@pytest.fixture
def annas(simulator: SimulatorServer, anna: ScenarioPerson, now: datetime) -> VehicleGrant:
    return legacy_grant(sign_in_legacy(simulator, anna), now)


@pytest.fixture
def closing(simulator: SimulatorServer) -> Callable[[bool], None]:
    def set_open(is_open: bool) -> None:
        simulator.world.provider.legacy_open = is_open

    return set_open


def refused_read(grant: VehicleGrant) -> CatalogueError:
    with pytest.raises(CatalogueError) as raised:
        calls.vehicle_data(grant, ["charge_state"])
    return raised.value


def refuse_calls_of(simulator: SimulatorServer, email: str, path: str = "*", **more: Any) -> None:
    fault = {"match": {"path": path, "email": email}, "status": 403, "times": 100} | more
    simulator.world.faults.add(
        fault | {"body": {"error": "forbidden, see https://developer.tesla.com/docs/fleet-api"}}
    )


def causes() -> set[str]:
    return set(VehicleGrant.objects.values_list("main_cause", flat=True))


def test_one_refusal_tells_of_everybody_and_the_verdicts_follow(
    emmas: VehicleGrant, annas: VehicleGrant, closing: Any, now: datetime
) -> None:
    fleet = VehicleGrantFactory(vehicle=annas.connection.vehicle)
    closing(False)
    error = refused_read(emmas)
    assert (error.spec.name, "/oauth/" in (error.resolution_url or "")) == (
        "COMPATIBILITY:PLATFORM_NOT_CAPABLE",
        True,
    )
    assert facts_of(annas, timezone.now()).provider == "legacy_closed"
    tasks.watch_accounts()
    assert set(VehicleGrant.objects.filter(integration="legacy").values_list("main_cause", flat=True)) == {
        "legacy_closed"
    }
    fleet.refresh_from_db()
    assert fleet.main_cause != "legacy_closed"
    incident = Incident.objects.get()
    assert incident.kind == "legacy_closed" and "developer.tesla.com" in incident.reason
    told = Event.objects.get(kind="incident:began")
    assert (told.data["what"], told.actor) == ("legacy_closed", "system")


def test_nobodys_consent_changes(emmas: VehicleGrant, closing: Any) -> None:
    account = TeslaAccount.objects.get()
    before = (account.consent, account.consent_since, account.legacy_login_lost_at)
    closing(False)
    refused_read(emmas)
    account.refresh_from_db()
    assert (account.consent, account.consent_since, account.legacy_login_lost_at) == before
    assert not Event.objects.filter(kind__in=["consent:changed", "legacy_login:changed"]).exists()


def test_one_answered_probe_opens_it_again(emmas: VehicleGrant, annas: VehicleGrant, closing: Any) -> None:
    closing(False)
    refused_read(emmas)
    tasks.watch_accounts()
    assert causes() == {"legacy_closed"} and not legacy_api.is_open("live")
    closing(True)
    tasks.watch_accounts()
    assert "legacy_closed" not in causes() and legacy_api.is_open("live")
    assert calls.vehicle_data(emmas, ["charge_state"])["charge_state"]


def test_while_it_is_closed_only_a_probe_asks(
    emmas: VehicleGrant, annas: VehicleGrant, closing: Any, simulator: SimulatorServer, now: datetime
) -> None:
    closing(False)
    refused_read(emmas)
    since = len(simulator.world.calls.since(0))
    legacy_api.end_closings(now)
    assert [call["path"] for call in simulator.world.calls.since(since)] == [paths.PRODUCTS]


def test_an_account_that_alone_is_refused_closes_nothing_for_others(
    simulator: SimulatorServer, emmas: VehicleGrant, annas: VehicleGrant, emma: ScenarioPerson
) -> None:
    refuse_calls_of(simulator, emma.email)
    assert refused_read(emmas).spec.name == "COMPATIBILITY:PLATFORM_NOT_CAPABLE"
    assert not Incident.objects.exists()
    assert calls.vehicle_data(annas, ["charge_state"])


def test_a_single_endpoint_that_closes_is_not_the_whole_api(
    simulator: SimulatorServer, emmas: VehicleGrant, emma: ScenarioPerson
) -> None:
    refuse_calls_of(simulator, emma.email, "*/vehicle_data")
    assert refused_read(emmas).spec.name == "COMPATIBILITY:PLATFORM_NOT_CAPABLE"
    assert not Incident.objects.exists()


def test_the_simulated_tesla_closing_says_nothing_of_the_real_one(emmas: VehicleGrant, now: datetime) -> None:
    incidents.begin(incidents.IncidentKind.LEGACY_CLOSED, "simulated", now)
    assert legacy_api.is_open("live") and not legacy_api.is_open("simulated")
    assert facts_of(emmas, timezone.now()).provider == "legacy"


def test_verdicts_follow_when_the_operator_switches_it_off_or_on(emmas: VehicleGrant, settings: Any) -> None:
    for is_on in (False, True):
        settings.LEGACY_OWNER_API = is_on
        tasks.watch_accounts()
        assert (causes() == {"legacy_closed"}) is not is_on


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 403, "body": {"error": "Tesla Vehicle Command Protocol required"}},
        {"status": 200, "body": {"response": {"result": False, "reason": "unsigned_cmds_hardlocked"}}},
    ],
)
def test_a_car_that_turns_out_to_want_signatures_is_told_apart_from_one_that_refuses(
    simulator: SimulatorServer, emmas: VehicleGrant, answer: dict[str, Any]
) -> None:
    fault = {"match": {"path": "*/command/door_lock"}, "effect_happens": False}
    simulator.world.faults.add(fault | answer)
    with pytest.raises(CatalogueError, match="COMPATIBILITY:PLATFORM_NOT_CAPABLE"):
        issuing.issue(PendingCommand(emmas, "lock", {}, timezone.now()))
    vehicle = emmas.connection.vehicle
    vehicle.refresh_from_db()
    assert vehicle.protocol_required is True


@pytest.mark.parametrize("times", [1, 100])
def test_a_404_of_the_older_interface_is_looked_into_over_its_own_list(
    simulator: SimulatorServer, emmas: VehicleGrant, times: int
) -> None:
    fault = {
        "match": {"path": "*/vehicle_data"},
        "status": 404,
        "body": {"error": "not_found"},
        "times": times,
    }
    simulator.world.faults.add(fault)
    if times == 1:
        assert calls.vehicle_data(emmas, ["charge_state"])
    else:
        assert refused_read(emmas).spec.name == "UPSTREAM:UNKNOWN_ISSUE"
    assert causes() == {""}
    assert "/api/1/products" in [call["path"] for call in simulator.world.calls.since(0)][-3:]
