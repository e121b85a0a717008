"""How long rows are kept that nobody needs for good, and how they go: in parts, each a transaction of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet

from vehicles import history
from vehicles.history import refused_requests
from vehicles.models import Command, Event, Outcome, WebhookDelivery, WebhookSubscription

MOST_A_RUN: Final = 100_000
"""Rows of one kind that one call drops; the next one goes on."""
AT_ONCE: Final = 1_000


def too_old(now: datetime) -> list[QuerySet[Any]]:
    """The rows of vehicles whose time is over, but for events, which go by a way of their own."""
    before = now - timedelta(days=settings.COMMANDS_KEPT_DAYS)
    untold = Event.objects.filter(vehicle_id=OuterRef("vehicle_id"), pk__gt=OuterRef("webhook__position"))
    deliveries_before = now - timedelta(days=settings.DELIVERIES_KEPT_DAYS)
    return [
        Command.objects.exclude(outcome=Outcome.PENDING).filter(created_at__lt=before),
        *refused_requests.too_old(now),
        WebhookDelivery.objects.filter(ended_at__lt=deliveries_before),
        # Of a car that is erased, once its end is told.
        WebhookSubscription.objects.filter(~Exists(untold), connection=None, deliveries=None),
    ]


def forget_old(now: datetime) -> None:
    """Drop commands, deliveries, refused requests, and the events that may go, past their age."""
    for rows in too_old(now):
        drop(rows)
    for kinds, days in (
        (history.STAFF_VIEWS, settings.LOOKS_KEPT_DAYS),
        (history.RUNS, settings.RUNS_KEPT_DAYS),
    ):
        for kind in kinds:
            history.forget(kind, now - timedelta(days=days), MOST_A_RUN)


def drop(rows: QuerySet[Any], most: int = MOST_A_RUN) -> int:
    """Delete at most so many of these rows and what hangs on them, in parts; returns how many."""
    model: type[Model] = rows.model
    number = 0
    while number < most:
        ids = list(rows.order_by().values_list("pk", flat=True)[:AT_ONCE])
        model._default_manager.filter(pk__in=ids).delete()
        number += len(ids)
        if len(ids) < AT_ONCE:
            break
    return number
