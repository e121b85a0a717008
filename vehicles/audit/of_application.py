"""The audit list as one application may see it, page by page, newest connection first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from vehicles.audit.conditions import matching, standing
from vehicles.models import Application, ApplicationUser, VehicleGrant

Place = tuple[int, UUID]
"""Where a page ended: the keys of its last row's connection and of the grant itself."""


def grants_of(application: Application, conditions: Mapping[str, str]) -> QuerySet[VehicleGrant, Any]:
    """The application's standing grants, each with the application's id of its person as `user_public_id`."""
    known = ApplicationUser.objects.filter(application=application, person=OuterRef("account__person"))
    mine = standing().filter(connection__application=application)
    return matching(mine, conditions).annotate(user_public_id=Subquery(known.values("public_id")[:1]))


def connections_of(application: Application, conditions: Mapping[str, str]) -> QuerySet[VehicleGrant, Any]:
    """As `grants_of`, but each pair of car and person once: a person may hold a car through two Tesla accounts."""
    same = standing().filter(
        connection=OuterRef("connection"), account__person=OuterRef("account__person"), pk__lt=OuterRef("pk")
    )
    return grants_of(application, conditions).filter(~Exists(same)).select_related("connection")


def page(
    grants: QuerySet[VehicleGrant, Any], limit: int, after: Place | None
) -> tuple[Sequence[Any], Place | None]:
    """So many of the grants behind the place where the last page ended; and where this one ended, if more follow."""
    if after is not None:
        connection, grant = after
        grants = grants.filter(Q(connection__lt=connection) | Q(connection=connection, pk__lt=grant))
    found = list(grants.order_by("-connection_id", "-pk")[: limit + 1])
    more = len(found) > limit
    return found[:limit], (found[limit - 1].connection_id, found[limit - 1].pk) if more else None
