"""The audit list as one application may see it, page by page, newest connection first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from vehicles.audit.conditions import active_grants, matching
from vehicles.audit.pending import pending_reservations
from vehicles.models import Application, ApplicationUser, Reservation, VehicleGrant

Place = tuple[int, UUID]
"""Where a page ended: the keys of its last row's connection and of the row itself."""
_BEHIND: Final = 0
"""Stands for the connection of what has none yet, and comes behind all of them."""


def grants_of(application: Application, conditions: Mapping[str, str]) -> QuerySet[VehicleGrant, Any]:
    """The application's standing grants, each with the application's id of its person as `user_public_id`."""
    known = ApplicationUser.objects.filter(application=application, person=OuterRef("account__person"))
    mine = active_grants().filter(connection__application=application)
    return matching(mine, conditions).annotate(user_public_id=Subquery(known.values("public_id")[:1]))


def connections_of(application: Application, conditions: Mapping[str, str]) -> QuerySet[VehicleGrant, Any]:
    """As `grants_of`, but each pair of car and person once: a person may hold a car through two Tesla accounts."""
    same = active_grants().filter(
        connection=OuterRef("connection"), account__person=OuterRef("account__person"), pk__lt=OuterRef("pk")
    )
    return grants_of(application, conditions).filter(~Exists(same)).select_related("connection")


def waiting_of(application: Application, conditions: Mapping[str, str]) -> QuerySet[Reservation, Any]:
    """What the application knows and nobody connected yet."""
    return pending_reservations({**conditions, "application": str(application.pk)})


def page(
    grants: QuerySet[VehicleGrant, Any],
    limit: int,
    after: Place | None,
    behind: QuerySet[Reservation, Any] | None = None,
) -> tuple[list[Any], Place | None]:
    """So many of the grants from where the last page ended, then of what is `behind` them; and where this one ended.

    The second is None on the last page.
    """
    found: list[Any] = []
    if after is None or after[0] != _BEHIND:
        found += _from(grants.order_by("-connection_id", "-pk"), after, limit)
    if behind is not None and len(found) <= limit:
        found += _reservations_from(behind.order_by("-pk"), after, limit - len(found))
    return found[:limit], _place(found[limit - 1]) if len(found) > limit else None


def _from(grants: QuerySet[VehicleGrant, Any], after: Place | None, limit: int) -> list[Any]:
    if after is not None:
        connection, grant = after
        grants = grants.filter(Q(connection__lt=connection) | Q(connection=connection, pk__lt=grant))
    return list(grants[: limit + 1])


def _reservations_from(
    reservations: QuerySet[Reservation, Any], after: Place | None, limit: int
) -> list[Any]:
    if after is not None and after[0] == _BEHIND:
        reservations = reservations.filter(pk__lt=after[1])
    return list(reservations[: limit + 1])


def _place(last: VehicleGrant | Reservation) -> Place:
    return (last.connection_id if isinstance(last, VehicleGrant) else _BEHIND), last.pk
