"""Mixed traffic while one fault after the other befalls what the portal depends on, drawn at random.

No request is answered 500, no command is lost or carried out twice, the web server's memory stays flat, and everything
is back within half a minute of each fault's end. With DATABASE_URL, CELERY_BROKER_URL and CACHE_URL the portal reaches
those services through proxies that fail; without them it runs on SQLite and a folder.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import statistics
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg
import pytest
import urllib3
from celery import Celery

from portal.running import folder_queue
from tests.faults.locked_database import locked
from tests.faults.slow_socket import HALF_A_BODY, HALF_A_HEAD, slow_clients
from tests.faults.small_disk import fill, small_disk
from tests.faults.tcp_proxy import CuttingProxy
from tests.journeys.people import Consumer
from tests.soak.conftest import Report, size
from tests.soak.running_demo import HTTP, PARTS, Demo, answers, connected, running, status, wait_until
from tests.soak.traffic import Stream, Traffic
from vehicles.tesla.simulator.samples.scenarios import BERNDS_MODEL_S, DIETERS_MODEL_3

pytestmark = pytest.mark.soak

MINUTES: Final = size("FAULT_MINUTES", 0)
SECONDS: Final = MINUTES * 60 or 75
SEED: Final = size("FAULT_SEED", 10)
FAULT_SECONDS: Final = (3.0, 8.0)
BACK_SECONDS: Final = 30.0
TELL_EVERY: Final = 10
"""Looks. A task that met the fault itself is left to its regular time, so that the worker is told again."""
SLOW_CLIENTS: Final = 150
MOST_GROWTH: Final = 60 * 1024 * 1024
"""Bytes that one web worker may grow once it has served through three faults; what it loads at first is no growth."""
DISK_KILOBYTES: Final = 128 * 1024
PARTS_BY_NAME: Final = {part.name: part for part in PARTS}
CALLED: Final = {"DATABASE_URL": "database", "CELERY_BROKER_URL": "broker", "CACHE_URL": "cache"}
KILLED: Final = ("web worker", "web master", "worker", "clock")
OF_TESLA: Final[dict[str, dict[str, Any]]] = {
    "Tesla hangs": {"delay_ms": 60_000, "effect_happens": False},
    "Tesla is late": {"delay_ms": 3_000, "probability": 0.5},
    "Tesla babbles": {"status": 200, "body": "<html>It works!"},
    "Tesla fails": {"status": 503},
    "Tesla fails after it did it": {"status": 500, "effect_happens": True, "probability": 0.5},
    "Tesla cuts": {"cut": True, "effect_happens": True, "probability": 0.5},
}
COMMANDS: Final = """
    SELECT v.vin, c.arguments, c.outcome FROM vehicles_command c JOIN vehicles_vehiclegrant g ON g.id = c.grant_id
    JOIN vehicles_connection n ON n.id = g.connection_id JOIN vehicles_vehicle v ON v.id = n.vehicle_id
    WHERE c.name = 'set_amperage'
"""
MOST_AMPERES: Final = 255
Fault = Callable[[], AbstractContextManager[object]]


@dataclass
class Commands:
    """Sets the charging current of a car to one value after the other, each under a key of its own.

    So that the car's own list tells what became of which command. Who got no clear answer asks again under the key.
    """

    consumer: Consumer
    vin: str
    answers: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _next: int = 5

    def send(self) -> int:
        amps, self._next = self._next, min(self._next + 1, MOST_AMPERES)
        key = f"{self.vin}-{amps}"
        for _ in range(3):
            try:
                code = self._ask(amps, key)
            except urllib3.exceptions.HTTPError:
                code = 0
            self.answers[amps].append(code)
            if code not in (0, 429, 503):
                break
            time.sleep(1)
        return code

    def _ask(self, amps: int, key: str) -> int:
        path = "/v2.0/vehicles/{id}/tesla/charge/ammeter"
        return status(self.consumer, path, self.vin, key=key, amperage=amps)


class Services:
    """What the portal depends on, and what may befall it."""

    def __init__(self, folder: Path, entered: ExitStack) -> None:
        self.environment: dict[str, str] = {}
        self.proxies: dict[str, CuttingProxy] = {}
        self.database = entered.enter_context(own_database())
        for name, default_port in (("CELERY_BROKER_URL", 5672), ("CACHE_URL", 6379)):
            if url := os.environ.get(name):
                self._through_proxy(name, url, default_port, entered)
        if self.database:
            self._through_proxy("DATABASE_URL", self.database, 5432, entered)
        self.var = folder / "var"
        self.is_small = can_mount()
        entered.enter_context(small_disk(self.var, DISK_KILOBYTES) if self.is_small else nullcontext())

    def _through_proxy(self, name: str, url: str, default_port: int, entered: ExitStack) -> None:
        parts = urlsplit(url)
        proxy = CuttingProxy(parts.hostname or "127.0.0.1", parts.port or default_port)
        self.proxies[name] = entered.enter_context(proxy)
        login = parts.netloc.rpartition("@")[0]
        netloc = f"{login}@127.0.0.1:{proxy.port}" if login else f"127.0.0.1:{proxy.port}"
        self.environment[name] = parts._replace(netloc=netloc).geturl()

    def send_task(self) -> None:
        """Give the worker something to do, past the proxy."""
        sender = Celery("sender", set_as_current=False)
        sender.conf.broker_url = os.environ.get("CELERY_BROKER_URL") or "filesystem://"
        if sender.conf.broker_url == "filesystem://":
            sender.conf.broker_transport = "portal.running.folder_queue:Transport"
            sender.conf.broker_transport_options = folder_queue.options(self.var / "queue")
        sender.send_task("vehicles.tasks.let_verdicts_follow", retry=False)
        sender.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Read the database behind the portal's back."""
        if self.database:
            with psycopg.connect(self.database) as connection:
                return list(connection.execute(query))  # type: ignore[arg-type]
        with sqlite3.connect(self.var / "demo.sqlite3", timeout=20) as connection:
            return list(connection.execute(query))


def can_mount() -> bool:
    return os.geteuid() == 0 and Path("/bin/mount").exists()


@contextmanager
def own_database() -> Iterator[str]:
    """The URL of an empty database on the PostgreSQL of DATABASE_URL; empty without one."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith(("postgres", "psql", "pgsql")):
        yield ""
        return
    server = urlsplit(url)._replace(scheme="postgresql", path="/postgres").geturl()
    name = f"carport_faults_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[arg-type]
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')  # type: ignore[arg-type]


def faults(demo: Demo, services: Services) -> dict[str, Fault]:
    """By name. Each begins with the `with` block and is over after it."""
    port = urlsplit(demo.told["portal_url"]).port or 80
    return {
        **faults_of_services(demo, services),
        **{name: partial(disturbed, demo.told["simulator_url"], each) for name, each in OF_TESLA.items()},
        "slow heads": lambda: slow_clients(port, SLOW_CLIENTS, HALF_A_HEAD),
        "slow bodies": lambda: slow_clients(port, SLOW_CLIENTS, HALF_A_BODY),
        **{f"kill {name}": partial(killed, demo, name) for name in KILLED},
    }


def faults_of_services(demo: Demo, services: Services) -> dict[str, Fault]:
    made: dict[str, Fault] = {
        f"{CALLED[name]} {how}": partial(failing, proxy, how)
        for name, proxy in services.proxies.items()
        for how in ("refuse", "hang", "cut")
    }
    if not services.database:
        made["database locked"] = lambda: locked(demo.var / "demo.sqlite3")
    if "CELERY_BROKER_URL" not in services.proxies:
        made["queue folder away"] = lambda: away(demo.var / "queue" / "messages")
    if services.is_small:
        made["disk full"] = lambda: full(demo.var)
    return made


@contextmanager
def failing(proxy: CuttingProxy, how: str) -> Iterator[None]:
    getattr(proxy, how)()
    try:
        yield
    finally:
        proxy.mend()


@contextmanager
def away(folder: Path) -> Iterator[None]:
    hidden = folder.with_name("away")
    folder.rename(hidden)
    try:
        yield
    finally:
        hidden.rename(folder)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    filling = fill(folder)
    try:
        yield
    finally:
        filling.unlink()


@contextmanager
def disturbed(simulator_url: str, disturbance: dict[str, Any]) -> Iterator[None]:
    for match in ({"path": "/api/"}, {"path": "/oauth2/v3/token"}):
        answer = urllib3.request("POST", f"{simulator_url}/_sim/faults", json={**disturbance, "match": match})
        assert answer.status == 201, answer.data
    try:
        yield
    finally:
        urllib3.request("DELETE", f"{simulator_url}/_sim/faults")


@contextmanager
def killed(demo: Demo, name: str) -> Iterator[None]:
    if pid := demo.pid(PARTS_BY_NAME[name]):
        os.kill(pid, signal.SIGKILL)
    yield


def streams(demo: Demo, bernd: Consumer, dieter: Consumer, commands: list[Commands]) -> list[Stream]:
    def read(consumer: Consumer, vin: str, what: str) -> Callable[[], int]:
        return lambda: status(consumer, f"/v2.0/vehicles/{{id}}/{what}", vin)

    arrival = dieter.authorize_url().removeprefix(dieter.portal_url)
    return [
        *(Stream(f"command {each.vin}", 5.0, each.send) for each in commands),
        Stream("read", 2.0, read(bernd, BERNDS_MODEL_S, "odometer")),
        Stream("read signed", 2.0, read(dieter, DIETERS_MODEL_3, "battery")),
        Stream("key", 2.0, read(dieter, DIETERS_MODEL_3, "tesla/virtual_key")),
        Stream("diagnosis", 1.0, read(bernd, BERNDS_MODEL_S, "tesla/diagnosis")),
        Stream("permissions", 0.5, read(dieter, DIETERS_MODEL_3, "permissions")),
        Stream("connect", 2.0, lambda: status(dieter, arrival)),
        Stream("nobody", 2.0, lambda: status(dieter, "/fix/not-there")),
        Stream("staff", 2.0, lambda: status(dieter, "/admin/login/")),
        Stream("ready", 2.0, lambda: status(dieter, "/readyz")),
    ]


def test_nothing_is_lost_doubled_or_broken(tmp_path: Path, report: Report) -> None:
    with ExitStack() as entered:
        services = Services(tmp_path, entered)
        demo = entered.enter_context(running(tmp_path, services.environment))
        bernd, dieter = (connected(demo, f"{name}@owners.example") for name in ("bernd", "dieter"))
        commands = [Commands(bernd, BERNDS_MODEL_S), Commands(dieter, DIETERS_MODEL_3)]
        for each in commands:
            let_it_charge(demo, each.vin)
        known, chance = faults(demo, services), random.Random(SEED)
        back: dict[str, list[float]] = defaultdict(list)
        memory: dict[int, list[int]] = defaultdict(list)
        began, names = time.monotonic(), list[str]()
        with Traffic(streams(demo, bernd, dieter, commands)) as traffic:
            while time.monotonic() - began < SECONDS:
                # Each once before any comes twice.
                names = names or chance.sample(sorted(known), len(known))
                name = names.pop()
                with known[name]():
                    # A kill is over as soon as it is done.
                    time.sleep(0.0 if name.startswith("kill") else chance.uniform(*FAULT_SECONDS))
                back[name].append(seconds_until_all_is_well(demo, services, bernd, dieter, name))
                note_memory(demo, memory)
        times = [each for all_of_one in back.values() for each in all_of_one]
        report(
            f"{len(times)} faults in {(time.monotonic() - began) / 60:.1f} minutes; {traffic.told()}; back after "
            f"{statistics.median(times):.1f} s in the middle, {max(times):.1f} s at most"
        )
        for name, seconds in sorted(back.items()):
            report(f"  {name}: {len(seconds)} times, back after {max(seconds):.1f} s at most")
        growth = max((max(sizes) - max(sizes[:3]) for sizes in memory.values()), default=0)
        most = max((size for sizes in memory.values() for size in sizes), default=0)
        report(f"  web worker: {most / 2**20:.0f} MB at most, grew by {growth / 2**20:.0f} MB at most")
        report(f"  commands: {told_of(commands, services)}")

        assert traffic.failures == []
        assert {key: n for key, n in traffic.answers.items() if key[1] == 500} == {}
        assert max(times) < BACK_SECONDS
        assert growth < MOST_GROWTH
        for each in commands:
            check(each, demo, services)


def let_it_charge(demo: Demo, vin: str) -> None:
    """With so much current that each value is one of its own."""
    url = f"{demo.told['simulator_url']}/_sim/vehicles/{vin}"
    most = dict.fromkeys(("charge_current_request_max", "charger_pilot_current"), MOST_AMPERES)
    assert urllib3.request("PATCH", url, json=most).status == 200


def seconds_until_all_is_well(
    demo: Demo, services: Services, bernd: Consumer, dieter: Consumer, name: str
) -> float:
    """How long it takes until probes, pages and reads of each car answer again and the worker does what it is told."""
    log = demo.var / "log" / "worker.log"
    before = log.stat().st_size
    told = iter(range(10**9))

    def is_well() -> bool:
        if next(told) % TELL_EVERY == 0:
            services.send_task()
        if not answers(f"{demo.told['portal_url']}/readyz"):
            return False
        try:
            reads = (
                status(bernd, "/v2.0/vehicles/{id}/odometer", BERNDS_MODEL_S),
                status(dieter, "/v2.0/vehicles/{id}/battery", DIETERS_MODEL_3),
                status(dieter, "/"),
            )
        except urllib3.exceptions.HTTPError:
            return False
        return set(reads) <= {200, 429} and b" succeeded in " in log.read_bytes()[before:]

    try:
        return wait_until(is_well, 3 * BACK_SECONDS, every=0.5)
    except AssertionError:
        ready = HTTP.request("GET", f"{demo.told['portal_url']}/readyz", retries=False, timeout=10).data
        raise AssertionError(f"after {name}: {ready!r}, {log.read_text()[-3000:]}") from None


def note_memory(demo: Demo, memory: dict[int, list[int]]) -> None:
    """Resident bytes of the web worker that runs now."""
    pid = demo.pid(PARTS_BY_NAME["web worker"])
    if pid is None:
        return
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    resident = next(line for line in lines if line.startswith("VmRSS"))
    memory[pid].append(int(resident.split()[1]) * 1024)


def outcomes(services: Services, vin: str) -> dict[int, Counter[str]]:
    """The command rows of this car by their amperes: how many ended how."""
    counted: dict[int, Counter[str]] = defaultdict(Counter)
    for of_car, arguments, outcome in services.rows(COMMANDS):
        if of_car != vin:
            continue
        given = json.loads(arguments) if isinstance(arguments, str) else arguments
        counted[int(given["charging_amps"])][outcome] += 1
    return counted


def executed(demo: Demo, vin: str) -> Counter[int]:
    done = urllib3.request("GET", f"{demo.told['simulator_url']}/_sim/vehicles/{vin}/executed").json()
    return Counter(
        int(each["arguments"]["charging_amps"]) for each in done if "charging_amps" in each["arguments"]
    )


def check(commands: Commands, demo: Demo, services: Services) -> None:
    """What callers heard, what the rows say and what the car did fit together, command by command."""
    rows, done = outcomes(services, commands.vin), executed(demo, commands.vin)
    for amps, heard in commands.answers.items():
        row = rows.get(amps, Counter())
        told = f"{amps} A: heard {heard}, rows {dict(row)}, carried out {done[amps]} times"
        assert done[amps] <= 1, f"doubled, {told}"
        assert row.total() <= 1 or row["failed"] >= row.total() - 1, f"two rows, {told}"
        assert done[amps] >= row["succeeded"], f"lost, {told}"
        assert not (done[amps] and row["failed"] == row.total()), f"done and not known, {told}"
        assert 200 not in heard or row["succeeded"] == 1, f"answered otherwise, {told}"
    assert set(done) <= set(commands.answers)


def told_of(commands: list[Commands], services: Services) -> str:
    counted: Counter[str] = Counter()
    for each in commands:
        for row in outcomes(services, each.vin).values():
            counted += row
    return f"{sum(len(each.answers) for each in commands)} meant, rows {dict(counted)}"
