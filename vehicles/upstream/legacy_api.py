"""The legacy API as a whole. Whether Tesla serves it is a fact about Tesla: learned once, for all accounts of a mode.

One refused call proves little: Tesla closes single endpoints, and refuses accounts that own a developer application
(Owner API: deprecation). Closed means that the list of cars is refused as well, and to another account too where
there is one. It opens again when one probe is answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Final

from django.db.models import Q
from django.utils import timezone

from vehicles import encryption, facts, history
from vehicles.db.connections import let_go_of_database
from vehicles.errors import CatalogueError
from vehicles.evidence import incidents
from vehicles.facts import offers_legacy
from vehicles.models import Incident, IncidentKind, Integration, Mode, TeslaAccount, TeslaToken, VehicleGrant
from vehicles.origins import api_base
from vehicles.tesla import client
from vehicles.tesla import errors as tesla
from vehicles.tokens import refresh, store
from vehicles.upstream.bulkhead import slot

_PROBES: Final = 3
"""So many accounts are asked until one tells: a login may have died meanwhile."""


def is_open(mode: str) -> bool:
    """Whether connections through the legacy API can be made and used now."""
    closed = Incident.objects.active().filter(kind=IncidentKind.LEGACY_CLOSED, mode=mode)
    return offers_legacy(mode) and not closed.exists()


def look_into_refusal(account: TeslaAccount, words: str) -> None:
    """Tesla said to this account that the API is closed. Writes it down when it is, for all."""
    if _is_served([account]) is not False or _is_served(_others(account)) is True:
        return
    incidents.begin(IncidentKind.LEGACY_CLOSED, account.mode, timezone.now(), reason=words[:255])


def end_closings(now: datetime) -> int:
    """Probe where the API is closed, once; end what is over. Returns how many ended."""
    active = Incident.objects.active().filter(kind=IncidentKind.LEGACY_CLOSED)
    over = [each for each in active if offers_legacy(each.mode) and _is_served(_accounts(each.mode))]
    return sum(incidents.end(incident, actor=history.SYSTEM, now=now) for incident in over)


def let_verdicts_follow(now: datetime) -> int:
    """Rewrite the verdicts of legacy grants that say otherwise than the operator's setting; returns how many changed.

    The setting changes between two starts, which nobody tells; so it is looked for among what the verdicts say.
    """
    closed = Q(main_cause=facts.CAUSE_OF_INCIDENT[IncidentKind.LEGACY_CLOSED])
    stale = [Q(mode=mode) & (closed if is_open(mode) else ~closed) for mode in Mode.values]
    legacy = VehicleGrant.objects.active().filter(integration=Integration.LEGACY)
    parts = facts.refresh_in_parts(legacy.filter(reduce(or_, stale)), now)
    return sum(part.changed for part in parts)


def _accounts(mode: str) -> Iterable[TeslaAccount]:
    """The accounts with a legacy login, those that worked last first."""
    rows = TeslaToken.objects.filter(
        integration=Integration.LEGACY, account__mode=mode, account__legacy_login_lost_at=None
    )
    return [row.account for row in rows.select_related("account").order_by("-refreshed_at")[:_PROBES]]


def _others(account: TeslaAccount) -> Iterable[TeslaAccount]:
    return (other for other in _accounts(account.mode) if other.pk != account.pk)


def _is_served(accounts: Iterable[TeslaAccount]) -> bool | None:
    """What the first account tells that tells anything; None when none does."""
    return next((answer for answer in map(_asked, accounts) if answer is not None), None)


def _asked(account: TeslaAccount) -> bool | None:
    """Whether Tesla answers this account's list of cars, one free call; None where that tells nothing."""
    try:
        stored = store.load(account, Integration.LEGACY)
        if stored is None:
            return None
        with slot():
            if not stored.is_fresh(timezone.now()):
                stored = refresh.refresh(account, Integration.LEGACY, stored)
                let_go_of_database()
            client.products(api_base(account, Integration.LEGACY), stored.access_token)
    except tesla.LegacyClosed:
        return False
    except (tesla.TeslaError, CatalogueError, encryption.DecryptionError):
        return None
    return True
