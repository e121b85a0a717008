"""A Tesla that babbles, seen from outside: the web server as it is run in production, and more callers than places."""

from __future__ import annotations

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from tests.databases import database_url
from tests.faults import babbling_server as babbling
from tests.faults.babbling_server import BabblingServer
from tests.faults.web_server import web_server
from tests.vehicles.api.conftest import Calls, calls_for, keyless_grant

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PLACES = 96
CALLERS = 120
MEGABYTE = 1024 * 1024


@pytest.fixture
def tesla() -> Iterator[BabblingServer]:
    """Sends a byte a second."""
    with BabblingServer(babbling.slow_body) as server:
        yield server


@pytest.fixture
def api() -> Calls:
    """An application that may do everything with a keyless car."""
    return calls_for(keyless_grant())


@pytest.fixture
def port(tmp_path: Path, api: Calls, tesla: BabblingServer) -> Iterator[int]:
    """The web server on the test's database, with that Tesla."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.bench.settings",
        "DATABASE_URL": database_url(),
        "BENCH_TESLA_URL": tesla.url,
        "BENCH_KEY_FILE": "",
        "LOG_LEVEL": "ERROR",
    }
    with web_server(tmp_path / "web.log", {**os.environ, **environment}) as serving:
        yield serving


def get(port: int, api: Calls, path: str, seconds: float = 60) -> tuple[int, float]:
    """The status, and after how many seconds; 0 where the caller did not wait for it."""
    began = time.monotonic()
    url = f"http://127.0.0.1:{port}{path.replace('{id}', api.vehicle_id)}"
    headers = {"Authorization": f"Bearer {api.token}"}
    try:
        status = urllib3.request("GET", url, headers=headers, timeout=seconds, retries=False).status
    except urllib3.exceptions.HTTPError:
        status = 0
    return status, time.monotonic() - began


ODOMETER = "/v2.0/vehicles/{id}/odometer"
PERMISSIONS = "/v2.0/vehicles/{id}/permissions"


@pytest.mark.parametrize("patience", [60, 1], ids=["callers wait", "callers leave"])
def test_every_place_is_free_again_in_time(
    port: int, api: Calls, tesla: BabblingServer, patience: float
) -> None:
    began = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as callers:
        waiting = [callers.submit(get, port, api, ODOMETER, patience) for _ in range(CALLERS)]
        time.sleep(3)
        beside = [get(port, api, path) for path in (PERMISSIONS, "/healthz") for _ in range(5)]
        answers = Counter(each.result()[0] for each in waiting)
    while tesla.open:
        assert time.monotonic() - began < 30
        time.sleep(0.2)
    tesla.answer = babbling.whole(b'{"response": {"vehicle_state": {"odometer": 1.0}}}')
    assert get(port, api, ODOMETER)[0] == 200
    assert all(status == 200 and seconds < 2 for status, seconds in beside)
    assert set(answers) <= {0, 502, 503}
    assert patience < 60 or answers[502] == PLACES


@pytest.mark.parametrize("kind", ["plain", "packed"])
def test_two_hundred_megabytes_cost_no_memory(
    port: int, api: Calls, tesla: BabblingServer, kind: str
) -> None:
    size = 200 * MEGABYTE
    tesla.answer = babbling.bomb(size) if kind == "packed" else babbling.large(size, announced=False)
    before = memory(port)
    with ThreadPoolExecutor(8) as callers:
        answers = Counter(each[0] for each in callers.map(lambda _: get(port, api, ODOMETER), range(16)))
    after = memory(port)
    assert answers == {502: 16}
    assert after - before < 100


def memory(port: int) -> int:
    """The most megabytes that the processes of the web server ever took."""
    listed = subprocess.run(["pgrep", "-f", f"127.0.0.1:{port} "], capture_output=True, text=True, check=True)
    most = 0
    for pid in listed.stdout.split():
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                most = max(most, int(line.split()[1]) // 1024)
    return most
