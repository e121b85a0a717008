"""Everything that decides about a grant as one text that the database makes, so that equal grants are found in sets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import (
    Case,
    Expression,
    F,
    FilteredRelation,
    Func,
    Q,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.functions import MD5, Cast

from vehicles.facts.table import DECIDING, OWN_ACCESS, Fact
from vehicles.models import VehicleGrant

_ACCESSES: Final = "connection__vehicle__accesses"


def with_combinations(
    grants: QuerySet[VehicleGrant], now: datetime, facts: Sequence[Fact] = DECIDING
) -> QuerySet[Any]:
    """The grants, each with a digest of the text as `combination`. Those with the same one have the same diagnosis.

    Of fewer `facts`: those with the same one have the same values of these.
    """
    # Joined flat: what Django's `Concat` nests is too deep for SQLite to read.
    text = Func(
        *(_text(part) for part in _parts(now, facts)),
        template="(%(expressions)s)",
        arg_joiner=" || '|' || ",
        output_field=TextField(),
    )
    relation = FilteredRelation(_ACCESSES, condition=Q(**{f"{_ACCESSES}__account": F("account")}))
    # A join, for a query of its own for each of a million grants would take longer than all else.
    return grants.annotate(**{OWN_ACCESS: relation}).annotate(combination=MD5(text))


def _parts(now: datetime, facts: Sequence[Fact]) -> list[Any]:
    """What the facts are told by, each thing once although several facts rest on it."""
    return list(dict.fromkeys(part for fact in facts if fact.sql for part in fact.sql(now)))


def _text(part: Any) -> Expression:
    if isinstance(part, Q):
        return Case(When(part, then=Value("1")), default=Value("0"), output_field=TextField())
    return Cast(part, TextField())
