"""Tesla's tokens are never lost: whatever stops a refresh, whoever else refreshes, the login works or says why not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from tests.factories import VehicleGrantFactory
from vehicles import access, errors, evidence
from vehicles.errors import CatalogueError
from vehicles.history import Kind
from vehicles.models import Event, Integration, LoginEnd, TeslaAccount, TeslaToken, Vehicle, VehicleGrant
from vehicles.tesla import auth, client, paths
from vehicles.tesla import errors as tesla
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tokens import lease as token_lease
from vehicles.tokens import refresh as token_refresh
from vehicles.tokens import store
from vehicles.tokens.refresh import LoginEnded
from vehicles.upstream import account_call

pytestmark = pytest.mark.django_db

DAY = 24 * 3600


@pytest.fixture(autouse=True)
def newest_refresh(settings: Any, tmp_path: Path) -> Path:
    """What this machine remembers outside the database, of this test alone."""
    settings.NEWEST_REFRESH_FILE = tmp_path / "newest-refresh"
    return tmp_path / "newest-refresh"


@pytest.fixture
def account(sign_in: Any, bernd: Any) -> TeslaAccount:
    signed_in: TeslaAccount = sign_in(bernd)
    return signed_in


class OtherSystem:
    """Another deployment with the same registration at Tesla and a copy of our tokens."""

    def __init__(self, simulator: SimulatorServer, client_id: str, refresh_token: str) -> None:
        self.origin, self.client_id, self.refresh_token = simulator.url, client_id, refresh_token

    def refresh(self, refresh_token: str = "") -> None:
        used = refresh_token or self.refresh_token
        tokens = auth.refresh(self.origin, client_id=self.client_id, refresh_token=used)
        self.refresh_token = tokens.refresh_token


@pytest.fixture
def other_system(simulator: SimulatorServer, settings: Any, account: TeslaAccount) -> OtherSystem:
    return OtherSystem(simulator, settings.TESLA_CLIENT_ID, stored(account).refresh_token)


def stored(account: TeslaAccount) -> store.StoredTokens:
    found = store.load(account, Integration.FLEET)
    assert found is not None
    return found


def refresh(account: TeslaAccount) -> store.StoredTokens:
    return token_refresh.refresh(account, Integration.FLEET, stored(account))


def expire(account: TeslaAccount) -> None:
    """The access token is over for us, so that the next call begins with a refresh."""
    TeslaToken.objects.filter(account=account).update(expires_at=timezone.now())


def use(account: TeslaAccount) -> None:
    account_call.call(account, Integration.FLEET, client.vehicles)


def refusal(account: TeslaAccount) -> CatalogueError:
    with pytest.raises(CatalogueError) as raised:
        use(account)
    return raised.value


def refreshes(simulator: SimulatorServer) -> int:
    return sum(call["path"] == paths.TOKEN for call in simulator.world.calls.since(0))


def events(kind: Kind) -> list[dict[str, Any]]:
    return list(Event.objects.filter(kind=kind).order_by("pk").values_list("data", flat=True))


def known(account: TeslaAccount) -> tuple[str, str]:
    return TeslaAccount.objects.values_list("consent", "consent_source").get(pk=account.pk)


def once(monkeypatch: pytest.MonkeyPatch, place: Any, name: str, first: Callable[..., Any]) -> None:
    """Let `first` stand in for a function one time; it is given the real one before the arguments."""
    real = getattr(place, name)

    def stands_in(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(place, name, real)
        return first(real, *given, **named)

    monkeypatch.setattr(place, name, stands_in)


class Killed(BaseException):
    """The process ends here, without another word."""


def killed_after(real: Any, *given: Any, **named: Any) -> Any:
    real(*given, **named)
    raise Killed


@pytest.mark.parametrize(
    ("place", "name"),
    [
        (token_refresh.token_lease, "take"),
        (auth, "refresh"),
        (store, "store_refreshed"),
        (evidence, "scopes_seen"),
    ],
)
def test_wherever_a_refresh_is_killed_the_next_one_repairs_it(
    account: TeslaAccount, monkeypatch: pytest.MonkeyPatch, place: Any, name: str
) -> None:
    before = stored(account)
    once(monkeypatch, place, name, killed_after)
    with pytest.raises(Killed):
        refresh(account)
    assert stored(account).refresh_token == before.refresh_token
    with time_machine.travel(timezone.now() + token_lease.LEASE + timedelta(seconds=1)):
        assert refresh(account).refresh_token != before.refresh_token
        use(account)
        refresh(account)
    assert not events(Kind.TOKENS_SUPERSEDED)


def test_whoever_waits_takes_over_when_the_lease_of_a_killed_holder_ends(
    account: TeslaAccount, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    before = stored(account)
    assert token_lease.take(before.row_id, before.generation, timezone.now())
    with time_machine.travel(now) as clock:
        monkeypatch.setattr(token_refresh.time, "sleep", clock.shift)
        assert refresh(account).generation == before.generation + 1
        waited = timezone.now() - now
    assert token_lease.LEASE < waited < token_lease.LEASE + timedelta(seconds=2)


def test_a_lease_taken_by_a_clock_that_was_ahead_keeps_nobody_waiting(account: TeslaAccount) -> None:
    before = stored(account)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert token_lease.take(before.row_id, before.generation, timezone.now())
    assert refresh(account).generation == before.generation + 1


def while_waiting(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Any]) -> None:
    monkeypatch.setattr(token_refresh.time, "sleep", lambda seconds: happens())


def test_whoever_waits_gets_what_the_holder_got(
    simulator: SimulatorServer, account: TeslaAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(account)
    lease = token_lease.take(before.row_id, before.generation, timezone.now())
    assert lease

    def holder() -> None:
        tokens, used = token_refresh._rotate(account, Integration.FLEET, before, lease)
        token_refresh._keep(account, Integration.FLEET, before, lease, tokens, used)

    while_waiting(monkeypatch, holder)
    asked = refreshes(simulator)
    assert refresh(account).generation == before.generation + 1
    assert refreshes(simulator) == asked + 1


def test_whoever_waits_fails_as_the_holder_did_and_asks_tesla_nothing(
    simulator: SimulatorServer, account: TeslaAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(account)
    for outcome, expected in (
        (lambda lease: token_lease.put_off(lease, timezone.now()), tesla.NoAnswer),
        (lambda lease: token_lease.end(lease, LoginEnd.REFUSED), LoginEnded),
    ):
        with time_machine.travel(timezone.now() + timedelta(minutes=1)):
            lease = token_lease.take(before.row_id, before.generation, timezone.now())
            while_waiting(monkeypatch, lambda outcome=outcome, lease=lease: outcome(lease))
            asked = refreshes(simulator)
            with pytest.raises(expected):
                refresh(account)
            assert refreshes(simulator) == asked


def test_a_refresh_takes_a_place_among_those_that_wait_for_tesla(
    simulator: SimulatorServer, account: TeslaAccount, settings: Any
) -> None:
    expire(account)
    asked = refreshes(simulator)
    settings.TESLA_UPSTREAM_SLOTS = 0
    assert refusal(account).spec is errors.OVERLOADED
    assert refreshes(simulator) == asked
    settings.TESLA_UPSTREAM_SLOTS = 1
    use(account)


def test_when_tesla_asks_for_a_pause_nobody_asks_again_before_it_ends(
    simulator: SimulatorServer, account: TeslaAccount
) -> None:
    simulator.world.faults.add(
        {"match": {"path": paths.TOKEN}, "status": 429, "headers": {"Retry-After": "7"}, "times": 1}
    )
    expire(account)
    assert refusal(account).spec is errors.UPSTREAM_RATE_LIMIT
    asked = refreshes(simulator)
    again = refusal(account)
    assert (again.spec, again.retry_after) == (errors.UPSTREAM_RATE_LIMIT, 7)
    assert refreshes(simulator) == asked
    with time_machine.travel(timezone.now() + timedelta(seconds=8)):
        use(account)
    assert known(account)[0] == "active"


@pytest.mark.parametrize(
    "disturbance",
    [
        {"status": 429},
        {"status": 500, "body": {"error": "login_required"}},
        {"status": 503, "body": "<html>login_required</html>"},
        {"status": 401, "body": "<html>Access denied: login_required invalid_grant</html>"},
        {"status": 400, "body": "<html>password_changed</html>"},
        {"status": 403, "body": "<html>Access Denied</html>"},
        {"status": 401, "body": {"error": "server_error", "error_description": "not login_required"}},
        {"status": 200, "body": "<html>Please wait</html>"},
        {"status": 200, "body": {"access_token": "only"}},
        {"cut": True},
    ],
)
@pytest.mark.parametrize("happens", [True, False])
def test_no_trouble_on_the_way_is_taken_for_the_end_of_a_login(
    simulator: SimulatorServer, account: TeslaAccount, disturbance: dict[str, Any], happens: bool
) -> None:
    simulator.world.faults.add({"match": {"path": paths.TOKEN}, "effect_happens": happens, **disturbance})
    expire(account)
    assert refusal(account).spec.type == "UPSTREAM"
    assert known(account)[0] == "active"
    simulator.world.faults.clear()
    with time_machine.travel(timezone.now() + timedelta(seconds=10)):
        use(account)
        refresh(account)
    assert known(account)[0] == "active"
    assert not events(Kind.TOKENS_SUPERSEDED)


def test_tokens_are_kept_even_where_nothing_can_be_written_of_them(
    account: TeslaAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    before = stored(account)
    with monkeypatch.context() as patch:
        patch.setattr(evidence, "scopes_seen", fails)
        assert refresh(account).generation == before.generation + 1
    refresh(account)
    use(account)


@pytest.mark.parametrize("access_token", ["opaque", "an.unfamiliar.token"])
def test_tokens_are_kept_even_where_they_cannot_be_read(
    account: TeslaAccount, monkeypatch: pytest.MonkeyPatch, access_token: str
) -> None:
    def answers_in_a_new_way(real: Any, *given: Any, **named: Any) -> auth.Tokens:
        tokens: auth.Tokens = real(*given, **named)
        return auth.Tokens(access_token, tokens.refresh_token, tokens.expires_in)

    once(monkeypatch, auth, "refresh", answers_in_a_new_way)
    assert refresh(account).access_token == access_token
    assert known(account)[0] == "active"
    refresh(account)
    use(account)


def test_an_access_token_that_a_refresh_elsewhere_ended_is_replaced_without_another_refresh(
    simulator: SimulatorServer, account: TeslaAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.world.provider.access_tokens_end_at_refresh = True
    held = stored(account)
    simulator.world.clock.advance(1)
    refresh(account)
    asked = refreshes(simulator)
    once(monkeypatch, store, "load", lambda real, *given: held)
    use(account)
    assert refreshes(simulator) == asked
    assert known(account)[0] == "active"


def test_somebody_who_signs_in_during_a_refresh_keeps_what_they_got(
    simulator: SimulatorServer, account: TeslaAccount, sign_in: Any, bernd: Any, monkeypatch: Any
) -> None:
    refresh(account)
    asked = refreshes(simulator)

    def signs_in_first(real: Any, *given: Any, **named: Any) -> Any:
        sign_in(bernd)
        return real(*given, **named)

    once(monkeypatch, auth, "refresh", signs_in_first)
    assert refresh(account).refresh_token == stored(account).refresh_token
    # The login's code and the refused token; the one before would have ended the login.
    assert refreshes(simulator) == asked + 2
    works_on(account)
    assert not events(Kind.TOKENS_SUPERSEDED)


def test_somebody_who_signs_in_while_the_token_before_is_tried_can_go_on(
    account: TeslaAccount, other_system: OtherSystem, sign_in: Any, bernd: Any, monkeypatch: Any
) -> None:
    refresh(account)
    other_system.refresh()

    def signs_in_first(real: Any, *given: Any, **named: Any) -> Any:
        sign_in(bernd)
        return real(*given, **named)

    def before_the_second_question(real: Any, *given: Any) -> Any:
        once(monkeypatch, auth, "refresh", signs_in_first)
        return real(*given)

    once(monkeypatch, token_lease, "prolong", before_the_second_question)
    refresh(account)
    works_on(account)
    assert not events(Kind.TOKENS_SUPERSEDED)


def test_a_login_that_a_refresh_ended_before_it_was_stored_is_repaired(
    account: TeslaAccount, sign_in: Any, bernd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(account)

    def refreshes_with_the_token_before(real: Any, *given: Any, **named: Any) -> None:
        refresh(account)
        real(*given, **named)

    once(monkeypatch, store, "store_login", refreshes_with_the_token_before)
    sign_in(bernd)
    works_on(account)
    # The refresh could not know of a login that was not stored yet; what came after it could.
    assert len(events(Kind.TOKENS_SUPERSEDED)) == 1
    assert stored(account).superseded_at is None


def works_on(account: TeslaAccount) -> None:
    """The login works and can be renewed."""
    refresh(account)
    expire(account)
    use(account)
    refresh(account)
    assert known(account)[0] == "active"


def test_a_holder_that_was_stopped_beyond_its_lease_ends_nobodys_tokens(
    account: TeslaAccount, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    with time_machine.travel(now) as clock:

        def stopped_while_another_does_the_work(real: Any, *given: Any, **named: Any) -> Any:
            clock.shift(token_lease.LEASE + timedelta(seconds=1))
            refresh(account)
            return real(*given, **named)

        once(monkeypatch, auth, "refresh", stopped_while_another_does_the_work)
        late = refresh(account)
        assert late.refresh_token == stored(account).refresh_token
        refresh(account)
        use(account)
    assert not events(Kind.TOKENS_SUPERSEDED)
    assert stored(account).superseded_at is None


def test_another_system_that_refreshes_our_login_is_named_and_the_account_works_on(
    account: TeslaAccount, other_system: OtherSystem
) -> None:
    refresh(account)
    other_system.refresh()
    expire(account)
    use(account)
    (event,) = events(Kind.TOKENS_SUPERSEDED)
    assert event == {"integration": "fleet", "generation": 2, "usable": True}
    assert stored(account).superseded_at is not None
    assert known(account)[0] == "active"


def test_when_the_other_system_wins_the_account_asks_for_a_sign_in_and_says_why(
    simulator: SimulatorServer, account: TeslaAccount, other_system: OtherSystem, sign_in: Any, bernd: Any
) -> None:
    grant = VehicleGrantFactory(account=account, vehicle=Vehicle.objects.get())
    taken = other_system.refresh_token
    refresh(account)
    other_system.refresh(taken)
    refresh(account)
    other_system.refresh(taken)
    other_system.refresh()
    # Its access token is refused as well, as it would be after the person removed access.
    simulator.world.provider.access_tokens_end_at_refresh = True
    simulator.world.clock.advance(1)
    other_system.refresh()
    assert refusal(account).spec is errors.AUTHENTICATION_FAILED
    assert known(account) == ("sign_in_needed", "token_superseded")
    assert causes(grant) == [("sign_in_needed", "token_superseded")]
    sign_in(bernd)
    assert stored(account).superseded_at is None
    use(account)


def causes(grant: VehicleGrant) -> list[tuple[str, str]]:
    """What everyone is told about the grant: each cause and where it is known from."""
    grant = VehicleGrant.objects.get(pk=grant.pk)
    return [(cause.code, cause.observed.source) for cause in access.diagnosis_of(grant).causes]


def test_a_login_that_ended_for_reasons_unseen_is_not_called_removed(
    account: TeslaAccount, other_system: OtherSystem
) -> None:
    other_system.refresh()
    other_system.refresh()
    expire(account)
    assert refusal(account).spec is errors.AUTHENTICATION_FAILED
    assert known(account) == ("sign_in_needed", "login_refused")


def backup(account: TeslaAccount) -> dict[str, Any]:
    columns = (
        *("access_token", "refresh_token", "previous_refresh_token", "generation", "expires_at"),
        *("refreshed_at", "overlapped", "superseded_at", "ended", "lease_holder", "lease_until"),
    )
    return TeslaToken.objects.filter(account=account).values(*columns).get()


def restore(account: TeslaAccount, saved: dict[str, Any]) -> None:
    TeslaToken.objects.filter(account=account).update(**saved)


def test_tokens_from_a_backup_are_named_when_tesla_takes_them_no_more(account: TeslaAccount) -> None:
    saved = backup(account)
    refresh(account)
    refresh(account)
    restore(account, saved)
    expire(account)
    assert refusal(account).spec is errors.AUTHENTICATION_FAILED
    assert known(account) == ("sign_in_needed", "backup_restored")
    assert events(Kind.TOKENS_RESTORED) == [{"integration": "fleet", "generation": 1, "usable": False}]
    assert refusal(account).spec is errors.AUTHENTICATION_FAILED
    assert len(events(Kind.TOKENS_RESTORED)) == 1


def test_tokens_from_a_backup_that_tesla_still_takes_work_on_and_are_named(account: TeslaAccount) -> None:
    saved = backup(account)
    refresh(account)
    restore(account, saved)
    expire(account)
    use(account)
    assert events(Kind.TOKENS_RESTORED) == [{"integration": "fleet", "generation": 1, "usable": True}]
    assert stored(account).generation == 3
    refresh(account)
    assert len(events(Kind.TOKENS_RESTORED)) == 1


def restore_all(account: TeslaAccount, saved: dict[str, Any]) -> None:
    """The whole database is from the backup, so that nothing in it knows better."""
    restore(account, saved)
    TeslaAccount.objects.filter(pk=account.pk).update(fleet_generation=saved["generation"])


def test_a_database_from_a_backup_is_named_where_this_machine_remembers_more(
    account: TeslaAccount, newest_refresh: Path
) -> None:
    saved = backup(account)
    refresh(account)
    refresh(account)
    restore_all(account, saved)
    expire(account)
    assert refusal(account).spec is errors.AUTHENTICATION_FAILED
    assert known(account) == ("sign_in_needed", "backup_restored")
    assert len(events(Kind.DATABASE_RESTORED)) == 1
    refusal(account)
    assert len(events(Kind.DATABASE_RESTORED)) == 1


def test_a_database_from_a_backup_without_such_a_file_stays_unnamed(
    account: TeslaAccount, newest_refresh: Path
) -> None:
    saved = backup(account)
    refresh(account)
    refresh(account)
    restore_all(account, saved)
    newest_refresh.unlink()
    expire(account)
    assert refusal(account).spec is errors.AUTHENTICATION_FAILED
    assert known(account) == ("sign_in_needed", "login_refused")


def test_a_file_that_cannot_be_written_or_read_stops_nothing(
    account: TeslaAccount, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    settings.NEWEST_REFRESH_FILE = tmp_path / "file" / "beneath"
    refresh(account)
    settings.NEWEST_REFRESH_FILE = tmp_path / "file"
    refresh(account)
    use(account)


def test_a_login_left_alone_for_three_months_has_run_out(
    simulator: SimulatorServer, account: TeslaAccount
) -> None:
    simulator.world.clock.advance(91 * DAY)
    with time_machine.travel(timezone.now() + timedelta(days=91)):
        assert refusal(account).spec is errors.AUTHENTICATION_FAILED
    assert known(account) == ("sign_in_needed", "login_expired")


@pytest.mark.parametrize("alive", [True, False])
def test_a_changed_password_is_named_where_tesla_says_so(
    simulator: SimulatorServer, account: TeslaAccount, alive: bool
) -> None:
    simulator.world.faults.add(
        {"match": {"path": paths.TOKEN}, "status": 401, "body": {"error": "password_changed"}}
    )
    if alive:
        simulator.world.faults.add({"match": {"path": "/api/1"}, "status": 401})
    else:
        expire(account)
    assert refusal(account).spec is errors.AUTHENTICATION_FAILED
    assert known(account) == ("sign_in_needed", "password_changed")


def test_a_dead_login_is_asked_for_again_and_lives_if_tesla_was_wrong(
    simulator: SimulatorServer, account: TeslaAccount
) -> None:
    simulator.world.provider.mass_revocation_fault = 1.0
    expire(account)
    refusal(account)
    assert stored(account).ended == "login_refused"
    simulator.world.provider.mass_revocation_fault = 0.0
    use(account)
    assert stored(account).ended == ""
    assert known(account)[0] == "active"
