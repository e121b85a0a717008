"""Connect's background edge: each task makes one domain call."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from connect import retention
from connect.run import flow, key_queue
from vehicles import sync
from vehicles.models import TeslaAccount


@shared_task
def end_expired_runs(**kwargs: Any) -> None:
    """Note which runs nobody finished within their time."""
    flow.end_expired(timezone.now())


@shared_task
def forget_old_rows(**kwargs: Any) -> None:
    """Drop runs, visits, commands, views of staff and all else that is kept only for a time, once that is over."""
    retention.forget_old(timezone.now())


@shared_task
def learn_colours(account_id: str, **kwargs: Any) -> None:
    """Learn what colour the cars are whose owner is about to tell them apart."""
    account = TeslaAccount.objects.filter(pk=account_id).first()
    if account:
        sync.learn_colours(account)


@shared_task
def learn_lately_connected_colours(**kwargs: Any) -> None:
    """The same for everybody who has just connected, should the word about them have been lost."""
    for account in key_queue.lately_arrived(timezone.now()):
        sync.learn_colours(account)
