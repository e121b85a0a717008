"""Everything that decides about a grant as one text that the database makes, so that equal grants are found in sets.

What `gathering.facts_of` reads, and that decides, belongs here too; incidents follow from mode and region.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import (
    Case,
    Exists,
    Expression,
    F,
    FilteredRelation,
    Func,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import MD5, Cast, Coalesce

from vehicles.diagnosis import Access, Key
from vehicles.facts.condition import MOST_KEYS
from vehicles.models import VehicleAccess, VehicleGrant
from vehicles.sources import SOURCES, Source, age_limit

_ACCESSES: Final = "connection__vehicle__accesses"


def with_combinations(grants: QuerySet[VehicleGrant], now: datetime) -> QuerySet[Any]:
    """The grants, each with a digest of the text as `combination`. Those with the same one have the same diagnosis."""
    # Joined flat: what Django's `Concat` nests is too deep for SQLite to read.
    text = Func(
        *(_text(part) for part in _deciding(now)),
        template="(%(expressions)s)",
        arg_joiner=" || '|' || ",
        output_field=TextField(),
    )
    relation = FilteredRelation(_ACCESSES, condition=Q(**{f"{_ACCESSES}__account": F("account")}))
    # A join, for a query of its own for each of a million grants would take longer than all else.
    return grants.annotate(relation=relation).annotate(combination=MD5(text))


def _deciding(now: datetime) -> list[Any]:
    account, vehicle = "account__", "connection__vehicle__"
    return [
        *map(F, ("requested", "approved", "declined", "not_granted", "integration", "mode")),
        *(F(account + name) for name in ("granted_scopes", "consent", "region")),
        Q(account__legacy_login_lost_at__isnull=False),
        *(F(vehicle + name) for name in ("key", "key_reason")),
        is_stale_q(now, vehicle),
        Q(connection__vehicle__total_keys__gte=MOST_KEYS),
        Q(connection__vehicle__remote_access_disabled=True) & _was_listed_lately(now),
        Q(connection__vehicle__in_service=True) & _was_listed_lately(now),
        Q(connection__vehicle__paused=True) | Q(connection__application__paused=True),
        Coalesce(F("relation__access_type"), Value("")),
        Q(relation__missing_since__isnull=False),
        _owner_is_connected(),
    ]


def _text(part: Any) -> Expression:
    if isinstance(part, Q):
        return Case(When(part, then=Value("1")), default=Value("0"), output_field=TextField())
    return Cast(part, TextField())


def is_stale_q(now: datetime, vehicle: str = "") -> Q:
    """`condition.is_stale` as a condition on cars, or on rows that lead to one by `vehicle`."""
    too_old = Q()
    for source, standing in SOURCES.items():
        if standing.age_limit:
            observed = {f"{vehicle}key_observed_at__lte": now - standing.age_limit}
            too_old |= Q(**{f"{vehicle}key_source": source}, **observed)
    return too_old & ~Q(**{f"{vehicle}key__in": [Key.UNKNOWN, Key.NOT_REQUIRED]})


def _was_listed_lately(now: datetime) -> Q:
    limit, listed = age_limit(Source.VEHICLE_LIST) or timedelta.max, "connection__vehicle__listed_at"
    return Q(**{f"{listed}__isnull": True}) | Q(**{f"{listed}__gt": now - limit})


def _owner_is_connected() -> Q:
    """Of a driver's grant, for which alone it matters: whether an owner's account is attached to the car."""
    accesses = VehicleAccess.objects.filter(vehicle=OuterRef("connection__vehicle"))
    return Q(relation__access_type=Access.DRIVER) & Q(
        Exists(accesses.filter(access_type=Access.OWNER, missing_since=None))
    )
