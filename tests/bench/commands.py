"""What a signed command costs us: `python -m tests.bench.commands [rounds]`, on SQLite or the `DATABASE_URL` given.

Ours and the stock way take turns in one run, against a Tesla that answers at once, so that what the machine does
meanwhile falls on both.
"""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

from tests.runner import ROOT

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
Row = dict[str, Any]
LATENCY_AIM_MS, RATIO_AIM = 10.0, 0.5


def main(rounds: int) -> list[Row]:
    """Measure, print and return the rows: `name, ours, stock, ratio, aim, met, unit, spread`."""
    django.setup()
    with database(), instant_tesla():
        rows = [signatures(), verifications(), *end_to_end(rounds)]
    for row in rows:
        sys.stdout.write(json.dumps(row) + "\n")
    return rows


@contextmanager
def database() -> Iterator[None]:
    """A database of its own with the tables of the models, dropped afterwards."""
    from django.conf import settings
    from django.db import connection

    settings.MIGRATION_MODULES = {app.rpartition(".")[2]: None for app in APPS}
    with tempfile.TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = str(Path(folder, "bench.sqlite3"))
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            yield
        finally:
            connection.creation.destroy_test_db("", verbosity=0)


APPS = (
    "vehicles", "connect", "portal", "admin", "auth", "contenttypes", "sessions", "oauth2_provider", "axes",
)  # fmt: skip


@contextmanager
def instant_tesla() -> Iterator[None]:
    """The settings lead to a Tesla that answers at once, and to a virtual key made for this run."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from django.conf import settings

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    server = [sys.executable, "-m", "tests.bench.instant_tesla"]
    with (
        tempfile.NamedTemporaryFile() as key,
        subprocess.Popen(server, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process,
    ):
        key.write(pem)
        key.flush()
        assert process.stdout
        settings.TESLA_KEY_FILE = key.name
        settings.TESLA_API_URL = f"http://127.0.0.1:{int(process.stdout.readline())}"
        settings.TESLA_RATE_LIMITS = dict.fromkeys(settings.TESLA_RATE_LIMITS, 10**9)
        settings.ROOT_URLCONF = "tests.bench.urls"
        try:
            yield
        finally:
            process.terminate()


def signatures() -> Row:
    """Commands signed in a second, one thread: key agreement, metadata, tag and message."""
    message, _ = signing()
    return row("signatures", per_second(message, 1.0), "1/s")


def verifications() -> Row:
    """Signed messages that one simulated car checks and answers in a second: what the simulator would add."""
    from vehicles.tesla.simulator.car_security_answers import Outcome

    message, (car, allowed, vin) = signing()

    def exchange() -> None:
        car.handle(
            message(), allowed_keys=allowed, vin=vin, now=0.0, execute=lambda name, given: Outcome(True)
        )

    return row("signed and checked by a simulated car", per_second(exchange, 1.0), "1/s")


def signing() -> tuple[Callable[[], bytes], tuple[Any, dict[bytes, int], str]]:
    """A function that signs the next lock command for a simulated car, and that car."""
    from vehicles.tesla import vehicle_commands
    from vehicles.tesla.signing import Domain, SessionInfo, authorize
    from vehicles.tesla.simulator.car_security import CarSecurity, Role
    from vehicles.virtual_key import private_key

    key, car, vin, domain = private_key(), CarSecurity(), "5YJ3E7EB2LF000404", Domain.VEHICLE_SECURITY
    assert key
    computer = car.computer(domain, 0.0)
    session = SessionInfo(vin, domain, computer.private_key.public_key, computer.epoch, 0, 0, 0.0, 0)
    payload = vehicle_commands.encode("door_lock", {})
    counters = iter(range(1, 10**9))

    def sign() -> bytes:
        return authorize(session, payload, key=key, counter=next(counters), now=0.0).message

    return sign, (car, {key.public_key: int(Role.FLEET_MANAGER)}, vin)


def end_to_end(rounds: int) -> list[Row]:
    """The API's lock, and the plain view, in turns: commands a second, and what ours adds to each."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ours, stock = lock_over_the_api(), passed_through()
    for _ in range(20):
        ours(), stock()
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for call, times in zip((ours, stock), taken, strict=True):
            times.append(milliseconds(call))
    with CaptureQueriesContext(connection) as queries:
        ours()
    statements = [query for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    rates = [1000 / statistics.fmean(times) for times in taken]
    added = [centile(taken[0], at) - centile(taken[1], at) for at in (50, 99)]
    ratio = rates[0] / rates[1]
    return [
        row("signed commands", rates[0], "1/s", rates[1], ratio, RATIO_AIM, ratio >= RATIO_AIM),
        row("added latency p50", added[0], "ms", None, None, LATENCY_AIM_MS, added[0] < LATENCY_AIM_MS),
        row("added latency p99", added[1], "ms"),
        row("database statements of one command", len(statements), ""),
    ]


def lock_over_the_api() -> Callable[[], None]:
    """A request to lock through the whole portal: middleware, token, decision, row, signature, call, outcome."""
    from django.utils import timezone

    from tests.factories import AccessTokenFactory, VehicleGrantFactory, bearer
    from vehicles import vault
    from vehicles.tesla.auth import Tokens

    grant = VehicleGrantFactory(vehicle__key="present")
    tokens = Tokens(access_token="bench", refresh_token="bench", expires_in=28800, id_token="")
    vault.store_login(grant.account, "fleet", tokens, timezone.now())
    token = AccessTokenFactory(application=grant.connection.application, user=grant.account.person)
    address = f"/v2.0/vehicles/{grant.connection.public_id}/security"
    return request(address, {"action": "LOCK"}, bearer(token))


def passed_through() -> Callable[[], None]:
    """A request to the plain view with a message of the same size."""
    message, (_, _, vin) = signing()
    body = {"routable_message": base64.b64encode(message()).decode()}
    return request(f"/passed-through/{vin}", body, {"Authorization": "Bearer bench"})


def request(address: str, body: dict[str, str], headers: dict[str, str]) -> Callable[[], None]:
    """A POST through the WSGI application, as a web server makes it, without one."""
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory

    application = get_wsgi_application()

    def call() -> None:
        posted = RequestFactory(headers=headers).post(
            address, json.dumps(body), content_type="application/json"
        )
        statuses: list[str] = []
        answer = application(posted.environ, lambda status, _headers, *_: statuses.append(status))
        content = b"".join(answer)
        answer.close()
        assert statuses == ["200 OK"], content

    return call


def milliseconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def per_second(call: Callable[[], object], seconds: float) -> float:
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        call()
        done += 1
    return done / (time.perf_counter() - began)


def centile(times: list[float], at: int) -> float:
    return statistics.quantiles(times, n=100)[at - 1]


def row(
    name: str,
    ours: float,
    unit: str,
    stock: float | None = None,
    ratio: float | None = None,
    aim: float | None = None,
    met: bool | None = None,
) -> Row:
    rounded = {"ours": ours, "stock": stock, "ratio": ratio}
    figures = {key: None if value is None else round(value, 2) for key, value in rounded.items()}
    return {"name": name, **figures, "aim": aim, "met": met, "unit": unit, "spread": None}


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
