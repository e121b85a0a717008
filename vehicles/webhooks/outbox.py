"""From history to deliveries. History is written in the transaction of each change, so what happened is never missed.

A webhook's position moves in the transaction that makes its deliveries; who dies before that has done nothing.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from vehicles.models import Event, VehicleGrant, Webhook, WebhookDelivery, WebhookSubscription
from vehicles.webhooks.notices import TABLE, About, Notice

AT_ONCE: Final = 500
"""Events that one transaction looks at."""
_WRITERS_SECONDS: Final = 1.0
_LOOK_AGAIN_SECONDS: Final = 0.01
_LONGEST_STRETCH: Final = 5_000


def relay(now: datetime) -> int:
    """Make the deliveries of all that happened and was not looked at yet; returns how many. Twice does no harm.

    Webhooks that are paused stay where they are.
    """
    working = Webhook.objects.filter(paused_since=None)
    positions = sorted(set(working.values_list("position", flat=True)))
    if not positions:
        return 0
    until = settled(positions[0])
    number = 0
    for position in positions:
        reached = position
        while reached < until:
            made, reached = _relay_from(reached, until, now)
            number += made
    return number


def settled(after: int) -> int:
    """The number of the newest event before which no other can still appear; at least `after`.

    PostgreSQL gives numbers when a row is written and shows it when its transaction ends, so that a lower one may
    appear behind a higher one. Whoever writes holds a lock on the table: once those have ended that held it when the
    number was read, nothing below it is missing. While one does not end, what stands before the first gap is settled.
    """
    newest = max(after, Event.objects.aggregate(newest=Max("pk"))["newest"] or 0)
    if connection.vendor != "postgresql" or newest == after or _writers_have_ended():
        return newest
    numbers = Event.objects.filter(pk__gt=after, pk__lte=newest).order_by("pk").values_list("pk", flat=True)
    for number in numbers[:_LONGEST_STRETCH]:
        if number != after + 1:
            break
        after = number
    return after


_WRITERS: Final = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid IS DISTINCT FROM pg_backend_pid()
"""


def _writers_have_ended() -> bool:
    """Wait a moment for the transactions that write history now; returns whether all of them have ended."""
    waited_for = _writers()
    until = time.monotonic() + _WRITERS_SECONDS
    while waited_for and time.monotonic() < until:
        time.sleep(_LOOK_AGAIN_SECONDS)
        waited_for &= _writers()
    return not waited_for


def _writers() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS, [Event._meta.db_table])
        return {str(row[0]) for row in cursor.fetchall()}


def _relay_from(position: int, until: int, now: datetime) -> tuple[int, int]:
    """Look at the next events for all webhooks at this position; returns how many deliveries, and the new position."""
    told = Event.objects.filter(pk__gt=position, pk__lte=until, kind__in=TABLE)
    events = list(told.order_by("pk")[:AT_ONCE])
    end = events[-1].pk if len(events) == AT_ONCE else until
    with transaction.atomic():
        held = Webhook.objects.select_for_update().filter(position=position, paused_since=None)
        webhooks = list(held.order_by("pk"))
        made = _deliver(events, webhooks, now) if events and webhooks else 0
        Webhook.objects.filter(pk__in=[each.pk for each in webhooks]).update(position=end)
    return made, end


@dataclass(frozen=True, slots=True)
class _Listener:
    """Somebody who is told of an entry: a subscription, and the grant by which, where it is about one."""

    subscription: WebhookSubscription
    grant_id: UUID | None = None
    granted: Sequence[str] = ()


def _deliver(events: Sequence[Event], webhooks: Sequence[Webhook], now: datetime) -> int:
    audience = _Audience(events, webhooks)
    made, touched = [], set()
    for event in events:
        for listener in audience.of(event):
            subscription = listener.subscription
            for notice in TABLE[event.kind].tell(event, listener.granted):
                if subscription.webhook.events and notice.name not in subscription.webhook.events:
                    continue
                subscription.last_sequence += 1
                touched.add(subscription)
                made.append(_delivery(event, listener, notice, now))
    WebhookDelivery.objects.bulk_create(made, batch_size=500)
    WebhookSubscription.objects.bulk_update(touched, ["last_sequence"], batch_size=500)
    return len(made)


def _delivery(event: Event, listener: _Listener, notice: Notice, now: datetime) -> WebhookDelivery:
    subscription = listener.subscription
    return WebhookDelivery(
        webhook_id=subscription.webhook_id,
        subscription=subscription,
        event=event.pk,
        # The same for each webhook of an application, and for no other application's.
        event_id=uuid.uuid5(subscription.vehicle_public_id, f"{event.pk}:{notice.name}"),
        name=notice.name,
        grant_id=listener.grant_id,
        occurred_at=event.at,
        data=dict(notice.data),
        sequence=subscription.last_sequence,
        created_at=now,
    )


class _Audience:
    """Who among these webhooks is told of which of these events; read from the database in a few questions."""

    def __init__(self, events: Sequence[Event], webhooks: Sequence[Webhook]) -> None:
        self._grants = _grants_by_account(_subjects(events, About.ACCOUNT, "account_id"))
        reached = {grant.connection.vehicle_id for grants in self._grants.values() for grant in grants}
        reached |= _subjects(events, About.VEHICLE, "vehicle_id") | _subjects(
            events, About.GRANT, "vehicle_id"
        )
        self._subscriptions: dict[UUID | None, list[WebhookSubscription]] = defaultdict(list)
        listening = WebhookSubscription.objects.filter(
            vehicle_id__in=reached, webhook__in=webhooks, ended_at=None
        )
        found = list(listening.select_related("webhook").order_by("pk"))
        for subscription in found:
            self._subscriptions[subscription.vehicle_id].append(subscription)
        held = VehicleGrant.objects.active().filter(connection__in=[each.connection_id for each in found])
        self._held = set(held.values_list("connection_id", flat=True))

    def of(self, event: Event) -> Iterator[_Listener]:
        """The subscriptions that are told of this event."""
        for listener in _ABOUT[TABLE[event.kind].about](self, event):
            if listener.subscription.since_event < event.pk:
                yield listener

    def _of_vehicle(self, event: Event) -> Iterator[_Listener]:
        """What concerns a car is told to those alone who hold it: what was taken back is not theirs any more."""
        for subscription in self._subscriptions[event.vehicle_id]:
            if subscription.connection_id in self._held:
                yield _Listener(subscription)

    def _of_grant(self, event: Event) -> Iterator[_Listener]:
        for subscription in self._subscriptions[event.vehicle_id]:
            if subscription.webhook.application_id == event.application_id:
                yield _Listener(subscription, event.grant_id)

    def _of_account(self, event: Event) -> Iterator[_Listener]:
        for grant in self._grants.get(event.account_id, ()):
            for subscription in self._subscriptions[grant.connection.vehicle_id]:
                if subscription.connection_id == grant.connection_id:
                    yield _Listener(subscription, grant.pk, grant.granted)


_ABOUT: Final = {
    About.VEHICLE: _Audience._of_vehicle,
    About.GRANT: _Audience._of_grant,
    About.ACCOUNT: _Audience._of_account,
}


def _subjects(events: Iterable[Event], about: About, name: str) -> set[UUID]:
    named = {getattr(event, name) for event in events if TABLE[event.kind].about == about}
    return named - {None}


def _grants_by_account(accounts: Collection[UUID]) -> dict[UUID | None, list[VehicleGrant]]:
    found: dict[UUID | None, list[VehicleGrant]] = defaultdict(list)
    held = VehicleGrant.objects.active().filter(account__in=accounts)
    for grant in held.select_related("connection").order_by("pk"):
        found[grant.account_id].append(grant)
    return found
