"""Background edge: each task makes one domain call; extra keywords let old workers survive a deploy."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone
from oauth2_provider.models import clear_expired

from vehicles.commands import reconciliation
from vehicles.evidence import incidents, rediagnosis
from vehicles.upstream import legacy_api, recovery, renewal
from vehicles.webhooks import delivery


@shared_task
def renew_logins(**kwargs: Any) -> None:
    """Renew logins at Tesla before a request has to wait for it, and before they run out."""
    renewal.renew_due(timezone.now())


@shared_task
def reconcile_commands(**kwargs: Any) -> None:
    """Find out what became of commands whose worker stopped, or whose answer was lost."""
    reconciliation.reconcile(timezone.now())


@shared_task
def watch_accounts(**kwargs: Any) -> None:
    """Ask accounts under suspicion again, end incidents that are over, and let verdicts follow."""
    now = timezone.now()
    recovery.end_operator_faults(now)
    legacy_api.end_closings(now)
    incidents.let_verdicts_follow(now)
    legacy_api.let_verdicts_follow(now)
    recovery.ask_suspects_again(now)


@shared_task
def rediagnose(**kwargs: Any) -> None:
    """Write down what time has changed, and make every verdict what it is now."""
    for _ in rediagnosis.rediagnose(timezone.now()):
        pass


@shared_task
def let_verdicts_follow(**kwargs: Any) -> None:
    """Make the verdicts of applications that staff paused, or let go again, what they are now."""
    rediagnosis.let_verdicts_follow(timezone.now())


@shared_task
def forget_expired_tokens(**kwargs: Any) -> None:
    """Drop the applications' codes and tokens that can no longer be used."""
    clear_expired()


@shared_task
def send_webhooks(**kwargs: Any) -> None:
    """Tell applications what happened to their cars."""
    delivery.run()
