"""Watching: accounts under suspicion are asked again; incidents that are over end, and verdicts follow them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from vehicles import evidence, history
from vehicles.errors import CatalogueError
from vehicles.evidence import incidents
from vehicles.models import Incident, IncidentKind, Integration, Mode, TeslaAccount
from vehicles.tesla import client
from vehicles.upstream import account_call

ASK_AGAIN_AFTER: Final = timedelta(minutes=1)
ROUND: Final = timedelta(seconds=50)
"""A round ends before the next one is due."""
_AT_ONCE: Final = 500
_PROBES: Final = 3


def ask_suspects_again(now: datetime) -> int:
    """Refresh the logins of accounts under suspicion, in no order, so that those that time out hold up nobody
    for long; returns how many were asked.

    What Tesla says then counts as ever: it clears them, or it is a loss, which the brake may hold back once more.
    """
    asked = 0
    for mode in Mode.values:
        for account in evidence.suspects(mode, seen_before=now - ASK_AGAIN_AFTER)[:_AT_ONCE]:
            if timezone.now() - now > ROUND:
                return asked
            _ask(account)
            asked += 1
    return asked


def _ask(account: TeslaAccount) -> None:
    try:
        account_call.renew_login(account, Integration.FLEET)
    except CatalogueError:
        # Written where it was found; there is nobody to tell here.
        return


def end_operator_faults(now: datetime) -> int:
    """End the operator's faults that Tesla no longer answers with; returns how many ended."""
    active = Incident.objects.active().filter(kind=IncidentKind.OPERATOR_FAULT)
    over = [incident for incident in active if any(map(_is_served, _probes(incident)))]
    return sum(incidents.end(incident, actor=history.SYSTEM, now=now) for incident in over)


def _probes(incident: Incident) -> list[TeslaAccount]:
    """A few accounts that the fault concerns, those that worked last first."""
    accounts = TeslaAccount.objects.filter(mode=incident.mode, consent="active")
    if incident.region:
        accounts = accounts.filter(region=incident.region)
    return list(accounts.order_by("-consent_observed_at")[:_PROBES])


def _is_served(account: TeslaAccount) -> bool:
    """Whether Tesla serves the operator for this account; one free call."""
    try:
        account_call.call(account, Integration.FLEET, client.products)
    except CatalogueError:
        return False
    return True
