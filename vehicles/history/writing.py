"""Writing events: who did what to whom. Call it in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError

from vehicles import request_id
from vehicles.db import compiled_queries
from vehicles.history.kinds import Kind
from vehicles.models import (
    Application,
    Event,
    TeslaAccount,
    User,
    Vehicle,
    VehicleGrant,
)

SYSTEM: Final = "system"


def person(user: User) -> str:
    """The actor name of an owner or driver."""
    return f"person:{user.pk}"


def application_actor(application: Application) -> str:
    """The actor name of an API consumer."""
    return f"application:{application.client_id}"


def staff(user: User) -> str:
    """The actor name of a member of staff."""
    return f"staff:{user.pk}"


def event(
    kind: Kind,
    *,
    actor: str,
    at: datetime,
    application: Application | None = None,
    account: TeslaAccount | None = None,
    vehicle: Vehicle | None = None,
    grant: VehicleGrant | None = None,
    **data: Any,
) -> Event:
    """One event, to be written with others by `record_all`.

    `data` holds plain facts (states, ids of ours, sources), never a name, e-mail or VIN.
    """
    return Event(
        kind=kind,
        actor=actor,
        at=at,
        request_id=request_id.current(),
        application_id=application.pk if application else None,
        account_id=account.pk if account else None,
        vehicle_id=vehicle.pk if vehicle else None,
        grant_id=grant.pk if grant else None,
        data=data,
    )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What changed, as events hold it: `{before, after}` with the changed names only; empty where nothing did."""
    changed = [name for name, value in after.items() if before.get(name) != value]
    if not changed:
        return {}
    return {
        "before": {name: before.get(name) for name in changed},
        "after": {name: after[name] for name in changed},
    }


def record(kind: Kind, *, actor: str, at: datetime, **facts: Any) -> None:
    """Write one event, given as `event` takes it.

    Raises `IntegrityError` where the database did not take it, so that no change goes through without its event.
    """
    if not compiled_queries.insert(event(kind, actor=actor, at=at, **facts)):
        raise IntegrityError(f"the event {kind} was not written")


def record_all(events: Iterable[Event]) -> None:
    """Write many events, made by `event`, in one go."""
    Event.objects.bulk_create(events, batch_size=500)
