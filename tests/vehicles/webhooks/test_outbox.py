"""Which entry of history is told to whom, as what; and that none is missed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from tests.factories import EVERY_SCOPE, EventFactory, VehicleGrantFactory, WebhookSubscriptionFactory
from vehicles import evidence, grants, history
from vehicles.diagnosis import Consent
from vehicles.grants import erasure
from vehicles.history import Kind
from vehicles.models import (
    Event,
    TeslaAccount,
    VehicleGrant,
    Webhook,
    WebhookDelivery,
    WebhookSubscription,
)
from vehicles.webhooks import notices, outbox, payloads, subscriptions

pytestmark = pytest.mark.django_db


@pytest.fixture
def subscription() -> WebhookSubscription:
    """Of a car whose grant is everything but the key."""
    made: WebhookSubscription = WebhookSubscriptionFactory()
    return made


def grant_of(subscription: WebhookSubscription) -> VehicleGrant:
    assert subscription.connection is not None
    return subscription.connection.grants.get()


def told(subscription: WebhookSubscription) -> list[tuple[str, Any]]:
    outbox.relay(timezone.now())
    rows = WebhookDelivery.objects.filter(subscription=subscription).order_by("sequence")
    assert [row.sequence for row in rows] == list(range(1, len(rows) + 1))
    return [(row.name, row.data) for row in rows]


def consent(account: TeslaAccount, *states: Consent) -> None:
    for state in states:
        evidence.consent_seen(account, state, now=timezone.now(), source="token")


CHANGES: Final[dict[str, tuple[Callable[[VehicleGrant], object], list[str]]]] = {
    "key told": (
        lambda grant: evidence.key_told(grant.connection.vehicle, paired=True, actor="x", now=timezone.now()),
        ["virtual_key.added"],
    ),
    "key refused": (
        lambda grant: [
            evidence.key_told(grant.connection.vehicle, paired=True, actor="x", now=timezone.now()),
            evidence.key_refused(grant.connection.vehicle, now=timezone.now()),
        ],
        ["virtual_key.added", "virtual_key.removed"],
    ),
    "scopes lost and won": (
        lambda grant: [
            evidence.scopes_seen(
                grant.account, [each for each in EVERY_SCOPE if each != "vehicle_location"], now=timezone.now()
            ),
            evidence.scopes_seen(grant.account, EVERY_SCOPE, now=timezone.now()),
        ],
        ["permission.reduced", "permission.granted"],
    ),
    "consent removed and given again": (
        lambda grant: consent(grant.account, Consent.REVOKED, Consent.ACTIVE),
        ["permission.revoked", "access.restored"],
    ),
    "signed in again": (
        lambda grant: consent(grant.account, Consent.SIGN_IN_NEEDED, Consent.ACTIVE),
        ["access.restored"],
    ),
    "suspected for a while": (lambda grant: consent(grant.account, Consent.SUSPECTED, Consent.ACTIVE), []),
    "ended": (
        lambda grant: grants.revoke(grant, actor="person:1", now=timezone.now()), ["permission.revoked"],
    ),
    "given": (
        lambda grant: grants.widen(
            grant.connection.application, grant.account, requested=["read_tires"], approved=["read_tires"],
            now=timezone.now(),
        ),
        ["permission.granted"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_told_as_its_event(subscription: WebhookSubscription, what: str) -> None:
    change, names = CHANGES[what]
    change(grant_of(subscription))
    assert [name for name, _ in told(subscription)] == names
    assert [name for name, _ in told(subscription)] == names


def test_a_move_to_the_current_interface_is_told(subscription: WebhookSubscription) -> None:
    grant = grant_of(subscription)
    VehicleGrant.objects.filter(pk=grant.pk).update(integration="legacy")
    grants.move_to_fleet(grant.connection.application, grant.account, now=timezone.now())
    assert told(subscription) == [
        ("vehicle.migrated", {"before": "legacy", "after": "fleet", "notGranted": []})
    ]


def test_every_name_is_told_by_some_change() -> None:
    """A name in the list that nothing sends, or a kind that no change writes, would be an empty promise."""
    of_changes = {name for _, names in CHANGES.values() for name in names}
    assert {str(name) for name in notices.Name} == of_changes | {"vehicle.migrated", "virtual_key.unknown"}


def test_what_is_lost_names_the_permissions_of_that_grant(subscription: WebhookSubscription) -> None:
    CHANGES["scopes lost and won"][0](grant_of(subscription))
    assert [data for _, data in told(subscription)] == [{"permissions": ["read_location"]}] * 2


def test_others_are_not_told(subscription: WebhookSubscription) -> None:
    """The same car with another application, another car of the same account, another person of this application."""
    grant = grant_of(subscription)
    car, account = grant.connection.vehicle, grant.account
    other = WebhookSubscriptionFactory(grant=VehicleGrantFactory(vehicle=car))
    assert other.webhook.application_id != grant.connection.application_id
    grants.revoke(grant, actor="person:1", now=timezone.now())
    consent(account, Consent.REVOKED)
    assert told(other) == []


def test_a_car_that_was_taken_back_is_not_told_of_any_more(subscription: WebhookSubscription) -> None:
    grant = grant_of(subscription)
    grants.revoke(grant, actor="person:1", now=timezone.now())
    CHANGES["key told"][0](grant)
    assert [name for name, _ in told(subscription)] == ["permission.revoked"]


def test_what_waits_is_withdrawn_with_the_grant_but_not_its_end(subscription: WebhookSubscription) -> None:
    grant = grant_of(subscription)
    CHANGES["key told"][0](grant)
    assert len(told(subscription)) == 1
    grants.revoke(grant, actor="person:1", now=timezone.now())
    told(subscription)
    rows = list(WebhookDelivery.objects.select_related("subscription").order_by("pk"))
    standing = payloads.Standing(subscription.webhook.application, rows)
    assert [standing.is_withdrawn(row) for row in rows] == [True, False]


def test_the_end_of_an_erased_persons_grant_is_told_with_ids_alone(subscription: WebhookSubscription) -> None:
    grant = grant_of(subscription)
    vehicle_id = str(subscription.vehicle_public_id)
    erasure.erase(grant.account.person, actor="person:1", now=timezone.now())
    assert [name for name, _ in told(subscription)] == ["permission.revoked"]
    row = WebhookDelivery.objects.select_related("subscription__webhook").get()
    webhook = row.subscription.webhook
    message = payloads.Standing(webhook.application, [row]).message(webhook, row, timezone.now())
    assert message["data"]["vehicle"] == {"id": vehicle_id, "make": "TESLA"} and "user" not in message["data"]


def test_only_the_events_that_were_asked_for_are_made(subscription: WebhookSubscription) -> None:
    Webhook.objects.update(events=["access.restored"])
    CHANGES["consent removed and given again"][0](grant_of(subscription))
    assert [name for name, _ in told(subscription)] == ["access.restored"]


def test_nothing_from_before_the_subscription_is_told_nor_between_two(
    subscription: WebhookSubscription,
) -> None:
    grant, webhook = grant_of(subscription), subscription.webhook
    assert subscription.connection is not None
    now = timezone.now()
    subscriptions.unsubscribe(webhook, subscription.connection, now)
    CHANGES["key told"][0](grant)
    subscriptions.subscribe(webhook, subscription.connection, now)
    assert told(subscription) == []
    evidence.key_refused(grant.connection.vehicle, now=timezone.now())
    assert [name for name, _ in told(subscription)] == ["virtual_key.removed"]


def test_an_event_has_one_id_for_an_application_and_another_for_the_next(
    subscription: WebhookSubscription,
) -> None:
    grant = grant_of(subscription)
    WebhookSubscriptionFactory(webhook__application=grant.connection.application, grant=grant)
    WebhookSubscriptionFactory(grant=VehicleGrantFactory(vehicle=grant.connection.vehicle))
    CHANGES["key told"][0](grant)
    outbox.relay(timezone.now())
    ids = [row.event_id for row in WebhookDelivery.objects.order_by("subscription")]
    assert len(ids) == 3 and len(set(ids)) == 2


def test_many_webhooks_are_as_many_questions_as_one(
    subscription: WebhookSubscription, django_assert_max_num_queries: Any
) -> None:
    grant = grant_of(subscription)
    for _ in range(20):
        WebhookSubscriptionFactory(webhook__application=grant.connection.application, grant=grant)
    CHANGES["key told"][0](grant)
    with django_assert_max_num_queries(16):
        assert outbox.relay(timezone.now()) == 21


def test_a_transaction_that_is_undone_tells_nothing(subscription: WebhookSubscription) -> None:
    with transaction.atomic():
        CHANGES["key told"][0](grant_of(subscription))
        transaction.set_rollback(True)
    assert told(subscription) == []


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_committed_behind_a_later_one_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writers at once: the first number becomes visible last. Only PostgreSQL lets them write side by side."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    monkeypatch.setattr(outbox, "_WRITERS_SECONDS", 0.1)
    EventFactory()
    before = outbox.settled(0)
    has_written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            history.record(Kind.KEY_CHANGED, actor="x", at=timezone.now())
            has_written.set()
            may_commit.wait(10)
        connections.close_all()

    writer = threading.Thread(target=slow)
    writer.start()
    assert has_written.wait(10)
    EventFactory()
    assert Event.objects.latest("pk").pk == before + 2
    assert outbox.settled(before) == before

    may_commit.set()
    writer.join()
    assert outbox.settled(before) == before + 2
