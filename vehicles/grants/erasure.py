"""Erasing a person: everything that names them goes, and history, which holds only our ids, stays whole."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from vehicles import grants, history, reservations
from vehicles.history import Kind
from vehicles.models import Connection, User, Vehicle, VehicleAccess, VehicleGrant


def erase(person: User, *, actor: str, now: datetime) -> None:
    """End what the person gave, so that applications are told, then delete accounts, tokens, commands and ids.

    A car is forgotten with its last account: one that somebody else reaches as well stays theirs, without the name that
    the person may have given it. Raises `ValueError`
    for a member of staff.
    """
    if not person.is_person:
        raise ValueError("only persons who sign in at Tesla are erased like this")
    with transaction.atomic():
        active = VehicleGrant.objects.active().filter(account__person=person)
        grants.revoke_all(active, actor=actor, now=now)
        for account in person.tesla_accounts.all():
            history.record(Kind.ACCOUNT_ERASED, actor=actor, at=now, account=account)
        reached = list(VehicleAccess.objects.filter(account__person=person).values_list("vehicle", flat=True))
        reservations.forget(person)
        person.delete()
        Vehicle.objects.filter(pk__in=reached, accesses=None).delete()
        # Perhaps it was theirs; if not, the next list of the car's others tells it again.
        Vehicle.objects.filter(pk__in=reached).update(display_name="")
        Connection.objects.filter(vehicle__in=reached, grants=None).delete()
