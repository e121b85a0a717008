"""The append-only trail. `record` and `record_all` alone write it; call them in the transaction of the change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vehicles import prepared, request_id
from vehicles.models import (
    Application,
    Event,
    TeslaAccount,
    User,
    Vehicle,
    VehicleGrant,
)


class Kind(StrEnum):
    """What can happen: subject, then what became of it."""

    ACCOUNT_CONNECTED = "account:connected"
    ACCOUNT_ERASED = "account:erased"
    CONSENT_CHANGED = "consent:changed"
    SCOPES_CHANGED = "scopes:changed"
    LEGACY_LOGIN_CHANGED = "legacy_login:changed"
    TOKENS_SUPERSEDED = "tokens:superseded"
    TOKENS_RESTORED = "tokens:restored"
    DATABASE_RESTORED = "database:restored"
    VEHICLE_APPEARED = "vehicle:appeared"
    VEHICLE_DISAPPEARED = "vehicle:disappeared"
    ACCESS_CHANGED = "access:changed"
    KEY_CHANGED = "key:changed"
    VEHICLE_CHANGED = "vehicle:changed"
    GRANT_GIVEN = "grant:given"
    GRANT_MOVED = "grant:moved"
    GRANT_REVOKED = "grant:revoked"
    IDS_RESERVED = "ids:reserved"
    IDS_GIVEN_BACK = "ids:given_back"
    COMMAND_ENDED = "command:ended"
    CONNECT_STARTED = "connect:started"
    CONNECT_ENDED = "connect:ended"
    OWNER_SIGNED_IN = "connect:owner_signed_in"
    FIX_LINK_MADE = "fix_link:made"
    FIX_LINK_WITHDRAWN = "fix_link:withdrawn"
    REFRESH_TOKEN_REUSED = "refresh_token:reused"  # noqa: S105  (a name, no secret)
    INCIDENT_BEGAN = "incident:began"
    INCIDENT_ENDED = "incident:ended"
    APPLICATION_CHANGED = "application:changed"
    STAFF_VIEWED = "staff:viewed"
    STAFF_ACTED = "staff:acted"


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
    """Write one event, given as `event` takes it."""
    prepared.insert(event(kind, actor=actor, at=at, **facts))


def record_all(events: Iterable[Event]) -> None:
    """Write many events, made by `event`, in one go."""
    Event.objects.bulk_create(events, batch_size=500)
