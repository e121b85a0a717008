"""Incidents: when many accounts flip at once, or Tesla refuses the operator, that is nobody's fault who owns a car.

The brake: at least `BRAKE_ACCOUNTS` accounts and `BRAKE_SHARE` of those observed flip within `BRAKE_WINDOW`. While it
is on, nothing flips, and calls that Tesla denies answer UPSTREAM:KNOWN_ISSUE. Only staff release it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from vehicles import facts, history
from vehicles.diagnosis import Consent
from vehicles.history import Kind
from vehicles.models import Incident, IncidentKind, Integration, TeslaAccount, VehicleGrant

BRAKE_ACCOUNTS: Final = 20
BRAKE_SHARE: Final = 0.10
BRAKE_WINDOW: Final = timedelta(minutes=10)
RELEASED_FOR: Final = timedelta(hours=1)
"""For this long after a release, Tesla's word is taken for every account, however many there are."""


_CONCERNED: Final = {
    IncidentKind.MASS_REVOCATION: Q(account__consent=Consent.SUSPECTED),
    IncidentKind.LEGACY_CLOSED: Q(integration=Integration.LEGACY),
}
"""Which grants an incident holds up, where it is not all of them."""


def is_braked(mode: str) -> bool:
    """Whether states of accounts in this mode are held back now."""
    return Incident.objects.active().filter(kind=IncidentKind.MASS_REVOCATION, mode=mode).exists()


def pull_brake(mode: str, now: datetime) -> bool:
    """Begin an incident when too many accounts flipped lately; True when this call began it."""
    lately = TeslaAccount.objects.filter(mode=mode)
    flipped = lately.filter(flipped_at__gt=now - BRAKE_WINDOW).count()
    if flipped < BRAKE_ACCOUNTS:
        return False
    observed = lately.filter(consent_observed_at__gt=now - BRAKE_WINDOW).count()
    if flipped < observed * BRAKE_SHARE or _was_released_lately(mode, now):
        return False
    return begin(IncidentKind.MASS_REVOCATION, mode, now, accounts=flipped, observed=observed) is not None


def _was_released_lately(mode: str, now: datetime) -> bool:
    ended = Incident.objects.filter(
        kind=IncidentKind.MASS_REVOCATION, mode=mode, ended_at__gt=now - RELEASED_FOR
    )
    return ended.exists()


def flipped_lately(mode: str, now: datetime) -> list[UUID]:
    """The accounts whose flips the brake takes back, in a fixed order."""
    flipped = TeslaAccount.objects.filter(mode=mode, flipped_at__gt=now - BRAKE_WINDOW)
    return list(flipped.order_by("pk").values_list("pk", flat=True))


def begin(
    kind: IncidentKind, mode: str, now: datetime, *, region: str = "", **measures: Any
) -> Incident | None:
    """Write that an incident began, once; None when one of the kind stands already."""
    try:
        with transaction.atomic():
            incident = Incident.objects.create(kind=kind, mode=mode, region=region, began_at=now, **measures)
            _record(Kind.INCIDENT_BEGAN, incident, history.SYSTEM, now)
    except IntegrityError:
        return None
    return incident


def end(incident: Incident, *, actor: str, now: datetime) -> bool:
    """End an incident, so that states may change again; False when somebody else ended it before."""
    with transaction.atomic():
        standing = Incident.objects.active().filter(pk=incident.pk)
        if not standing.update(ended_at=now, ended_by=actor, verdicts_follow=True):
            return False
        _record(Kind.INCIDENT_ENDED, incident, actor, now)
    return True


def _record(kind: Kind, incident: Incident, actor: str, now: datetime) -> None:
    history.record(
        kind,
        actor=actor,
        at=now,
        incident=str(incident.pk),
        what=str(incident.kind),
        mode=str(incident.mode),
        region=incident.region,
        accounts=incident.accounts,
        observed=incident.observed,
    )


def let_verdicts_follow(now: datetime) -> int:
    """Rewrite the verdicts of grants that an incident's beginning or end concerns; returns how many incidents."""
    waiting = list(Incident.objects.filter(verdicts_follow=True))
    for incident in waiting:
        for _ in facts.refresh_in_parts(concerned(incident), now):
            pass
        # One that ended meanwhile has to be followed once more.
        Incident.objects.filter(pk=incident.pk, ended_at=incident.ended_at).update(verdicts_follow=False)
    return len(waiting)


def concerned(incident: Incident) -> QuerySet[VehicleGrant]:
    """The standing grants that an incident holds up."""
    grants = VehicleGrant.objects.active().filter(mode=incident.mode)
    if incident.region:
        grants = grants.filter(account__region=incident.region)
    return grants.filter(_CONCERNED.get(IncidentKind(incident.kind), Q()))
