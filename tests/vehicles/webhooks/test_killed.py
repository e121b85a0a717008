"""Processes that are killed in the middle: nothing that happened is lost, nothing arrives out of order."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.utils import timezone

from tests.databases import database_url
from tests.factories import VehicleGrantFactory
from tests.runner import ROOT
from tests.vehicles.webhooks.consumer import Consumer
from vehicles.models import Application, Event, VehicleGrant, Webhook, WebhookDelivery
from vehicles.webhooks import delivery, subscriptions

pytestmark = pytest.mark.django_db(transaction=True)

Do = Callable[..., str]


@pytest.fixture
def do(db: None) -> Iterator[Do]:
    """`do(job)`: have it done by a process of its own, and wait until that is gone; how it ended."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database_url()}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.vehicles.webhooks.dying_worker"],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as worker:  # fmt: skip
        assert worker.stdin and worker.stdout

        def do(**job: Any) -> str:
            assert worker.stdin and worker.stdout
            worker.stdin.write(json.dumps(job) + "\n")
            worker.stdin.flush()
            return worker.stdout.readline().strip()

        yield do
        worker.stdin.close()


@pytest.fixture
def cars(application: Application, webhook: Webhook) -> list[VehicleGrant]:
    made = [VehicleGrantFactory(application=application) for _ in range(3)]
    for grant in made:
        subscriptions.subscribe(webhook, grant.connection, timezone.now())
    return made


def test_who_dies_between_the_change_and_the_message_has_told_all_the_same(
    do: Do, cars: list[VehicleGrant], consumer: Consumer
) -> None:
    assert do(do="change", vehicle=str(cars[0].connection.vehicle_id), paired=True) == "killed"
    assert Event.objects.filter(kind="key:changed").count() == 1
    delivery.run()
    assert [event["eventType"] for event in consumer.events] == ["virtual_key.added"]


@pytest.mark.parametrize("times", [8, pytest.param(50, marks=pytest.mark.slow)])
def test_a_worker_that_is_killed_again_and_again_loses_nothing(
    do: Do, cars: list[VehicleGrant], consumer: Consumer, times: int
) -> None:
    chance = random.Random(times)
    killed = rounds = 0
    # A fast machine is done before it is killed; so many are killed all the same.
    while rounds < times or killed < times // 4:
        for grant in cars:
            do(do="change", vehicle=str(grant.connection.vehicle_id), paired=rounds % 2 == 0)
        killed += do(do="run", die_within=chance.uniform(0.01, 0.25)) == "killed"
        rounds += 1
        assert rounds < 20 * times
    waits = True
    while waits:
        # Nobody who is killed gives its lease back, and none of them holds it for longer than a moment here.
        Webhook.objects.update(lease=None, leased_until=None, next_at=None)
        delivery.run()
        waits = WebhookDelivery.objects.filter(status="pending").exists()

    first: dict[str, list[str]] = defaultdict(list)
    for event in consumer.events:
        if event["eventId"] not in first[event["vehicleId"]]:
            first[event["vehicleId"]].append(event["eventId"])
    changes = Event.objects.filter(kind="key:changed").count()
    assert changes == 3 * rounds == sum(len(ids) for ids in first.values())
    for ids in first.values():
        numbers = {event["eventId"]: event["meta"]["sequence"] for event in consumer.events}
        assert [numbers[each] for each in ids] == list(range(1, rounds + 1))
