"""Logins are renewed before anybody waits for it, before Tesla ends them, and after a refresh that was cut off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from tests.factories import TeslaAccountFactory, TeslaTokenFactory, VehicleGrantFactory
from vehicles import errors, tasks
from vehicles.errors import CatalogueError
from vehicles.models import Integration, TeslaAccount, TeslaToken, VehicleGrant
from vehicles.tesla import client, paths
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tokens import lease, store
from vehicles.upstream import account_call, renewal

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Queue = Callable[[datetime], Any]


def token(now: datetime, *, used: timedelta | None = None, **columns: Any) -> TeslaToken:
    """A login; `used` is how long ago an application used one of its cars."""
    account = columns.pop("account", None) or TeslaAccountFactory()
    if used is not None:
        VehicleGrantFactory(account=account, last_used_at=now - used)
    row: TeslaToken = TeslaTokenFactory(account=account, **columns)
    return row


@pytest.mark.django_db
class TestWhatIsDue:
    def test_logins_in_use_come_before_their_access_token_ends_the_first_to_end_first(
        self, now: datetime
    ) -> None:
        soon = token(now, used=HOUR, expires_at=now + timedelta(minutes=8))
        ended = token(now, used=HOUR, expires_at=now - timedelta(minutes=1))
        token(now, used=HOUR, expires_at=now + timedelta(minutes=30))
        token(now, used=3 * DAY, expires_at=now + timedelta(minutes=5))
        token(now, expires_at=now + timedelta(minutes=5))
        assert list(renewal.ending(now)) == [ended, soon]

    def test_what_was_given_back_does_not_count_as_use(self, now: datetime) -> None:
        row = token(now, used=HOUR, expires_at=now)
        VehicleGrant.objects.filter(account=row.account).update(revoked_at=now)
        assert not renewal.ending(now).exists()

    def test_idle_logins_come_before_three_months_are_over_the_longest_idle_first(
        self, now: datetime
    ) -> None:
        month, longer = token(now, refreshed_at=now - 31 * DAY), token(now, refreshed_at=now - 80 * DAY)
        token(now, refreshed_at=now - 29 * DAY)
        token(now, refreshed_at=now - 91 * DAY)
        assert list(renewal.idle(now)) == [longer, month]

    @pytest.mark.parametrize("consent", ["revoked", "sign_in_needed"])
    def test_dead_logins_are_left_alone_so_that_the_living_are_reached(
        self, now: datetime, consent: str
    ) -> None:
        dead = TeslaAccountFactory(consent=consent)
        token(now, account=dead, used=HOUR, expires_at=now, refreshed_at=now - 40 * DAY)
        lost = TeslaAccountFactory(legacy_login_lost_at=now)
        token(now, account=lost, integration=Integration.LEGACY, refreshed_at=now - 40 * DAY)
        legacy = token(now, account=dead, integration=Integration.LEGACY, refreshed_at=now - 40 * DAY)
        assert list(renewal.idle(now)) == [legacy]
        assert not renewal.ending(now).filter(integration=Integration.FLEET).exists()

    def test_a_lease_that_nobody_gave_back_is_due_whoever_the_account_belongs_to(self, now: datetime) -> None:
        left = token(now, lease_until=now - timedelta(seconds=1))
        token(now, lease_until=now + timedelta(seconds=1))
        token(now)
        assert list(renewal.unfinished(now)) == [left]


@pytest.fixture
def account(transactional_db: None, sign_in: Any, bernd: Any) -> TeslaAccount:
    """An account whose renewals run in threads of their own."""
    signed_in: TeslaAccount = sign_in(bernd)
    VehicleGrantFactory(account=signed_in, vehicle=signed_in.accesses.get().vehicle)
    return signed_in


def generation(account: TeslaAccount) -> int:
    return TeslaToken.objects.get(account=account).generation


def refreshes(simulator: SimulatorServer) -> int:
    return sum(call["path"] == paths.TOKEN for call in simulator.world.calls.since(0))


def test_a_request_after_eight_hours_finds_fresh_tokens_and_waits_for_no_refresh(
    simulator: SimulatorServer, account: TeslaAccount
) -> None:
    simulator.world.clock.advance(8 * 3600 - 300)
    with time_machine.travel(timezone.now() + 8 * HOUR - timedelta(minutes=5)):
        tasks.renew_logins()
        assert generation(account) == 2
        asked = refreshes(simulator)
        tasks.renew_logins()
        account_call.call(account, Integration.FLEET, client.vehicles)
        assert refreshes(simulator) == asked


def test_a_refresh_that_was_cut_off_is_done_again_long_before_the_day_of_grace_ends(
    simulator: SimulatorServer, account: TeslaAccount
) -> None:
    VehicleGrant.objects.all().delete()
    simulator.world.faults.add(
        {"match": {"path": paths.TOKEN}, "cut": True, "effect_happens": True, "times": 1}
    )
    with pytest.raises(CatalogueError):
        account_call.renew_login(account, Integration.FLEET)
    assert generation(account) == 1
    tasks.renew_logins()
    assert generation(account) == 2


def test_a_refresh_whose_process_was_killed_is_done_again(
    simulator: SimulatorServer, account: TeslaAccount
) -> None:
    stored = store.load(account, Integration.FLEET)
    assert stored and lease.take(stored.row_id, stored.generation, timezone.now())
    with time_machine.travel(timezone.now() + lease.LEASE + timedelta(seconds=1)):
        tasks.renew_logins()
    assert generation(account) == 2


def test_a_round_ends_when_tesla_asks_for_a_pause(
    simulator: SimulatorServer, account: TeslaAccount, sign_in: Any, dieter: Any, monkeypatch: Any
) -> None:
    sign_in(dieter)
    monkeypatch.setattr(renewal, "_WORKERS", 1)
    past = timezone.now() - timedelta(seconds=1)
    TeslaToken.objects.update(lease_until=past)
    simulator.world.faults.add({"match": {"path": paths.TOKEN}, "status": 429})
    asked = refreshes(simulator)
    tasks.renew_logins()
    assert refreshes(simulator) == asked + 1


def test_a_login_that_cannot_be_opened_is_told_and_keeps_nobody_else_from_being_renewed(
    account: TeslaAccount, sign_in: Any, dieter: Any, caplog: pytest.LogCaptureFixture
) -> None:
    other = sign_in(dieter)
    past = timezone.now() - timedelta(seconds=1)
    TeslaToken.objects.update(lease_until=past)
    TeslaToken.objects.filter(account=account).update(
        refresh_token=b"gone:" + b"x" * 40, lease_until=past - HOUR
    )
    tasks.renew_logins()
    assert (generation(account), generation(other)) == (1, 2)
    assert str(account.pk) in caplog.text
    with pytest.raises(CatalogueError) as raised:
        account_call.call(account, Integration.FLEET, client.vehicles)
    assert raised.value.spec is errors.INTERNAL


def test_legacy_logins_rest_while_the_legacy_api_is_closed_or_switched_off(
    settings: Any, now: datetime, account: TeslaAccount
) -> None:
    settings.LEGACY_OWNER_API = False
    token(now, account=account, integration=Integration.LEGACY, lease_until=now - HOUR)
    TeslaToken.objects.filter(account=account, integration=Integration.FLEET).update(lease_until=now - HOUR)
    assert renewal.renew_due(now) == 1


def test_logins_of_a_simulated_tesla_rest_where_there_is_none(
    settings: Any, now: datetime, account: TeslaAccount
) -> None:
    settings.SIMULATOR_URL = ""
    token(now, account=TeslaAccountFactory(mode="simulated"), lease_until=now - HOUR)
    assert renewal.renew_due(now) == 0
