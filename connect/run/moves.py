"""A reauthentication by make: what an application was given before moves to Tesla's current interface, with its ids.

It can also be widened, by what the application asks for now, Tesla grants and the person allows.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from connect.models import ConnectSession, Step
from connect.problems.catalogue import NOT_CONNECTED, ConnectProblem
from connect.run import consent, flow, key_queue
from connect.run.consent import Offer
from vehicles import grants
from vehicles.models import VehicleGrant
from vehicles.permissions import PERMISSIONS, covered_by


def offer(session: ConnectSession, now: datetime) -> Offer:
    """What moves and what would be new, for the cars that the application was given before.

    Raises `ConnectProblem` when it was given none, and what `consent.offer` raises.
    """
    whole = consent.offer(session, now)
    held = _held(session)
    vehicles = {grant.connection.vehicle_id for grant in held}
    accesses = [access for access in whole.accesses if access.vehicle_id in vehicles]
    if not accesses and not whole.cars_hidden:
        raise ConnectProblem(NOT_CONNECTED)
    before = list(dict.fromkeys(name for grant in held for name in grant.approved))
    covered = set(covered_by(before, consent.signed_in_account(session).granted_scopes))
    lost = [PERMISSIONS[name] for name in before if name not in covered and name not in session.requested]
    return replace(
        whole,
        accesses=accesses,
        offered=[item for item in whole.offered if item.name not in before],
        kept=[PERMISSIONS[name] for name in before if name in covered],
        missing=[*whole.missing, *lost],
    )


def is_decided(found: Offer) -> bool:
    """Whether nothing is left to ask: it only moves, and all of it."""
    return found.can_be_approved and not (found.offered or found.missing or found.paused)


def approve(session: ConnectSession, found: Offer, shown: Collection[str], now: datetime) -> bool:
    """Move, and widen by what is on offer and was shown to the person; False when that was done already.

    What the application asked for anew is kept on the grants also where Tesla did not grant it, for the diagnosis.
    """
    account = consent.signed_in_account(session)
    vehicles = [access.vehicle for access in found.accesses]
    chosen = [str(vehicle.pk) for vehicle in vehicles]
    allowed = [item.name for item in found.offered if item.name in shown]
    works = [*allowed, *(item.name for item in found.kept)]
    queue = [] if session.any_login else key_queue.queue_for(session.application, vehicles, works)
    with transaction.atomic():
        if not flow.move(session, Step.KEYS, now, chosen_vehicles=chosen, key_queue=queue):
            return False
        grants.move_to_fleet(session.application, account, now=now)
        asked_anew = any(set(session.requested) - set(grant.requested) for grant in _held(session))
        if allowed or asked_anew:
            grants.widen(session.application, account, requested=session.requested, approved=allowed, now=now)
    return True


def _held(session: ConnectSession) -> QuerySet[VehicleGrant]:
    held = VehicleGrant.objects.active().filter(
        connection__application=session.application, account=session.account
    )
    return held.select_related("connection").order_by("pk")
