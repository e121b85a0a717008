"""A broker that is away, silent or talks nonsense costs a nudge, and nobody a moment of waiting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from celery import Celery
from django.db import transaction
from django.test import Client

from connect import tasks as connect_tasks
from connect.models import ConnectSession
from connect.run import key_queue
from portal.celery import app
from tests.connect.conftest import Journey
from tests.factories import ApplicationFactory, UserFactory, VehicleFactory, VehicleGrantFactory
from tests.faults.silent_server import FAULTS, useless_server
from vehicles import nudges, tasks
from vehicles.models import Application, User, Vehicle, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer

PATIENCE = 8.0
"""Seconds that a connection to the broker may take here, so that who waits for one is told from who is slow."""
Away = Callable[[str, str], None]


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Iterator[Away]:
    """`away(scheme, fault)`: the product's own Celery application, with a broker that is of no use."""
    monkeypatch.setattr(nudges, "_SENDER", nudges._Sender())
    names = ("task_always_eager", "broker_url", "broker_transport", "broker_connection_timeout")
    before = {name: app.conf[name] for name in names}
    with ExitStack() as open_until_the_end:

        def away(scheme: str, fault: str) -> None:
            port = open_until_the_end.enter_context(useless_server(fault))
            app.conf.task_always_eager = False
            app.conf.broker_transport = None
            app.conf.broker_url = f"{scheme}://127.0.0.1:{port}//"
            app.conf.broker_connection_timeout = PATIENCE

        yield away
    app.conf.update(before)
    app.close()
    app._pool = None


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_a_nudge_waits_for_nobody_raises_nothing_and_is_complained_of_once(
    scheme: str, fault: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "vehicles.nudges")
    sender = nudges._Sender()
    monkeypatch.setattr(nudges, "_SENDER", sender)
    monkeypatch.setattr(nudges, "REST_SECONDS", 0.0)
    application = Celery("away", set_as_current=False)
    application.conf.update(broker_connection_timeout=0.5)

    @application.task(name="nudged")
    def nudged() -> None:
        """Never run here."""

    with useless_server(fault) as port:
        application.conf.broker_url = f"{scheme}://127.0.0.1:{port}//"
        if scheme == "redis":
            application.conf.broker_transport_options = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
        # Who waits between tries waits for seconds; once more is enough where that is not so.
        for _ in range(2 if fault == "silent" else 1):
            nudges.nudge(nudged)
        assert sender._waiting.unfinished_tasks, "it came back when all was over"
        sender.wait()
    application.close()
    # Threads of other tests may still be waiting for their own brokers.
    assert caplog.text.count("the broker takes no message for nudged") == 1


def test_a_nudge_waits_for_the_commit_and_is_not_sent_without_one(
    db: None, away: Away, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    away("amqp", "refused")
    taken: list[Any] = []
    monkeypatch.setattr(nudges._SENDER, "take", taken.append)
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        nudges.nudge(tasks.let_verdicts_follow)
        assert taken == []
    assert len(taken) == 1


def test_more_nudges_than_a_broker_takes_are_left_undone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sender = nudges._Sender()
    monkeypatch.setattr(nudges, "_SENDER", sender)
    monkeypatch.setattr(sender, "_send_on", lambda: time.sleep(60))
    application = Celery("slow", set_as_current=False)

    @application.task(name="nudged")
    def nudged() -> None:
        """Never run here."""

    for _ in range(nudges._MOST_WAITING + 50):
        nudges.nudge(nudged)
    assert sender._waiting.full()
    assert caplog.text.count("the broker is too slow") == 1


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", ["refused", "silent"])
def test_pausing_is_answered_at_once_and_its_verdicts_follow_with_the_regular_task(
    away: Away, operator: Client, fault: str
) -> None:
    application = ApplicationFactory(name="Nightshift")
    grant = VehicleGrantFactory(application=application, vehicle=VehicleFactory(key="present"))
    page = f"/admin/vehicles/application/{application.pk}/change/"
    form = {
        "name": "Nightshift", "client_type": "confidential", "redirect_uris": "https://example.com/auth",
        "integration": "fleet", "permissions": ["read_vin"], "paused": "on",
    }  # fmt: skip
    operator.get(page)
    away("amqp", fault)
    began = time.monotonic()
    assert operator.post(page, form).status_code == 302
    assert time.monotonic() - began < PATIENCE / 2
    assert Application.objects.get(pk=application.pk).paused
    assert VehicleGrant.objects.get(pk=grant.pk).main_cause == ""

    tasks.let_verdicts_follow()

    assert VehicleGrant.objects.get(pk=grant.pk).main_cause == "paused"
    assert not Application.objects.filter(verdicts_follow=True).exists()


@pytest.mark.django_db(transaction=True)
def test_an_application_that_is_let_go_while_its_verdicts_follow_is_followed_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application = ApplicationFactory(paused=True, verdicts_follow=True)
    VehicleGrantFactory(application=application)
    rediagnose = tasks.rediagnosis.rediagnose

    def meanwhile(*given: Any, **named: Any) -> Any:
        yield from rediagnose(*given, **named)
        Application.objects.update(paused=False, paused_since=None)

    monkeypatch.setattr(tasks.rediagnosis, "rediagnose", meanwhile)
    tasks.let_verdicts_follow()
    assert Application.objects.get(pk=application.pk).verdicts_follow


@pytest.mark.django_db(transaction=True)
def test_an_approval_is_answered_at_once_and_colours_are_learned_with_the_regular_task(
    away: Away, simulator: SimulatorServer
) -> None:
    journey = Journey(ApplicationFactory(name="Charge Planner"))
    journey.authorize()
    journey.sign_in("anna@owners.example")
    away("amqp", "silent")
    began = time.monotonic()
    assert journey.approve().status_code == 302
    assert time.monotonic() - began < PATIENCE / 2
    assert set(Vehicle.objects.values_list("colour", flat=True)) == {""}

    connect_tasks.learn_lately_connected_colours()

    assert "" not in set(Vehicle.objects.values_list("colour", flat=True))


@pytest.mark.django_db
def test_who_left_or_came_long_ago_is_not_looked_at(simulator: SimulatorServer, now: Any) -> None:
    journey = Journey(ApplicationFactory(name="Charge Planner"))
    journey.authorize()
    journey.sign_in("anna@owners.example")
    journey.approve()
    assert len(key_queue.lately_arrived(now)) == 1
    assert key_queue.lately_arrived(now + 2 * key_queue.LATELY) == []
    ConnectSession.objects.update(ended_at=now)
    assert key_queue.lately_arrived(now) == []
    assert User.objects.exists()
