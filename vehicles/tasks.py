"""Background edge: each task makes one domain call; extra keywords let old workers survive a deploy."""

from __future__ import annotations

import logging
import time
from typing import Any, Final

from celery import Task, shared_task
from django.utils import timezone
from kombu.exceptions import KombuError
from oauth2_provider.models import clear_expired

from vehicles import incidents, legacy_api, login_renewal, rediagnosis, settlement, watching

log = logging.getLogger(__name__)

BROKER_REST_SECONDS: Final = 10.0
"""For so long a broker that did not answer is not asked again, so that not every request waits for it."""


class _Broker:
    failed_at = float("-inf")


def nudge(task: Task, *args: Any, **named: Any) -> None:
    """Have the worker do this soon. Where the broker does not answer it is left undone, for nothing waits for it: what
    the task does is also done by a regular one, or by the next request that needs it.
    """
    if time.monotonic() - _Broker.failed_at < BROKER_REST_SECONDS:
        return
    try:
        task.apply_async(args, named, retry=False)
    except (KombuError, OSError) as failure:
        _Broker.failed_at = time.monotonic()
        log.warning("the broker takes no message for %s: %s", task.name, type(failure).__name__)


@shared_task
def renew_logins(**kwargs: Any) -> None:
    """Renew logins at Tesla before a request has to wait for it, and before they run out."""
    login_renewal.renew_due(timezone.now())


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
    legacy_api.let_verdicts_follow(now)
    watching.ask_suspects_again(now)


@shared_task
def rediagnose(application: int | None = None, **kwargs: Any) -> None:
    """Write down what time has changed, and make every verdict, or those of one application, what it is now."""
    for _ in rediagnosis.rediagnose(timezone.now(), application=application):
        pass


@shared_task
def forget_expired_tokens(**kwargs: Any) -> None:
    """Drop the applications' codes and tokens that can no longer be used."""
    clear_expired()
