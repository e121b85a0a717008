"""What a signed command costs end to end, beside a plain view that passes the same message on with urllib3."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from portal.web import gunicorn_settings as web_server_settings
from tests.bench.bench_signatures import Signer
from tests.bench.machinery import Request, database, instant_tesla, load, web_server
from tests.bench.rows import Row, alone, centile, compared, per_second

CALLERS = 8
SECONDS = 2.0
ALONE_SECONDS = 1.0
RATIO_AIM, LATENCY_AIM_MS = 0.5, 10.0


def measure(rounds: int) -> Iterator[Row]:
    """Through the web server with many callers, with one, and in process without a server."""
    with database(), instant_tesla():
        ours, stock = [lock() for _ in range(CALLERS)], [passed_through() for _ in range(CALLERS)]
        yield from in_process(rounds, ours[0], stock[0])
        with web_server() as port:
            yield from through_the_server(rounds, port, ours, stock)
            yield from latency(rounds, port, ours[0], stock[0])


def through_the_server(
    rounds: int, port: int, ours: Sequence[Request], stock: Sequence[Request]
) -> Iterator[Row]:
    for requests in (ours, stock):
        load(port, requests, SECONDS)
    rates = [(load(port, ours, SECONDS).rate, load(port, stock, SECONDS).rate) for _ in range(rounds)]
    yield compared("signed commands", rates, "1/s", at_least=RATIO_AIM)


def latency(rounds: int, port: int, ours: Request, stock: Request) -> Iterator[Row]:
    """What one caller waits longer than for the plain view."""
    taken = [
        [load(port, [request], ALONE_SECONDS).milliseconds for request in (ours, stock)]
        for _ in range(rounds)
    ]
    for at, aim in ((50, LATENCY_AIM_MS), (99, None)):
        added = [centile(mine, at) - centile(theirs, at) for mine, theirs in taken]
        yield alone(f"added latency p{at}", added, "ms", at_most=aim)


def in_process(rounds: int, ours: Request, stock: Request) -> Iterator[Row]:
    """One thread, no web server: nothing but our own work and the call."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    calls = called(ours), called(stock)
    web_server_settings.freeze()
    for call in calls:
        per_second(call, ALONE_SECONDS)
    rates = [tuple(per_second(call, ALONE_SECONDS) for call in calls) for _ in range(rounds)]
    yield compared("signed commands in process", [(rate[0], rate[1]) for rate in rates], "1/s")
    with CaptureQueriesContext(connection) as queries:
        calls[0]()
    statements = [query for query in queries if not query["sql"].startswith(("BEGIN", "COMMIT"))]
    yield alone("database statements of one command", [len(statements)], "")


def lock() -> Request:
    """A request to lock a car of its own, through the whole portal."""
    from django.utils import timezone

    from tests.factories import AccessTokenFactory, VehicleGrantFactory, bearer
    from vehicles.tesla.auth import Tokens
    from vehicles.tokens import store

    grant = VehicleGrantFactory(vehicle__key="present")
    tokens = Tokens(access_token="bench", refresh_token="bench", expires_in=28800, id_token="")
    store.store_login(grant.account, "fleet", tokens, timezone.now())
    token = AccessTokenFactory(application=grant.connection.application, user=grant.account.person)
    path = f"/v2.0/vehicles/{grant.connection.public_id}/security"
    return Request(path, bearer(token), {"action": "LOCK"})


def passed_through() -> Request:
    """A request to the plain view with a message of the same size."""
    signer = Signer()
    body = {"routable_message": base64.b64encode(signer.sign()).decode()}
    return Request(f"/passed-through/{signer.session.vin}", {"Authorization": "Bearer bench"}, body)


def called(request: Request) -> Callable[[], None]:
    """The request made of the WSGI application, as a web server makes it, without one."""
    from django.core.wsgi import get_wsgi_application
    from django.test import RequestFactory

    application, body = get_wsgi_application(), json.dumps(request.body)

    def call() -> None:
        posted = RequestFactory(headers=request.headers).post(
            request.path, body, content_type="application/json"
        )
        statuses: list[str] = []
        answer: Any = application(posted.environ, lambda status, _headers, *_: statuses.append(status))
        content = b"".join(answer)
        answer.close()
        assert statuses == ["200 OK"], content

    return call
