"""Background edge: each task makes one domain call; extra keywords let old workers survive a deploy."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final

from celery import shared_task
from django.utils import timezone
from oauth2_provider.models import clear_expired

from vehicles import account_calls, incidents, legacy_api, settlement, watching
from vehicles.errors import CatalogueError
from vehicles.models import TeslaToken

log = logging.getLogger(__name__)

IDLE: Final = timedelta(days=30)
"""A refresh token dies three months after it was issued; one that nobody used for this long is renewed."""
_AT_ONCE: Final = 500


@shared_task
def keep_logins_alive(**kwargs: Any) -> None:
    """Renew the logins that nobody used for a month, the longest idle first."""
    idle = TeslaToken.objects.filter(refreshed_at__lt=timezone.now() - IDLE).select_related("account")
    for row in idle.order_by("refreshed_at")[:_AT_ONCE]:
        try:
            account_calls.renew_login(row.account, row.integration)
        except CatalogueError as error:
            log.info("login of account %s not renewed: %s", row.account_id, error)


@shared_task
def settle_commands(**kwargs: Any) -> None:
    """Settle commands whose worker stopped, or whose answer was lost."""
    settlement.settle(timezone.now())


@shared_task
def watch_accounts(**kwargs: Any) -> None:
    """Ask accounts under suspicion again, end incidents that are over, and let verdicts follow."""
    now = timezone.now()
    watching.end_operator_faults(now)
    legacy_api.end_closings(now)
    incidents.let_verdicts_follow(now)
    watching.ask_suspects_again(now)


@shared_task
def forget_expired_tokens(**kwargs: Any) -> None:
    """Drop the applications' codes and tokens that can no longer be used."""
    clear_expired()
