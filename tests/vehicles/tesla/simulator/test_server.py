"""The server itself: TLS, many requests at once, starting and stopping, and the management command."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3

from tests.vehicles.tesla.certificates import certificate_for
from tests.vehicles.tesla.simulator.visitors import Application, Browser
from vehicles.tesla import paths
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tesla.simulator.world import World

FLEET_HOST = "fleet-api.prd.eu.vn.cloud.tesla.com"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """A certificate for a Fleet host, and its key."""
    return certificate_for(tmp_path, FLEET_HOST)


def test_it_answers_over_tls_under_a_fleet_host_name(certificate: tuple[str, str], client: Client) -> None:
    file, key = certificate
    with SimulatorServer(World(clients=[client]), certificate=file, private_key=key) as tesla:
        pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1", tesla.port, ca_certs=file, server_hostname=FLEET_HOST, assert_hostname=FLEET_HOST
        )
        assert tesla.url.startswith("https://")
        assert pool.request("GET", "/status", headers={"Host": FLEET_HOST}).data == b"ok"


def test_128_requests_at_once_are_all_answered(application: Application) -> None:
    application.http = urllib3.PoolManager(maxsize=128, block=True)
    application.connect("anna@owners.example")
    with ThreadPoolExecutor(128) as threads:
        answers = list(threads.map(lambda _: application.call("GET", paths.VEHICLES).status, range(512)))
    assert answers == [200] * 512


def test_a_slow_answer_holds_nobody_else_up(application: Application) -> None:
    application.connect("anna@owners.example")
    application.tesla.world.faults.add({"match": {"path": "/status"}, "delay_ms": 600_000})
    with socket.create_connection(("127.0.0.1", application.tesla.port)) as slow:
        slow.sendall(b"GET /status HTTP/1.1\r\nHost: simulated\r\n\r\n")
        assert [application.call("GET", paths.VEHICLES).status for _ in range(20)] == [200] * 20


def test_a_stopped_server_no_longer_listens(client: Client) -> None:
    server = SimulatorServer(World(clients=[client])).start()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)


def test_a_port_that_is_taken_is_told(tesla: SimulatorServer) -> None:
    with pytest.raises(OSError, match="address already in use"):
        SimulatorServer(World(), port=tesla.port).start()


def test_the_front_page_says_what_this_is(browser: Browser) -> None:
    assert "Simulated Tesla" in browser.get("/").text


def test_the_command_serves_this_portals_registration_until_it_is_told_to_stop(
    monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    command = [sys.executable, "manage.py", "run_tesla_simulator", "--port", "0", "--vehicles", "1000000"]
    with subprocess.Popen(
        command, cwd=pytestconfig.rootpath, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        told = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", told)
        assert found, told + process.stdout.read()
        query = "response_type=code&client_id=6f1f1d0c-6a52-4b52-9d7a-0d6f0a5f3f10&scope=openid&redirect_uri="
        address = f"{found.group()}{paths.AUTHORIZE}?{query}http://localhost:8000/connect/tesla/callback"
        assert b"sign-in-button" in urllib3.request("GET", address).data
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
