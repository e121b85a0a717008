"""Tesla's own programs; `TESLA_HTTP_PROXY`, `TESLA_CONTROL` and `TESLA_VERIFIER` of the environment name the files."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
import urllib3
from urllib3 import BaseHTTPResponse

from tests.vehicles.tesla.own_tools.teslas_net import LOCALHOST, TeslasNet
from vehicles.models import VehicleGrant
from vehicles.tesla import paths
from vehicles.tesla.simulator.car.security import CarSecurity, Execute
from vehicles.tokens import store

START_SECONDS = 10


def program(variable: str) -> Path:
    """The program that the environment names; without one the test is skipped."""
    if named := os.environ.get(variable):
        assert os.access(named, os.X_OK), f"{variable} names {named}, which cannot be run"
        return Path(named)
    pytest.skip(f"{variable} does not name one of Tesla's programs")


def token_of(grant: VehicleGrant) -> str:
    """The owner's access token, which the programs have to be handed."""
    stored = store.load(grant.account, "fleet")
    assert stored
    return stored.access_token


class TeslasCar(CarSecurity):
    """The computers of a car, with Tesla's own verifier behind them (`verifier.go`).

    `understood` are the messages it let pass, as Tesla's definitions call them; `payloads` are their bytes. It keeps
    its own time, that of the machine, and carries out nothing: every command succeeds.
    """

    def __init__(self, verifier: Path) -> None:
        super().__init__()
        self.understood: list[dict[str, Any]] = []
        self.payloads: list[bytes] = []
        self._process = subprocess.Popen(
            [verifier], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def handle(
        self, request: bytes, *, allowed_keys: Mapping[bytes, int], vin: str, now: float, execute: Execute
    ) -> bytes:
        """The answer of Tesla's verifier."""
        keys = [key.hex() for key in allowed_keys]
        said = self._ask({"vin": vin, "keys": keys, "message": base64.b64encode(request).decode()})
        if "understood" in said:
            self.understood.append(said["understood"])
            self.payloads.append(bytes.fromhex(said["payload"]))
        return base64.b64decode(said["answer"] or "")

    def reboot(self, now: float) -> None:
        """Both computers start a new epoch."""
        self._ask({"reboot": True})

    def _ask(self, given: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(given) + "\n")
        line = self._process.stdout.readline()
        assert line, "Tesla's verifier has ended"
        said: dict[str, Any] = json.loads(line)
        return said

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=START_SECONDS)


class HttpProxy(AbstractContextManager["HttpProxy"]):
    """Tesla's `tesla-http-proxy` at work with a key, on a port of its own, called with one owner's token."""

    def __init__(self, file: Path, net: TeslasNet, key_file: Path, token: str) -> None:
        self.token = token
        with socket.create_server((LOCALHOST, 0)) as free:
            port = free.getsockname()[1]
        self.url = f"https://{LOCALHOST}:{port}"
        self._address = (LOCALHOST, port)
        self._http = urllib3.PoolManager(ca_certs=net.certificate, retries=False, timeout=60)
        self._log = net.folder / "tesla-http-proxy.log"
        options = {"key-file": key_file, "cert": net.certificate, "tls-key": net.key, "port": port}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [file, "-verbose", *(f"-{name}={value}" for name, value in options.items())],
                env=net.environment,
                stdout=log,
                stderr=log,
            )

    def call(self, method: str, path: str, body: Any = None) -> BaseHTTPResponse:
        """One request, as an application would send it to Tesla."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return self._http.request(method, self.url + path, headers=headers, json=body)

    def command(self, vin: str, name: str, **arguments: Any) -> tuple[int, Any]:
        """Status and answer of a command: its result and reason, or else the error."""
        answer = self.call("POST", paths.COMMAND.format(vin=vin, name=name), arguments)
        said = answer.json()
        return answer.status, said["response"] or said["error"]

    def __enter__(self) -> Self:
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up and self._process.poll() is None:
            try:
                socket.create_connection(self._address).close()
            except ConnectionRefusedError:
                time.sleep(0.01)
            else:
                return self
        raise AssertionError(self._log.read_text())

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(START_SECONDS)


@dataclass
class Control:
    """Tesla's `tesla-control` for one car; it keeps its sessions in a file from one run to the next."""

    file: Path
    net: TeslasNet
    key_file: Path
    token: str
    vin: str

    def run(self, *arguments: str | Path) -> tuple[int, str]:
        """Exit status, and everything that it says."""
        token_file = self.net.folder / "token"
        token_file.write_text(self.token)
        options = {"vin": self.vin, "key-file": self.key_file, "token-file": token_file}
        done = subprocess.run(
            [self.file, *(f"-{name}={value}" for name, value in options.items()), *arguments],
            env=self.net.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    def forget(self) -> None:
        """Lose the sessions, so that the next run shakes hands."""
        (self.net.folder / ".tesla-cache.json").unlink(missing_ok=True)
