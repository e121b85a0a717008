"""The staff side's background edge: each task makes one domain call."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from portal.sign_in import limits


@shared_task
def forget_sign_ins(**kwargs: Any) -> None:
    """Drop counted attempts to sign in, and sessions, that are over."""
    limits.forget_old(timezone.now())
    SessionStore.clear_expired()
