"""Statements whose text is made once in a process, for the few that every signed command passes.

Django makes a query's text anew for every call, which takes longer than the database takes to answer it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from django.db import connection
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)


def run(statement: str, *values: Any) -> int:
    """Run a writing statement and return how many rows it touched. Values stand where it says `%s`."""
    with connection.cursor() as cursor:
        cursor.execute(statement, _adapted(values))
        return cursor.rowcount


def fetch(statement: str, *values: Any) -> tuple[Any, ...] | None:
    """The first row that a statement returns, as the database stores it; None where there is none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, _adapted(values))
        rows = cursor.fetchall()
    return rows[0] if rows else None


def _adapted(values: Sequence[Any]) -> list[Any]:
    return [_ADAPTERS.get(type(value), _as_it_is)(value) for value in values]


def _as_it_is(value: Any) -> Any:
    return value


def _uuid(value: uuid.UUID) -> uuid.UUID | str:
    return value if connection.features.has_native_uuid_field else value.hex


def _moment(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _json(value: dict[str, Any]) -> Any:
    return connection.ops.adapt_json_value(value, None)


_ADAPTERS: Final[dict[type, Callable[[Any], Any]]] = {uuid.UUID: _uuid, datetime: _moment, dict: _json}
"""How values that the databases do not store alike are given to them."""


class Given(Expression):
    """In a prepared query, the place of a value that comes with each call."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """A placeholder, with itself as the value to be replaced."""
        return "%s", [self]


class Prepared(Generic[M]):
    """A query over rows and the rows they select along, with `Given` values. Made lazily, when first used."""

    def __init__(self, build: Callable[[], QuerySet[M]]) -> None:
        self._build = build

    def rows(self, **values: Any) -> list[M]:
        """The rows for these values, as the query itself would give them."""
        text = self._text
        with connection.cursor() as cursor:
            cursor.execute(text.sql, _adapted([_value(each, values) for each in text.parameters]))
            found = cursor.fetchall()
        return [text.made(list(row)) for row in found]

    @cached_property
    def _text(self) -> _Text[M]:
        query = self._build()
        compiler = query.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        return _Text(query.model, sql, tuple(parameters), compiler)


def _value(parameter: Any, values: Mapping[str, Any]) -> Any:
    return values[parameter.name] if isinstance(parameter, Given) else parameter


class _Text(Generic[M]):
    """The text of a query, and how its answer becomes rows."""

    def __init__(self, model: type[M], sql: str, parameters: tuple[Any, ...], compiler: SQLCompiler) -> None:
        self.model, self.sql, self.parameters = model, sql, parameters
        columns = compiler.select or []
        own = (compiler.klass_info or {})["select_fields"]
        self.span = slice(own[0], own[-1] + 1)
        self.names = [column[0].target.attname for column in columns[self.span]]
        # The stubs describe a later Django here.
        self.related = get_related_populators(compiler.klass_info, columns, connection.alias)  # type: ignore[call-arg]
        self.annotations = list((compiler.annotation_col_map or {}).items())
        self.converters = list(compiler.get_converters([column[0] for column in columns]).items())

    def made(self, row: list[Any]) -> M:
        """The model of one row of the answer, with its related ones and its annotations."""
        for position, (converters, expression) in self.converters:
            for convert in converters:
                row[position] = convert(row[position], expression, connection)
        made = self.model.from_db(connection.alias, self.names, row[self.span])
        for related in self.related:
            related.populate(row, made)
        for name, position in self.annotations:
            setattr(made, name, row[position])
        return made
