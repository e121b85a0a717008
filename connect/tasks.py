"""Connect's background edge: each task makes one domain call."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from connect import flow


@shared_task
def end_expired_runs(**kwargs: Any) -> None:
    """Note which runs nobody finished within their time."""
    flow.end_expired(timezone.now())
