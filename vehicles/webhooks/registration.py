"""A webhook's own life: made once its address has answered a challenge, tried with a test event, let go on."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import Max

from vehicles.models import Application, Event, Webhook
from vehicles.webhooks import addresses, outbox, payloads, sending
from vehicles.webhooks.addresses import AddressRefused
from vehicles.webhooks.delivery import signing_key
from vehicles.webhooks.notices import Name
from vehicles.webhooks.sending import Answer, NotTaken

_IN_FLIGHT: Final = 1_000
"""Events that may be written at this moment, at most."""


class WebhookRefused(Exception):
    """A webhook cannot be made or used like this; the text says why, and what to do."""


def create(
    application: Application, url: str, events: Sequence[str], *, name: str = "", now: datetime
) -> Webhook:
    """A webhook that is told of these events (none named: all), from now on. Raises `WebhookRefused`.

    Its address has to answer a challenge; where it does not, nothing is stored.
    """
    unknown = sorted(set(events) - set(Name))
    if unknown:
        raise WebhookRefused(f"there is no event {unknown[0]}; there are {', '.join(Name)}")
    try:
        place = addresses.parse(url)
    except AddressRefused as refusal:
        raise WebhookRefused(f"{url}: {refusal}") from None
    webhook = Webhook(
        application=application,
        url=url,
        host=place.authority,
        name=name[:100],
        events=list(dict.fromkeys(events)),
        created_at=now,
    )
    challenge(webhook, now)
    newest = Event.objects.aggregate(newest=Max("pk"))["newest"] or 0
    webhook.position = outbox.settled(max(0, newest - _IN_FLIGHT))
    webhook.save()
    return webhook


def challenge(webhook: Webhook, now: datetime) -> None:
    """Have the address prove that its application's management token is known there. Raises `WebhookRefused`."""
    key = _key_of(webhook)
    word = secrets.token_hex(32)
    try:
        with sending.Line(webhook.url, key) as line:
            answer = line.post(sending.written(payloads.challenge(webhook, word, now)))
    except NotTaken as failure:
        raise WebhookRefused(
            f"{webhook.url} did not answer the challenge ({failure.fault}); start the receiver and try again"
        ) from None
    if not answer.is_taken:
        raise WebhookRefused(
            f"{webhook.url} answered the challenge with status {answer.status} instead of 200"
        )
    if not secrets.compare_digest(_told(answer), sending.hashed(key, word.encode())):
        raise WebhookRefused(
            f"{webhook.url} answered the challenge wrongly; it has to answer "
            '{"challenge": "…"} with the HMAC-SHA256 of the challenge under the management token, in hexadecimal'
        )


def _key_of(webhook: Webhook) -> str:
    key = signing_key(webhook.application)
    if not key:
        raise WebhookRefused("the application has no management token; make one on its staff screen first")
    return key


def _told(answer: Answer) -> str:
    try:
        told = json.loads(answer.body)["challenge"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return told if isinstance(told, str) and told.isascii() else ""


def resume(webhook: Webhook, now: datetime) -> None:
    """Let a paused webhook go on from where it stopped, once it answers a challenge. Raises `WebhookRefused`."""
    challenge(webhook, now)
    Webhook.objects.filter(pk=webhook.pk).update(
        paused_since=None, failing_since=None, failures=0, next_at=None, fault=""
    )
    webhook.subscriptions.update(next_at=None)


def send_test(webhook: Webhook, now: datetime) -> Answer:
    """Send an event of mode TEST at once, and return what was answered. Raises `WebhookRefused`."""
    name = webhook.events[0] if webhook.events else str(Name.KEY_ADDED)
    try:
        with sending.Line(webhook.url, _key_of(webhook)) as line:
            return line.post(sending.written(payloads.test_event(webhook, name, now)))
    except NotTaken as failure:
        raise WebhookRefused(f"{webhook.url} took nothing ({failure.fault})") from None
