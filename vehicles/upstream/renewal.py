"""Renewing logins in the background: before a request would have to wait for it, and before Tesla ends them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from vehicles import errors
from vehicles.diagnosis import Consent
from vehicles.errors import CatalogueError
from vehicles.models import Integration, Mode, TeslaToken, VehicleGrant
from vehicles.origins import available
from vehicles.tokens.refresh import LIFETIME
from vehicles.upstream import account_call, legacy_api

log = logging.getLogger(__name__)

AHEAD: Final = timedelta(minutes=10)
"""Access tokens of accounts in use are renewed when no more than this is left of their eight hours."""
IN_USE: Final = timedelta(days=2)
IDLE: Final = timedelta(days=30)
"""A refresh token dies three months after it was issued; one that nobody used for this long is renewed."""
ROUND: Final = timedelta(seconds=50)
"""A round ends before the next one is due."""
_GIVEN_UP: Final = timedelta(days=1)
_AT_ONCE: Final = 500
_WORKERS: Final = 8


def unfinished(now: datetime) -> QuerySet[TeslaToken]:
    """Logins whose last refresh may have happened at Tesla without our knowing: a day later they would be lost."""
    return TeslaToken.objects.filter(lease_until__lt=now).order_by("lease_until")


def ending(now: datetime) -> QuerySet[TeslaToken]:
    """Logins in use whose access token is about to end, the first to end first."""
    used = VehicleGrant.objects.active().filter(account=OuterRef("account"), last_used_at__gt=now - IN_USE)
    soon = _alive().filter(expires_at__gt=now - _GIVEN_UP, expires_at__lt=now + AHEAD)
    return soon.filter(Exists(used), lease_until=None).order_by("expires_at")


def idle(now: datetime) -> QuerySet[TeslaToken]:
    """Logins that nobody used for a month, the longest idle first."""
    unused = _alive().filter(refreshed_at__gt=now - LIFETIME, refreshed_at__lt=now - IDLE)
    return unused.filter(lease_until=None).order_by("refreshed_at")


def _alive() -> QuerySet[TeslaToken]:
    dead = Q(integration=Integration.FLEET, account__consent__in=(Consent.REVOKED, Consent.SIGN_IN_NEEDED))
    return TeslaToken.objects.exclude(dead).exclude(
        integration=Integration.LEGACY, account__legacy_login_lost_at__isnull=False
    )


def renew_due(now: datetime) -> int:
    """Renew what is due, the most pressing first, until the round is over; returns how many were tried.

    Ends early when Tesla asks for a pause. Threads of their own, each with its own database connection.
    """
    stop, tried = threading.Event(), 0
    with ThreadPoolExecutor(_WORKERS, "renewal") as workers:
        for _ in workers.map(lambda row: _renew(row, now + ROUND, stop), _due(now)):
            tried += 1
    return tried


def _due(now: datetime) -> Iterator[TeslaToken]:
    reachable = [mode for mode in Mode.values if available(mode)]
    closed = [mode for mode in reachable if not legacy_api.is_open(mode)]
    for queue in (unfinished(now), ending(now), idle(now)):
        served = queue.filter(account__mode__in=reachable)
        served = served.exclude(integration=Integration.LEGACY, account__mode__in=closed)
        yield from served.select_related("account")[:_AT_ONCE]


def _renew(row: TeslaToken, until: datetime, stop: threading.Event) -> None:
    if stop.is_set() or timezone.now() > until:
        return
    try:
        # Another round, or a request, may have renewed it since it was listed.
        if TeslaToken.objects.filter(pk=row.pk, generation=row.generation).exists():
            account_call.renew_login(row.account, row.integration)
    except CatalogueError as error:
        if error.spec is errors.UPSTREAM_RATE_LIMIT:
            stop.set()
        log.info("%s login of account %s not renewed: %s", row.integration, row.account_id, error)
    except Exception:  # one login that breaks us must not keep the others from being renewed
        log.exception("%s login of account %s", row.integration, row.account_id)
    finally:
        connection.close()
