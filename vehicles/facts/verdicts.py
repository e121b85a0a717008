"""The verdict columns: the diagnosis repeated on each grant, so that a million of them are listed by index.

Many are rewritten in sets. The database puts everything that decides about a grant into one text (`combination`), one
grant of each distinct text is diagnosed, and one UPDATE gives every grant the answer of its text. No row is loaded to
be decided about one by one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import islice, pairwise
from operator import or_
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Min, Q, QuerySet, TextField
from django.db.models.functions import Cast

from vehicles.diagnosis import Diagnosis, diagnose
from vehicles.facts.combination import with_combinations
from vehicles.facts.gathering import facts_of, with_rows
from vehicles.models import VehicleGrant

T = TypeVar("T")
Columns = tuple[str, str, str, bool]
"""Verdict, main cause, next actor and whether permissions are lacking, as they are kept on the grant."""

_DATED: Final = ("verdict", "main_cause", "next_actor")
"""`verdict_since` is when one of these last changed."""
_COLUMNS: Final = (*_DATED, "lacks_permissions")
AT_ONCE: Final = 20_000
"""Grants that are rewritten in one transaction; other writers wait no longer than that takes."""
FEW: Final = 100
"""Up to so many grants are looked at one by one."""
_ANSWERS_AT_ONCE: Final = 1_000


def refresh_verdicts(grants: QuerySet[VehicleGrant], now: datetime) -> int:
    """Rewrite the verdict columns of these grants where they changed; returns how many rows changed.

    Call it in the transaction that changed a fact. For grants by the million there is `refresh_in_parts`.
    """
    few = list(with_rows(grants.order_by())[: FEW + 1])
    return _refresh_few(few, now) if len(few) <= FEW else _refresh(grants, now)


def _refresh_few(grants: Iterable[VehicleGrant], now: datetime) -> int:
    """For some grants it is quicker to look at each than to have the database compare them."""
    changed: dict[tuple[Columns, datetime], list[UUID]] = defaultdict(list)
    for grant in grants:
        answer = verdict_columns(diagnose(facts_of(grant, now)))
        stored = tuple(getattr(grant, name) for name in _COLUMNS)
        if stored != answer or grant.verdict_since is None:
            is_dated = stored[: len(_DATED)] == answer[: len(_DATED)]
            since = grant.verdict_since if is_dated and grant.verdict_since else now
            changed[answer, since].append(grant.pk)
    return sum(
        VehicleGrant.objects.filter(pk__in=ids).update(
            **dict(zip(_COLUMNS, answer, strict=True)), verdict_since=since
        )
        for (answer, since), ids in changed.items()
    )


@dataclass(frozen=True, slots=True)
class Part:
    """Some of many grants: how many there were, and how many verdicts changed."""

    seen: int
    changed: int


def refresh_in_parts(grants: QuerySet[VehicleGrant], now: datetime) -> Iterator[Part]:
    """The same for any number of grants: all are compared in one reading, and what is wrong is rewritten in parts.

    To be called outside of any transaction. Can be stopped between parts and begun again.
    """
    found = _compare(grants, now)
    yield Part(found.right, 0)
    if not found.wrong:
        return
    for first, after in _ranges(found.suspected // AT_ONCE + 1):
        part = grants.filter(found.stored, pk__gte=first, **({"pk__lt": after} if after else {}))
        with transaction.atomic():
            _plan_for_many(random_page_cost="1.1")
            seen = part.count()
            changed = _write_all(with_combinations(part.order_by(), now), found.wrong, now)
        yield Part(seen, changed)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Which combinations have another answer than some of their grants hold; `stored` finds those grants.

    It finds others too, which hold the same rightly: `suspected` counts both, `right` all the rest.
    """

    wrong: dict[str, Columns]
    stored: Q
    suspected: int
    right: int


def _compare(grants: QuerySet[VehicleGrant], now: datetime) -> _Comparison:
    """One reading over all the grants, which holds nobody up."""
    each = with_combinations(grants.order_by(), now).annotate(is_new=Q(verdict_since=None))
    groups = each.values("combination", *_COLUMNS, "is_new").annotate(
        example=Min(Cast("pk", TextField())), number=Count("pk")
    )
    with transaction.atomic():
        _plan_for_many(work_mem="64MB")
        found = list(groups.values_list("combination", *_COLUMNS, "is_new", "example", "number"))
    answers = _diagnosed({text: example for text, *_, example, _ in found}, now)
    wrong: dict[str, Columns] = {}
    numbers: Counter[Columns] = Counter()
    suspected: set[Columns] = set()
    for text, *columns, is_new, _, number in found:
        held: Columns = tuple(columns)
        numbers[held] += number
        if text in answers and (is_new or answers[text] != held):
            wrong[text] = answers[text]
            suspected.add(held)
    stored = reduce(or_, (Q(**dict(zip(_COLUMNS, held, strict=True))) for held in suspected), Q())
    many = sum(numbers[held] for held in suspected)
    return _Comparison(wrong, stored, many, numbers.total() - many)


def _plan_for_many(**costs: str) -> None:
    """Let PostgreSQL plan this transaction for what it does; compiling its expressions would take most of the time."""
    if connection.vendor == "postgresql":
        wanted = {"jit": "off", **costs}
        calls = ", ".join(["set_config(%s, %s, true)"] * len(wanted))
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {calls}", [word for pair in wanted.items() for word in pair])


def _ranges(parts: int) -> Iterator[tuple[UUID, UUID | None]]:
    """Ids are spread evenly, so that equal ranges of them hold about as many grants."""
    starts: list[UUID | None] = [UUID(int=2**128 * part // parts) for part in range(parts)]
    return ((first, after) for first, after in pairwise([*starts, None]) if first is not None)


def _refresh(grants: QuerySet[VehicleGrant], now: datetime) -> int:
    known = with_combinations(grants.order_by(), now)
    _plan_for_many()
    met = known.values("combination").annotate(example=Min(Cast("pk", TextField())))
    answers = _diagnosed(dict(met.values_list("combination", "example")), now)
    return _write_all(known, answers, now)


def _diagnosed(examples: Mapping[str, str], now: datetime) -> dict[str, Columns]:
    """The answer of each combination, by one grant that has it; of none that is gone meanwhile."""
    answers: dict[str, Columns] = {}
    texts = {UUID(pk): text for text, pk in examples.items()}
    for ids in _batched(texts, _ANSWERS_AT_ONCE):
        for grant in with_rows(VehicleGrant.objects.filter(pk__in=ids)):
            answers[texts[grant.pk]] = verdict_columns(diagnose(facts_of(grant, now)))
    return answers


def _write_all(known: QuerySet[Any, Any], answers: Mapping[str, Columns], now: datetime) -> int:
    told = ((text, *columns) for text, columns in answers.items())
    return sum(_write(known, part, now) for part in _batched(told, _ANSWERS_AT_ONCE))


def verdict_columns(diagnosis: Diagnosis) -> Columns:
    """Verdict, main cause, next actor and whether permissions are lacking, as they are kept on the grant."""
    return (
        str(diagnosis.verdict),
        diagnosis.main_cause,
        diagnosis.next_actor,
        diagnosis.lacks_permissions,
    )


def _write(known: QuerySet[Any, Any], answers: Iterable[tuple[str, *Columns]], now: datetime) -> int:
    """One statement; both databases spell it alike. Only rows that change are touched.

    `MATERIALIZED`, or PostgreSQL may make the combinations anew for every answer that it compares them with.
    """
    rows = list(answers)
    table = connection.ops.quote_name(VehicleGrant._meta.db_table)
    found, given = known.values("id", "combination").query.sql_with_params()
    places = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
    dated = """
        written.verdict <> told.verdict OR written.main_cause <> told.cause
        OR written.next_actor <> told.actor OR written.verdict_since IS NULL
    """
    statement = f"""
        UPDATE {table} AS written
        SET verdict = told.verdict, main_cause = told.cause, next_actor = told.actor,
            lacks_permissions = told.lacks,
            verdict_since = CASE WHEN {dated} THEN %s ELSE written.verdict_since END
        FROM (
            WITH known AS MATERIALIZED ({found})
            SELECT known.id, column2 AS verdict, column3 AS cause, column4 AS actor, column5 AS lacks
            FROM known JOIN (VALUES {places}) AS answer ON answer.column1 = known.combination
        ) AS told
        WHERE written.id = told.id AND ({dated} OR written.lacks_permissions <> told.lacks)
    """  # noqa: S608  (names of ours; every value is a parameter)
    values = [value for row in rows for value in row]
    with connection.cursor() as cursor:
        cursor.execute(statement, [connection.ops.adapt_datetimefield_value(now), *given, *values])
        return cursor.rowcount


def _batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
