"""Sending: in order, again and again, never waiting for an address that hangs."""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import (
    VehicleGrantFactory,
    WebhookFactory,
    WebhookSubscriptionFactory,
)
from tests.vehicles.webhooks.consumer import Consumer
from vehicles import grants, history
from vehicles.history import Kind
from vehicles.models import (
    Application,
    DeliveryStatus,
    Vehicle,
    VehicleGrant,
    Webhook,
    WebhookDelivery,
)
from vehicles.webhooks import delivery, sending, subscriptions

pytestmark = pytest.mark.django_db


@pytest.fixture
def cars(application: Application, webhook: Webhook) -> list[VehicleGrant]:
    """Three cars that the webhook is told of."""
    made = [VehicleGrantFactory(application=application) for _ in range(3)]
    for grant in made:
        subscriptions.subscribe(webhook, grant.connection, timezone.now())
    return made


def flip(car: Vehicle, after: str) -> None:
    """History tells that the key was added or removed."""
    before = "absent" if after == "present" else "present"
    history.record(
        Kind.KEY_CHANGED, actor="system", at=timezone.now(), vehicle=car,
        before=before, after=after, reason="", source="fleet_status",
    )  # fmt: skip


def flips(cars: list[VehicleGrant], times: int) -> None:
    for number in range(times):
        for grant in cars:
            flip(grant.connection.vehicle, "absent" if number % 2 else "present")


def by_car(messages: list[dict[str, Any]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for message in messages:
        found[message["vehicleId"]].append(message["meta"]["sequence"])
    return found


def test_a_cars_events_arrive_in_order_and_one_that_is_refused_holds_up_that_car_alone(
    cars: list[VehicleGrant], consumer: Consumer
) -> None:
    poisoned = str(cars[1].connection.public_id)
    consumer.answer = lambda message: 500 if message["vehicleId"] == poisoned else 200
    flips(cars, 4)
    delivery.run()
    assert by_car(consumer.events) == {
        str(grant.connection.public_id): [1, 2, 3, 4] for grant in (cars[0], cars[2])
    }
    assert by_car(consumer.tries)[poisoned] == [1]

    consumer.answer = lambda message: 200
    delivery.run()
    assert poisoned not in by_car(consumer.events)
    with time_machine.travel(timezone.now() + delivery.FIRST_PAUSE, tick=True):
        delivery.run()
    assert by_car(consumer.events)[poisoned] == [1, 2, 3, 4]
    same = [
        try_ for try_ in consumer.tries if try_["vehicleId"] == poisoned and try_["meta"]["sequence"] == 1
    ]
    assert len({try_["eventId"] for try_ in same}) == 1
    assert len({try_["meta"]["deliveryId"] for try_ in same}) == 2


@pytest.mark.parametrize("status", [300, 301, 302, 307, 400, 404, 410, 429, 500, 503])
def test_only_2xx_is_taken(cars: list[VehicleGrant], consumer: Consumer, status: int) -> None:
    """A redirect least of all: nothing is sent to where it leads."""
    consumer.status, consumer.headers = status, {"Location": consumer.url + "/elsewhere"}
    flips(cars[:1], 1)
    delivery.run()
    assert {path for path, _, _ in consumer.requests} == {"/hook"}
    kept = WebhookDelivery.objects.get()
    assert (kept.status, kept.answer, kept.fault, kept.attempts) == ("pending", status, "refused", 1)


def test_an_application_whose_receiver_is_down_for_three_days_is_paused_and_goes_on_from_there(
    application: Application, cars: list[VehicleGrant], consumer: Consumer, webhook: Webhook
) -> None:
    consumer.status = 503
    began = timezone.now()
    flips(cars, 2)
    tried = 0
    with time_machine.travel(began, tick=False) as clock:
        for _ in range(74):
            delivery.run()
            clock.shift(timedelta(hours=1))
        webhook.refresh_from_db()
        assert webhook.paused_since is not None and webhook.fault == "refused"
        assert webhook.paused_since - began >= timedelta(days=3)
        tried = len(consumer.tries)
        # Three cars, each an hour apart after the first tries: neither a flood nor silence.
        assert 3 * 60 < tried < 3 * 90

        flips(cars, 3)
        delivery.run()
        assert len(consumer.tries) == tried

        consumer.status = 200
        call_command("resume_webhook", str(webhook.pk), stdout=None)
        delivery.run()

    assert by_car(consumer.events) == {str(grant.connection.public_id): [1, 2, 3, 4, 5] for grant in cars}
    by_id = defaultdict(set)
    for message in consumer.tries:
        by_id[message["eventId"]].add((message["vehicleId"], message["meta"]["sequence"]))
    assert len(by_id) == 15 and all(len(each) == 1 for each in by_id.values())


def test_down_for_a_day_is_no_reason_to_be_paused(
    cars: list[VehicleGrant], consumer: Consumer, webhook: Webhook
) -> None:
    consumer.status = 500
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for hour in range(26):
            if hour % 5 == 0:
                flips(cars, 1)
            if hour == 24:
                consumer.status = 200
            delivery.run()
            clock.shift(timedelta(hours=1))
    webhook.refresh_from_db()
    assert webhook.paused_since is None and webhook.failing_since is None
    assert by_car(consumer.events) == {str(grant.connection.public_id): [1, 2, 3, 4, 5, 6] for grant in cars}


def test_one_event_that_is_refused_for_three_days_makes_way_where_others_are_taken(
    cars: list[VehicleGrant], consumer: Consumer, webhook: Webhook
) -> None:
    poisoned = str(cars[0].connection.public_id)
    consumer.answer = lambda m: 500 if (m["vehicleId"], m["meta"]["sequence"]) == (poisoned, 1) else 200
    flips(cars, 2)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for hour in range(75):
            if hour % 24 == 1:
                flips(cars[1:], 1)
            delivery.run()
            clock.shift(timedelta(hours=1))
    webhook.refresh_from_db()
    assert webhook.paused_since is None
    assert by_car(consumer.events)[poisoned] == [2]
    (given_up,) = WebhookDelivery.objects.filter(status=DeliveryStatus.GIVEN_UP)
    assert (given_up.sequence, given_up.answer) == (1, 500)


def test_an_address_that_answers_nothing_is_tried_once_whatever_waits(
    cars: list[VehicleGrant], webhook: Webhook, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SECONDS", 0.2)
    consumer.hangs = True
    flips(cars, 3)
    delivery.run()
    assert len(consumer.requests) == 2  # the challenge, and one of nine
    webhook.refresh_from_db()
    assert (webhook.failures, webhook.fault, webhook.lease) == (1, "no_answer_in_time", None)
    kept = WebhookDelivery.objects.exclude(tried_at=None).get()
    assert (kept.answer, kept.fault) == (None, "no_answer_in_time") and kept.milliseconds is not None
    assert kept.milliseconds >= 200


def test_addresses_that_hang_delay_nobody_else(
    application: Application, cars: list[VehicleGrant], consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty webhooks of a receiver that hangs, which come first, and one that answers."""
    monkeypatch.setattr(sending, "SECONDS", 1.0)
    with Consumer() as hanging:
        hanging.hangs = True
        Webhook.objects.all().update(next_at=None)
        host = hanging.url.split("/")[2]
        for _ in range(30):
            stuck = WebhookFactory(
                application=application, url=hanging.url, host=host, id=uuid.UUID(int=_ + 1)
            )
            WebhookSubscriptionFactory(webhook=stuck, grant=cars[0])
        flips(cars[:1], 1)
        began, arrived = time.monotonic(), []
        consumer.answer = lambda message: arrived.append(time.monotonic()) or 200  # type: ignore[func-returns-value]
        delivery.run()
    assert len(consumer.events) == 1
    assert arrived[0] - began < 1.0
    assert Webhook.objects.filter(failures=1, fault="no_answer_in_time").count() == 30


def test_a_webhook_that_somebody_else_sends_to_is_left_to_them_until_the_lease_ends(
    cars: list[VehicleGrant], webhook: Webhook, consumer: Consumer
) -> None:
    flips(cars, 1)
    now = timezone.now()
    Webhook.objects.update(lease=uuid.uuid4(), leased_until=now + delivery.LEASE)
    delivery.run()
    assert consumer.tries == []
    with time_machine.travel(now + delivery.LEASE + timedelta(seconds=1), tick=True):
        delivery.run()
    assert len(consumer.events) == 3


def test_what_was_taken_back_meanwhile_is_not_sent(
    cars: list[VehicleGrant], webhook: Webhook, consumer: Consumer
) -> None:
    consumer.status = 500
    flips(cars[:1], 2)
    delivery.run()
    consumer.status = 200
    grants.revoke(cars[0], actor="person:1", now=timezone.now())
    with time_machine.travel(timezone.now() + delivery.FIRST_PAUSE, tick=True):
        delivery.run()
    assert [event["eventType"] for event in consumer.events] == ["permission.revoked"]
    assert WebhookDelivery.objects.filter(status=DeliveryStatus.WITHDRAWN).count() == 2


def test_more_than_one_batch_is_sent_in_one_run(
    cars: list[VehicleGrant], consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 4)
    flips(cars, 5)
    delivery.run()
    assert by_car(consumer.events) == {str(grant.connection.public_id): [1, 2, 3, 4, 5] for grant in cars}


def test_a_car_that_is_held_up_does_not_hide_the_others_behind_its_many_events(
    cars: list[VehicleGrant], consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BATCH", 4)
    poisoned = str(cars[0].connection.public_id)
    consumer.answer = lambda message: 500 if message["vehicleId"] == poisoned else 200
    flips(cars[:1], 9)
    flips(cars[1:], 1)
    delivery.run()
    assert set(by_car(consumer.events)) == {str(grant.connection.public_id) for grant in cars[1:]}


def test_a_new_management_token_signs_from_then_on(
    application: Application, cars: list[VehicleGrant], consumer: Consumer
) -> None:
    from portal import application_credentials

    application_credentials.keep_management_token(application, "the next token")
    consumer.token = "the next token"
    flips(cars, 1)
    delivery.run()
    assert len(consumer.events) == 3


def test_it_stays_paused_while_the_challenge_is_not_answered(webhook: Webhook, consumer: Consumer) -> None:
    now = timezone.now()
    Webhook.objects.update(paused_since=now, failing_since=now)
    consumer.token = "another"
    with pytest.raises(CommandError, match="stays paused"):
        call_command("resume_webhook", str(webhook.pk))
    webhook.refresh_from_db()
    assert webhook.paused_since == now


def test_pauses_grow_to_an_hour() -> None:
    pauses = [delivery.pause_after(number).total_seconds() for number in (1, 2, 3, 4, 9, 1000)]
    assert pauses == [25, 50, 100, 200, 3600, 3600]
