"""Tesla's tokens among many processes, some killed: one refresh reaches Tesla, no login is lost, no key is missed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from django.utils import timezone

from tests.crowd import connected
from tests.factories import ApplicationFactory, TeslaAccountFactory
from tests.runner import ROOT
from tests.soak.conftest import Report, database_url, settings_of_the_test, size
from tests.soak.forks import PLACES
from vehicles.history import Kind
from vehicles.models import Event, Integration, TeslaAccount, TeslaToken
from vehicles.tesla import paths
from vehicles.tesla.auth import Tokens
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tokens import key_rotation, store
from vehicles.upstream import account_call

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]

REFRESHERS = size("REFRESHERS", 8)
REFRESH_ROUNDS = size("REFRESH_ROUNDS", 2)
TOKEN_KILLS = size("TOKEN_KILLS", 6)
"""At each place."""
LOGINS = min(size("LOGINS", 20), TOKEN_KILLS)
ENCRYPTED_ROWS = size("ENCRYPTED_ROWS", 250)
LEASE_SECONDS = 3
"""Held by those that are killed; the product's is ten times as long."""
KEYS = [f"{name}:{base64.b64encode(name[:1].encode() * 32).decode()}" for name in ("new", "old")]

Together = Callable[..., list[str]]


@pytest.fixture
def together(simulator: SimulatorServer, settings: Any, tmp_path: Path) -> Iterator[Together]:
    """`together(jobs)`: do the jobs at the same moment, each in a process of its own; what became of each."""
    settings.VAULT_KEYS = KEYS
    settings.NEWEST_REFRESH_FILE = tmp_path / "newest-refresh"
    given = settings_of_the_test(simulator.url) | {
        "VAULT_KEYS": KEYS,
        "NEWEST_REFRESH_FILE": str(settings.NEWEST_REFRESH_FILE),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.soak.forks"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def say(line: Any) -> None:
        assert process.stdin
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()

    def together(jobs: list[dict[str, Any]]) -> list[str]:
        say(jobs)
        assert process.stdout
        answers: list[str] = json.loads(process.stdout.readline())
        return answers

    say({"settings": given})
    yield together
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    process.wait(60)


@pytest.fixture
def accounts(together: Together, simulator: SimulatorServer, sign_in: Any) -> list[TeslaAccount]:
    application = ApplicationFactory()
    return [connected(simulator, sign_in, number, application).account for number in range(LOGINS)]


def expire(accounts: list[TeslaAccount]) -> None:
    """The access tokens are over for us; Tesla still honours them for an account that is not refreshed."""
    TeslaToken.objects.filter(account__in=accounts).update(expires_at=timezone.now() - timedelta(hours=1))


def use(account: TeslaAccount, die: str = "") -> dict[str, Any]:
    return {"do": "use", "account": str(account.pk), "die": die, "lease": LEASE_SECONDS}


def refreshes(simulator: SimulatorServer) -> int:
    """How many token requests reached Tesla, by its own list of calls."""
    calls = urllib3.request("GET", f"{simulator.url}/_sim/calls").json()
    return sum(call["path"] == paths.TOKEN for call in calls)


def nothing_was_lost(accounts: list[TeslaAccount]) -> None:
    """Each login works, can be renewed, and nobody was blamed for what we did ourselves."""
    for account in accounts:
        account_call.renew_login(account, Integration.FLEET)
    assert set(TeslaAccount.objects.values_list("consent", flat=True)) == {"active"}
    assert set(TeslaToken.objects.values_list("ended", flat=True)) == {""}
    blaming = (Kind.TOKENS_SUPERSEDED, Kind.TOKENS_RESTORED, Kind.DATABASE_RESTORED)
    assert not Event.objects.filter(kind__in=blaming).exists()


@pytest.mark.parametrize("answers_after_ms", [0, 400])
def test_many_processes_with_one_expired_account_make_one_refresh(
    simulator: SimulatorServer,
    together: Together,
    accounts: list[TeslaAccount],
    report: Report,
    answers_after_ms: int,
) -> None:
    account = accounts[0]
    simulator.world.faults.add({"match": {"path": paths.TOKEN}, "delay_ms": answers_after_ms})
    for _ in range(REFRESH_ROUNDS):
        simulator.world.clock.advance(9 * 3600)
        expire([account])
        before, began = refreshes(simulator), time.monotonic()
        heard = Counter(together([use(account)] * REFRESHERS))
        report(
            f"{REFRESHERS} processes, Tesla answers after {answers_after_ms} ms: {dict(heard)}, "
            f"{refreshes(simulator) - before} refresh, {time.monotonic() - began:.1f} s"
        )
        assert heard == {"ok": REFRESHERS}
        assert refreshes(simulator) == before + 1


@pytest.mark.parametrize("place", PLACES)
def test_no_login_is_lost_wherever_a_refresh_is_killed(
    together: Together, accounts: list[TeslaAccount], report: Report, place: str
) -> None:
    killed, began = 0, time.monotonic()
    while killed < TOKEN_KILLS:
        expire(accounts)
        killed += together([use(account, place) for account in accounts]).count("killed")
        expire(accounts)
        assert together([use(account) for account in accounts]) == ["ok"] * len(accounts)
    report(f"{killed} kills {place}, {len(accounts)} logins: all live, {time.monotonic() - began:.0f} s")
    nothing_was_lost(accounts)


def test_keys_are_changed_beside_refreshes_however_often_the_change_is_killed(
    together: Together, accounts: list[TeslaAccount], report: Report, settings: Any
) -> None:
    settings.VAULT_KEYS = KEYS[1:]
    rows = encrypted_rows()
    settings.VAULT_KEYS = KEYS
    kills, answer = 0, "killed"
    while answer == "killed":
        expire(accounts)
        answer, *others = together(
            [
                {"do": "rotate", "die": "anywhere", "lease": LEASE_SECONDS},
                *(use(account) for account in accounts[:5]),
            ]
        )
        assert set(others) == {"ok"}
        kills += answer == "killed"
        if kills == TOKEN_KILLS:
            (answer,) = together([{"do": "rotate"}])
    report(f"{ENCRYPTED_ROWS} rows, change killed {kills} times: {key_rotation.remaining()} values left")
    assert answer == "ok"
    settings.VAULT_KEYS = KEYS[:1]
    assert key_rotation.keys_in_use().keys() == {"new"}
    for number, row_id in enumerate(rows):
        account = TeslaToken.objects.select_related("account").get(pk=row_id).account
        stored = store.load(account, Integration.FLEET)
        assert stored and stored.access_token == f"access-{number}"
    settings.VAULT_KEYS = KEYS
    nothing_was_lost(accounts)


def encrypted_rows() -> list[Any]:
    """The ids of logins that nobody refreshes, encrypted with the key in use."""
    made = []
    for number in range(ENCRYPTED_ROWS):
        account = TeslaAccountFactory()
        tokens = Tokens(f"access-{number}", f"EU_{number}", 28_800)
        store.store_login(account, Integration.FLEET, tokens, timezone.now())
        made.append(account.tokens.get().pk)
    return made
