"""Statements whose text is made once in a process, for the few that every request or signed command passes.

Django makes a statement's text anew for every call, which takes longer than the database takes to carry it out.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Final, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Expression, Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.models.sql import UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)


class Given(Expression):
    """In a prepared statement, the place of a value that comes with each call."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """A placeholder, with itself as the value to be replaced."""
        return "%s", [self]


class Prepared(Generic[M]):
    """A query over rows and the rows they select along, with `Given` values; made when it is first used."""

    def __init__(self, build: Callable[[], QuerySet[M]]) -> None:
        self._build = build

    def rows(self, **values: Any) -> list[M]:
        """The rows for these values, as the query itself would give them."""
        query, database = self._query, connections[DEFAULT_DB_ALIAS]
        with database.cursor() as cursor:
            cursor.execute(query.sql, query.constants | _adapted(values, database))
            found = cursor.fetchall()
        return [query.made(list(row), database) for row in found]

    @cached_property
    def _query(self) -> _Query[M]:
        query = self._build()
        return _Query(query.model, query.query.get_compiler(connection=connection))


class _Query(Generic[M]):
    """The text of a query, and how its answer becomes rows."""

    def __init__(self, model: type[M], compiler: SQLCompiler) -> None:
        self.model = model
        self.sql, self.constants = _named(*compiler.as_sql())
        columns = compiler.select or []
        own = (compiler.klass_info or {})["select_fields"]
        self.span = slice(own[0], own[-1] + 1)
        self.names = [column[0].target.attname for column in columns[self.span]]
        # The stubs describe a later Django here.
        self.related = get_related_populators(compiler.klass_info, columns, connection.alias)  # type: ignore[call-arg]
        self.annotations = list((compiler.annotation_col_map or {}).items())
        self.converters = list(compiler.get_converters([column[0] for column in columns]).items())

    def made(self, row: list[Any], database: BaseDatabaseWrapper) -> M:
        """The model of one row of the answer, with its related ones and its annotations."""
        for position, (converters, expression) in self.converters:
            for convert in converters:
                row[position] = convert(row[position], expression, database)
        made = self.model.from_db(database.alias, self.names, row[self.span])
        for related in self.related:
            related.populate(row, made)
        for name, position in self.annotations:
            setattr(made, name, row[position])
        return made


class PreparedUpdate(Generic[M]):
    """An update of the rows of a query, with `Given` values among its conditions and changes."""

    def __init__(
        self, build: Callable[[], QuerySet[M]], changes: Mapping[str, Any], *, returning: Sequence[str] = ()
    ) -> None:
        self._build, self._changes, self._returning = build, changes, returning

    def run(self, **values: Any) -> int:
        """Carry it out and return how many rows it changed."""
        sql, constants = self._text
        return run(sql, **constants, **values)

    def row(self, **values: Any) -> tuple[Any, ...] | None:
        """Carry it out and return the `returning` columns of the row it changed, as the database stores them."""
        (sql, constants), database = self._text, connections[DEFAULT_DB_ALIAS]
        with database.cursor() as cursor:
            cursor.execute(sql, constants | _adapted(values, database))
            rows = cursor.fetchall()
        return rows[0] if rows else None

    @cached_property
    def _text(self) -> tuple[str, dict[str, Any]]:
        query: Any = self._build().query.chain(UpdateQuery)
        query.add_update_values(self._changes)
        sql, constants = _named(*query.get_compiler(connection=connection).as_sql())
        columns = ", ".join(connection.ops.quote_name(name) for name in self._returning)
        return f"{sql} RETURNING {columns}" if columns else sql, constants


def insert(row: Model) -> bool:
    """Write a new row as it stands; False, with nothing written, where a unique constraint keeps its place taken."""
    sql, names = _insertion(type(row))
    if not run(sql, **{name: getattr(row, name) for name in names}):
        return False
    row._state.adding, row._state.db = False, connection.alias
    return True


@lru_cache(maxsize=16)
def _insertion(model: type[Model]) -> tuple[str, list[str]]:
    fields = [field for field in model._meta.concrete_fields if not field.db_returning]
    columns = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    places = ", ".join(f"%({field.attname})s" for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    sql = f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
    return sql, [field.attname for field in fields]


def run(sql: str, **values: Any) -> int:
    """Carry out a writing statement and return how many rows it touched; a value stands where it says `%(name)s`."""
    database = connections[DEFAULT_DB_ALIAS]
    with database.cursor() as cursor:
        cursor.execute(sql, _adapted(values, database))
        return cursor.rowcount


def _named(sql: str, parameters: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """The text with a name in each place, and the values that are always the same.

    Named places are cheaper on SQLite, where Django looks for others in the whole text with each call.
    """
    names = [each.name if isinstance(each, Given) else f"constant{at}" for at, each in enumerate(parameters)]
    constants = {
        name: each for name, each in zip(names, parameters, strict=True) if not isinstance(each, Given)
    }
    first, *others = sql.split("%s")
    text = "".join(f"%({name})s{part}" for name, part in zip(names, others, strict=True))
    return first + text, constants


def _adapted(values: Mapping[str, Any], database: BaseDatabaseWrapper) -> dict[str, Any]:
    return {
        name: _ADAPTERS[kind](value, database) if (kind := type(value)) in _ADAPTERS else value
        for name, value in values.items()
    }


def _uuid(value: uuid.UUID, database: BaseDatabaseWrapper) -> uuid.UUID | str:
    return value if database.features.has_native_uuid_field else value.hex


def _moment(value: datetime, database: BaseDatabaseWrapper) -> Any:
    return database.ops.adapt_datetimefield_value(value)


def _json(value: dict[str, Any] | list[Any], database: BaseDatabaseWrapper) -> Any:
    return database.ops.adapt_json_value(value, None)


_ADAPTERS: Final[dict[type, Callable[[Any, BaseDatabaseWrapper], Any]]] = {
    uuid.UUID: _uuid,
    datetime: _moment,
    dict: _json,
    list: _json,
}
"""How values that the databases do not store alike are given to them."""
