"""Everything that decides about a grant as one text that the database makes, so that equal grants are found in sets.

What `gathering.facts_of` reads, and that decides, belongs here too; incidents follow from mode and region.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import (
    Case,
    Exists,
    Expression,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
    When,
)
from django.db.models.functions import MD5, Cast, Coalesce, Concat

from vehicles.diagnosis import Access, Key
from vehicles.facts.condition import MOST_KEYS
from vehicles.models import VehicleAccess
from vehicles.sources import SOURCES, Source, age_limit


def combination(now: datetime) -> Expression:
    """A digest of the text, to annotate grants with. Grants with the same one have the same diagnosis."""
    # Joined flat: what Django's `Concat` nests is too deep for SQLite to read.
    text = Func(
        *(_text(part) for part in _deciding(now)),
        template="(%(expressions)s)",
        arg_joiner=" || '|' || ",
        output_field=TextField(),
    )
    return MD5(text)


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
        _relation(),
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


def _relations() -> QuerySet[VehicleAccess]:
    return VehicleAccess.objects.filter(vehicle=OuterRef("connection__vehicle"))


def _relation() -> Expression:
    """The account's own relation to the car, and whether the car is missing from it; empty where there is none."""
    own = _relations().filter(account=OuterRef("account"))
    told = own.annotate(told=Concat(_text(F("access_type")), _text(Q(missing_since__isnull=False))))
    return Coalesce(Subquery(told.values("told")[:1]), Value(""), output_field=TextField())


def _owner_is_connected() -> Expression:
    owner = Exists(_relations().filter(access_type=Access.OWNER, missing_since=None))
    return Case(When(owner, then=Value("1")), default=Value("0"), output_field=TextField())
