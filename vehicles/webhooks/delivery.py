"""Sending what is due. Rows say what is to be sent and whose turn it is; threads only talk HTTP.

One webhook's messages are sent by one thread at a time, in order, under a lease that ends by itself. An address that
hangs holds one of many threads, and a host only so many of them, so that nobody else waits for it.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from vehicles import encryption
from vehicles.encryption import DecryptionError
from vehicles.models import (
    Application,
    DeliveryStatus,
    Webhook,
    WebhookDelivery,
    WebhookSubscription,
)
from vehicles.webhooks import outbox, payloads, sending
from vehicles.webhooks.sending import NotTaken

log = logging.getLogger(__name__)

FIRST_PAUSE: Final = timedelta(seconds=25)
LONGEST_PAUSE: Final = timedelta(hours=1)
"""After each try that failed the pause is twice as long."""
GIVES_UP_AFTER: Final = timedelta(days=3)
LEASE: Final = timedelta(seconds=90)
"""Longer than a batch takes, whatever its address does."""
BATCH: Final = 100
BATCH_SECONDS: Final = 20.0
"""No message of a batch is begun after that."""
THREADS: Final = 64
THREADS_A_HOST: Final = 8
LOOK_AGAIN_SECONDS: Final = 1.0
RUN_SECONDS: Final = 45.0
"""After that a run begins nothing new; the next one goes on."""

_RUNNING: Final = threading.Lock()


InFlight = dict["Future[list[_Try]]", "_Batch"]


def run() -> None:
    """Relay what happened, and send all that is due. Where this process is at it already, nothing is left to do."""
    if not _RUNNING.acquire(blocking=False):
        return
    in_flight: InFlight = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="webhooks") as pool:
        try:
            _begin_all_that_is_due(pool, in_flight)
        finally:
            _RUNNING.release()
        # The next run may begin while this one ends what it has begun.
        while in_flight:
            _settle_some(in_flight)


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many tries in a row that failed."""
    return min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class _Batch:
    """A webhook with a lease, and what is to be sent to it."""

    webhook: Webhook
    lease: UUID
    key: str
    deliveries: Sequence[WebhookDelivery]
    standing: payloads.Standing


@dataclass(frozen=True, slots=True)
class _Try:
    """What became of one message."""

    delivery: WebhookDelivery
    at: datetime
    milliseconds: int
    status: int | None
    fault: str

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def _begin_all_that_is_due(pool: ThreadPoolExecutor, in_flight: InFlight) -> None:
    until = time.monotonic() + RUN_SECONDS
    while time.monotonic() < until:
        outbox.relay(timezone.now())
        for batch in _claim(in_flight.values()):
            in_flight[pool.submit(_send, batch)] = batch
        if not in_flight:
            return
        _settle_some(in_flight)


def _settle_some(in_flight: InFlight) -> None:
    """Write down what has ended; return soon where nothing does, since more may be due."""
    ended, _ = wait(in_flight, timeout=LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
    for future in ended:
        batch = in_flight.pop(future)
        broken = future.exception()
        if broken is None:
            _settle(batch, future.result())
        else:
            # Its lease ends by itself; nobody else waits for that.
            log.error("webhook %s could not be sent to", batch.webhook.pk, exc_info=broken)


def due(now: datetime) -> QuerySet[Webhook]:
    """The webhooks that something can be sent to now, and that nobody sends to."""
    waiting = _waiting(now).filter(webhook=OuterRef("pk"))
    return Webhook.objects.filter(
        Q(leased_until=None) | Q(leased_until__lte=now),
        Q(next_at=None) | Q(next_at__lte=now),
        Exists(waiting),
        paused_since=None,
    )


def _waiting(now: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(
        Q(subscription__next_at=None) | Q(subscription__next_at__lte=now), status=DeliveryStatus.PENDING
    )


def _claim(in_flight: Collection[_Batch]) -> list[_Batch]:
    """Take webhooks by a lease, as many as threads are free, those that work before those that fail."""
    now = timezone.now()
    hosts = Counter(batch.webhook.host for batch in in_flight)
    free = THREADS - len(in_flight)
    claimed: list[_Batch] = []
    while free > len(claimed):
        full = [host for host, number in hosts.items() if number >= THREADS_A_HOST]
        candidates = due(now).exclude(host__in=full).select_related("application")
        chosen = candidates.order_by("failures", "next_at", "pk").first()
        if chosen is None:
            break
        batch = _lease(chosen, now)
        if batch is not None:
            claimed.append(batch)
            hosts[chosen.host] += 1
    return claimed


def _lease(webhook: Webhook, now: datetime) -> _Batch | None:
    lease = uuid.uuid4()
    taken = due(now).filter(pk=webhook.pk).update(lease=lease, leased_until=now + LEASE)
    if not taken:
        return None
    waiting = _waiting(now).filter(webhook=webhook).select_related("subscription").order_by("pk")
    deliveries = list(waiting[:BATCH])
    standing = payloads.Standing(webhook.application, deliveries)
    withdrawn = [each.pk for each in deliveries if standing.is_withdrawn(each)]
    if withdrawn:
        WebhookDelivery.objects.filter(pk__in=withdrawn, status=DeliveryStatus.PENDING).update(
            status=DeliveryStatus.WITHDRAWN, ended_at=now
        )
    theirs = [each for each in deliveries if each.pk not in withdrawn]
    return _Batch(webhook, lease, signing_key(webhook.application), theirs, standing)


def signing_key(application: Application) -> str:
    """The management token, which signs what is sent; empty where there is none that can be read."""
    purpose = encryption.management_token_purpose(application.pk)
    try:
        return encryption.decrypt(purpose, application.management_token_encrypted)
    except DecryptionError:
        log.warning("the management token of application %s cannot be opened", application.pk)
        return ""


def _send(batch: _Batch) -> list[_Try]:
    """Send in order. What was refused holds up the same car's next; what got no answer, everything behind it."""
    tries: list[_Try] = []
    refused: set[int] = set()
    until = time.monotonic() + BATCH_SECONDS
    with sending.Line(batch.webhook.url, batch.key) as line:
        for delivery in batch.deliveries:
            if delivery.subscription_id in refused or time.monotonic() >= until:
                continue
            outcome = _send_one(line, batch, delivery)
            tries.append(outcome)
            if outcome.status is None:
                break
            if not outcome.is_taken:
                refused.add(delivery.subscription_id)
    return tries


def _send_one(line: sending.Line, batch: _Batch, delivery: WebhookDelivery) -> _Try:
    at, began = timezone.now(), time.perf_counter()
    status, fault = None, ""
    if not batch.key:
        return _Try(delivery, at, 0, None, "no_management_token")
    try:
        message = batch.standing.message(batch.webhook, delivery, at)
        status = line.post(sending.written(message)).status
    except NotTaken as failure:
        fault = failure.fault
    else:
        fault = "" if 200 <= status < 300 else "refused"
    return _Try(delivery, at, round((time.perf_counter() - began) * 1000), status, fault)


def _settle(batch: _Batch, tries: Sequence[_Try]) -> None:
    """Write down what became of each message, and what follows for the webhook; give the lease back."""
    now = timezone.now()
    with transaction.atomic():
        webhook = Webhook.objects.select_for_update().filter(pk=batch.webhook.pk).first()
        if webhook is None:  # deleted meanwhile
            return
        taken = [each for each in tries if each.is_taken]
        failed = [each for each in tries if not each.is_taken]
        _write_taken(taken)
        if taken:
            webhook.failing_since, webhook.fault = None, ""
            webhook.last_delivered_at = taken[-1].at
        for each in failed:
            _write_failed(each, webhook.last_delivered_at)
        _judge(webhook, failed, now)
        if webhook.lease == batch.lease:
            webhook.lease = webhook.leased_until = None
        webhook.save(
            update_fields=[
                *("lease", "leased_until", "next_at", "failures", "failing_since", "paused_since"),
                *("fault", "last_delivered_at"),
            ]
        )


def _judge(webhook: Webhook, failed: Sequence[_Try], now: datetime) -> None:
    """What its failures mean for the webhook: tried again later, and paused after three days of nothing else."""
    unanswered = [each for each in failed if each.status is None]
    if unanswered:
        webhook.failures += 1
        webhook.next_at = now + pause_after(webhook.failures)
    else:
        webhook.failures, webhook.next_at = 0, None
    if not failed:
        return
    webhook.fault = failed[-1].fault
    webhook.failing_since = webhook.failing_since or failed[0].at
    if now - webhook.failing_since >= GIVES_UP_AFTER:
        webhook.paused_since = now
        log.warning("webhook %s is paused: %s for three days", webhook.pk, webhook.fault)


def _write_taken(taken: Sequence[_Try]) -> None:
    rows = [each.delivery for each in taken]
    for each in taken:
        _put(each)
        each.delivery.status, each.delivery.ended_at = DeliveryStatus.DELIVERED, each.at
    WebhookDelivery.objects.bulk_update(rows, [*_TRIED, "status", "ended_at"])
    freed = {row.subscription_id for row in rows if row.subscription.next_at is not None}
    WebhookSubscription.objects.filter(pk__in=freed).update(next_at=None)


_TRIED: Final = ("attempts", "answer", "fault", "milliseconds", "first_tried_at", "tried_at")


def _put(each: _Try) -> None:
    row = each.delivery
    row.attempts += 1
    row.answer, row.fault, row.milliseconds = each.status, each.fault, each.milliseconds
    row.first_tried_at, row.tried_at = row.first_tried_at or each.at, each.at


def _write_failed(each: _Try, last_taken_at: datetime | None) -> None:
    """Keep what came back; a message that was refused for three days, while others were taken, makes way."""
    row, next_at = each.delivery, None
    _put(each)
    if each.status is not None:
        next_at = each.at + pause_after(row.attempts)
    began = row.first_tried_at or each.at
    others_are_taken = last_taken_at is not None and last_taken_at > began
    if each.status is not None and others_are_taken and each.at - began >= GIVES_UP_AFTER:
        row.status, row.ended_at, next_at = DeliveryStatus.GIVEN_UP, each.at, None
    row.save(update_fields=[*_TRIED, "status", "ended_at"])
    WebhookSubscription.objects.filter(pk=row.subscription_id).update(next_at=next_at)
