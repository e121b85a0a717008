"""The door to Tesla: refusals are looked into before anything is believed of the person's consent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from tests.factories import VehicleGrantFactory
from vehicles import errors, evidence
from vehicles.errors import CatalogueError
from vehicles.models import Event, TeslaAccount, TeslaToken, Vehicle, VehicleAccess, VehicleGrant
from vehicles.tesla import paths, scopes
from vehicles.tesla.auth import Tokens
from vehicles.tesla.simulator.api import callers
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tokens import store
from vehicles.upstream import account_call
from vehicles.upstream import calls as upstream

pytestmark = pytest.mark.django_db

ODOMETER = ("vehicle_state",)


@pytest.fixture
def account(sign_in: Any, bernd: Any) -> TeslaAccount:
    """Bernd, signed in, with his Model S listed."""
    signed_in: TeslaAccount = sign_in(bernd)
    return signed_in


@pytest.fixture
def grant(account: TeslaAccount) -> VehicleGrant:
    """What Bernd gave an application on his Model S."""
    granted: VehicleGrant = VehicleGrantFactory(account=account, vehicle=Vehicle.objects.get())
    return granted


def read(grant: VehicleGrant) -> dict[str, Any]:
    return upstream.vehicle_data(grant, ODOMETER, scopes.VEHICLE_DEVICE_DATA)


def refused(grant: VehicleGrant) -> CatalogueError:
    with pytest.raises(CatalogueError) as raised:
        read(grant)
    return raised.value


def consent(grant: VehicleGrant) -> str:
    return TeslaAccount.objects.get(pk=grant.account_id).consent


def fault(simulator: SimulatorServer, path: str, **what: Any) -> None:
    simulator.world.faults.add({"match": {"path": path}, **what})


def calls(simulator: SimulatorServer, path: str) -> int:
    return sum(call["path"].startswith(path) for call in simulator.world.calls.since(0))


def test_a_login_brings_account_person_tokens_scopes_and_cars(account: TeslaAccount) -> None:
    assert account.consent == "active"
    assert scopes.VEHICLE_CMDS in account.granted_scopes
    assert account.email == "bernd@owners.example"
    assert account.person.is_person
    assert not account.person.has_usable_password()
    assert Vehicle.objects.get().key == "not_required"


def test_a_second_login_finds_the_same_account(sign_in: Any, bernd: Any, account: TeslaAccount) -> None:
    assert sign_in(bernd).pk == account.pk
    assert TeslaToken.objects.count() == 1


def test_the_two_modes_never_share_an_account(sign_in: Any, bernd: Any, account: TeslaAccount) -> None:
    assert sign_in(bernd, mode="simulated").pk != account.pk


def test_a_read_uses_the_stored_token_and_no_refresh(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    before = calls(simulator, "/oauth2/v3/token")
    assert read(grant)["vehicle_state"]["odometer"] > 0
    assert calls(simulator, "/oauth2/v3/token") == before


def test_an_expired_token_is_refreshed_first(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    simulator.world.clock.advance(9 * 3600)
    with time_machine.travel(timezone.now() + timedelta(hours=9)):
        read(grant)
    row = TeslaToken.objects.get()
    stored = store.load(row.account, row.integration)
    assert stored is not None
    assert stored.previous_refresh_token


def test_one_unexplained_403_on_a_healthy_account_changes_nothing(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(simulator, "/api/1/vehicles", status=403, body={"error": "Unauthorized missing scopes"}, times=1)
    read(grant)
    assert consent(grant) == "active"


def test_a_403_that_stays_while_the_scope_is_there_is_teslas_problem(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(simulator, "/api/1/vehicles", status=403, body={"error": "Unauthorized missing scopes"})
    assert refused(grant).spec.type == "UPSTREAM"
    assert consent(grant) == "active"


@pytest.mark.parametrize("status", [401, 403])
def test_access_removed_at_tesla_is_said_in_the_very_first_call(
    simulator: SimulatorServer, grant: VehicleGrant, status: int
) -> None:
    world = simulator.world
    world.provider.revoked_status = status
    bernd = world.account("bernd@owners.example")
    assert bernd and world.operator
    world.remove_consent(bernd, world.operator.client_id)
    assert refused(grant).spec is errors.ACCOUNT_PERMISSION
    assert consent(grant) == "revoked"
    assert VehicleGrant.objects.get().verdict == "blocked"


def test_a_scope_unticked_at_tesla_is_withdrawn_and_the_login_lives_on(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    world = simulator.world
    bernd = world.account("bernd@owners.example")
    assert bernd and world.operator
    world.grant(bernd, world.operator, [*scopes.SIGN_IN, scopes.VEHICLE_CMDS])
    assert refused(grant).spec is errors.ACCOUNT_PERMISSION
    assert consent(grant) == "active"
    assert VehicleGrant.objects.get().main_cause == "withdrawn_at_tesla"


def test_a_changed_password_asks_for_a_new_login_not_for_a_new_consent(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    bernd = simulator.world.account("bernd@owners.example")
    assert bernd
    simulator.world.change_password(bernd, "another")
    simulator.world.clock.advance(9 * 3600)
    with time_machine.travel(timezone.now() + timedelta(hours=9)):
        assert refused(grant).spec is errors.AUTHENTICATION_FAILED
    assert consent(grant) == "sign_in_needed"


@pytest.mark.parametrize(
    ("disturbance", "expected"),
    [
        ({"status": 500, "body": "<html>oops</html>"}, "UPSTREAM:NO_RESPONSE"),
        ({"status": 503}, "UPSTREAM:NO_RESPONSE"),
        ({"status": 200, "body": "<html>hello</html>"}, "UPSTREAM:INVALID_DATA"),
        ({"cut": True}, "UPSTREAM:NO_RESPONSE"),
        ({"status": 429, "headers": {"Retry-After": "7"}}, "UPSTREAM:RATE_LIMIT"),
        ({"status": 402, "body": {"error": "payment required"}}, "UPSTREAM:KNOWN_ISSUE"),
        ({"status": 412, "body": {"error": "must be registered"}}, "UPSTREAM:KNOWN_ISSUE"),
        ({"status": 423}, "UPSTREAM:KNOWN_ISSUE"),
        ({"status": 418}, "UPSTREAM:UNKNOWN_ISSUE"),
        ({"status": 404, "body": {"error": "not_found"}}, "CONNECTED_SERVICES_ACCOUNT:VEHICLE_MISSING"),
    ],
)
def test_each_failure_at_tesla_becomes_one_error_and_never_a_revocation(
    simulator: SimulatorServer, grant: VehicleGrant, disturbance: dict[str, Any], expected: str
) -> None:
    fault(simulator, "/api/1/vehicles", **disturbance)
    assert refused(grant).spec.name == expected
    assert consent(grant) == "active"


@pytest.fixture
def two_regions(simulator: SimulatorServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The simulated Tesla under one host name for each region, as Tesla has them."""
    hosts = {"na": f"http://127.0.0.1:{simulator.port}", "eu": f"http://localhost:{simulator.port}"}
    for region, host in hosts.items():
        monkeypatch.setitem(paths.FLEET_API_HOSTS, region, host)
    monkeypatch.setattr(callers, "REGION_OF_HOST", {"127.0.0.1": "na", "localhost": "eu"})
    settings.TESLA_API_URL = ""
    return hosts


def moved_to(simulator: SimulatorServer, region: str) -> None:
    for account in simulator.world.accounts.values():
        account.region = region


def test_an_account_that_tesla_serves_elsewhere_is_followed_there_and_found_there_from_then_on(
    simulator: SimulatorServer, grant: VehicleGrant, two_regions: dict[str, str]
) -> None:
    moved_to(simulator, "na")
    read(grant)
    before = len(simulator.world.calls.since(0))
    moved_to(simulator, "eu")
    read(grant)
    assert TeslaAccount.objects.get(pk=grant.account_id).api_host == two_regions["eu"]
    read(VehicleGrant.objects.get(pk=grant.pk))
    assert [call["status"] for call in simulator.world.calls.since(0)[before:]] == [421, 200, 200]


def test_a_token_leaves_a_configured_address_for_no_other(
    simulator: SimulatorServer, grant: VehicleGrant, two_regions: dict[str, str], settings: Any
) -> None:
    settings.TESLA_API_URL = two_regions["na"]
    moved_to(simulator, "eu")
    before = len(simulator.world.calls.since(0))
    assert refused(grant).spec is errors.UPSTREAM_UNKNOWN_ISSUE
    assert [call["status"] for call in simulator.world.calls.since(0)[before:]] == [421]


def test_a_sleeping_car_is_not_woken_for_a_read(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    car = simulator.world.car(grant.connection.vehicle.vin)
    assert car
    car.last_known_state = "asleep"
    assert refused(grant).spec is errors.ASLEEP
    car.last_known_state = "offline"
    assert refused(grant).spec is errors.UNREACHABLE
    assert not [call for call in simulator.world.calls.since(0) if "wake_up" in call["path"]]


def test_tesla_out_of_reach_at_refresh_keeps_the_login(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(simulator, "/oauth2/v3/token", status=503)
    simulator.world.clock.advance(9 * 3600)
    with time_machine.travel(timezone.now() + timedelta(hours=9)):
        assert refused(grant).spec is errors.UPSTREAM_NO_RESPONSE
        simulator.world.faults.clear()
        read(grant)
    assert consent(grant) == "active"


def test_a_lost_refresh_answer_is_repaired_with_the_token_before(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(simulator, "/oauth2/v3/token", cut=True, effect_happens=True, times=1)
    simulator.world.clock.advance(9 * 3600)
    with time_machine.travel(timezone.now() + timedelta(hours=9)):
        assert refused(grant).spec is errors.UPSTREAM_NO_RESPONSE
        read(grant)


def test_an_account_that_never_signed_in_is_told_to(simulator: SimulatorServer) -> None:
    assert refused(VehicleGrantFactory()).spec is errors.AUTHENTICATION_FAILED


def test_no_token_stands_in_history_or_errors(simulator: SimulatorServer, grant: VehicleGrant) -> None:
    stored = store.load(grant.account, "fleet")
    assert stored is not None
    fault(simulator, "/api/1/vehicles", status=401, body={"error": f"token {stored.access_token[:12]}"})
    error = refused(grant)
    assert stored.access_token not in str(error) + error.reason
    assert stored.access_token not in str(list(Event.objects.values()))


def test_unknown_consent_does_not_stop_a_call(grant: VehicleGrant) -> None:
    evidence.consent_seen(grant.account, "suspected", now=timezone.now(), source="test")  # type: ignore[arg-type]
    assert read(grant)


def test_what_tesla_just_told_is_answered_with_the_link_that_repairs_it(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    bernd = simulator.world.account("bernd@owners.example")
    assert bernd and simulator.world.operator
    simulator.world.remove_consent(bernd, simulator.world.operator.client_id)
    assert "/oauth/authorize?" in (refused(grant).resolution_url or "")


def test_a_denial_that_cannot_be_looked_into_raises_a_suspicion_that_the_next_answer_ends(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(simulator, "/api/1/vehicles", status=403, body={"error": "Unauthorized missing scopes"}, times=1)
    fault(simulator, "/oauth2/v3/token", status=503, times=1)
    assert refused(grant).spec is errors.UPSTREAM_NO_RESPONSE
    assert consent(grant) == "suspected"
    assert VehicleGrant.objects.get().verdict == "ok"
    assert read(VehicleGrant.objects.get())
    assert consent(grant) == "active"


def test_a_password_that_tesla_says_was_changed_takes_no_consent_away(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(simulator, "/api/1/vehicles", status=401, body={"error": "token expired (401)"})
    fault(simulator, "/oauth2/v3/token", status=401, body={"error": "password_changed"})
    assert refused(grant).spec is errors.AUTHENTICATION_FAILED
    assert consent(grant) == "sign_in_needed"


def test_a_login_renewed_ahead_tells_a_removal_while_the_access_token_lives(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    world = simulator.world
    bernd = world.account("bernd@owners.example")
    assert bernd and world.operator
    world.remove_consent(bernd, world.operator.client_id)
    with pytest.raises(CatalogueError):
        account_call.renew_login(grant.account, "fleet")
    assert consent(grant) == "revoked"
    assert refused(grant).spec is errors.ACCOUNT_PERMISSION


def test_a_lost_login_of_the_older_interface_says_nothing_of_the_consent(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    stored = store.load(grant.account, "fleet")
    assert stored
    store.store_login(grant.account, "legacy", Tokens("old", "old", 0), timezone.now())
    older = VehicleGrantFactory(account=grant.account, integration="legacy", vehicle__key="not_required")
    VehicleAccess.objects.filter(vehicle=older.connection.vehicle).update(tesla_id="1")
    assert refused(older).spec is errors.AUTHENTICATION_FAILED
    assert consent(grant) == "active"
    assert VehicleGrant.objects.get(pk=older.pk).main_cause == "sign_in_needed"
    assert VehicleGrant.objects.get(pk=grant.pk).verdict == "ok"


def test_one_404_on_any_path_is_asked_again_and_loses_nobody_a_car(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    vin = grant.connection.vehicle.vin
    for path, ask in (
        (f"/api/1/vehicles/{vin}/vehicle_data", lambda: read(grant)),
        (f"/api/1/vehicles/{vin}/recent_alerts", lambda: upstream.recent_alerts(grant, scopes.VEHICLE_DEVICE_DATA)),
        (f"/api/1/vehicles/{vin}/wake_up", lambda: upstream.wake_up(grant)),
        (f"/api/1/vehicles/{vin}", lambda: upstream.vehicle_state(grant)),
    ):  # fmt: skip
        fault(simulator, path, status=404, body={"error": "not_found"}, times=1)
        assert ask()
        assert VehicleAccess.objects.get().missing_since is None


def test_a_404_that_stays_for_a_car_that_tesla_lists_is_teslas_problem(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(simulator, f"/api/1/vehicles/{grant.connection.vehicle.vin}/vehicle_data", status=404, body=None)
    assert refused(grant).spec is errors.UPSTREAM_UNKNOWN_ISSUE
    assert VehicleAccess.objects.get().missing_since is None


def test_a_car_that_tesla_no_longer_lists_is_gone_at_the_first_call(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    bernd = simulator.world.account("bernd@owners.example")
    assert bernd
    simulator.world.take_access(bernd, grant.connection.vehicle.vin)
    assert refused(grant).spec is errors.VEHICLE_MISSING
    assert VehicleAccess.objects.get().missing_since is not None


@pytest.mark.parametrize("status", [405])
def test_a_car_at_a_service_centre_is_said_so_and_known_from_then_on(
    simulator: SimulatorServer, grant: VehicleGrant, status: int
) -> None:
    fault(
        simulator,
        "/api/1/vehicles/",
        status=status,
        body={"error": "vehicle is currently in service"},
        times=1,
    )
    assert refused(grant).spec is errors.VEHICLE_OFFLINE_FOR_SERVICE
    assert Vehicle.objects.get().in_service is True


def test_a_429_with_its_wait_in_ratelimit_reset_alone_gives_retry_after(
    simulator: SimulatorServer, grant: VehicleGrant
) -> None:
    fault(
        simulator,
        "/api/1/vehicles/",
        status=429,
        headers={"RateLimit-Reset": "77"},
        body={"error": "slow"},
        times=1,
    )
    assert refused(grant).retry_after == 77
