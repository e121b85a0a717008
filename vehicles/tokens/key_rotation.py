"""Changing the vault's keys: what is sealed where and with which key, and sealing it anew with the newest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import Model, Q, QuerySet

from vehicles import encryption
from vehicles.models import Application, TeslaToken
from vehicles.tokens import store

BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class EncryptedColumn:
    """A column of sealed values, and the purpose with which the value of a row (by its id) is sealed."""

    model: type[Model]
    column: str
    purpose: Callable[[Any], str]

    @property
    def name(self) -> str:
        return f"{self.model._meta.model_name}.{self.column}"

    def values(self) -> QuerySet[Any]:
        """The rows that hold something in this column."""
        return self.model._default_manager.exclude(**{self.column: b""})

    def with_key(self, key: str) -> Q:
        """Rows whose value is sealed with the key of this name, found by the bytes it begins with."""
        first, beyond = f"{key}:".encode(), f"{key};".encode()
        return Q(**{f"{self.column}__gte": first, f"{self.column}__lt": beyond})


ENCRYPTED_COLUMNS: Final = (
    EncryptedColumn(TeslaToken, "access_token", store.access_token_purpose),
    EncryptedColumn(TeslaToken, "refresh_token", store.refresh_token_purpose),
    EncryptedColumn(TeslaToken, "previous_refresh_token", store.refresh_token_purpose),
    EncryptedColumn(Application, "management_token_encrypted", encryption.management_token_purpose),
)
"""Everything that `sealing.seal` protects. A test holds it against the models."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A value that cannot be opened: where it stands, the name of its key, and why. Never the value itself."""

    place: str
    row_id: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some values. `changed` ones were replaced by somebody else in the same moment."""

    resealed: int
    changed: int
    closed: tuple[Closed, ...]

    @property
    def seen(self) -> int:
        return self.resealed + self.changed + len(self.closed)


def remaining() -> int:
    """How many values are not sealed with the newest key."""
    return sum(_waiting(sealed).count() for sealed in ENCRYPTED_COLUMNS)


def reencrypt() -> Iterator[Batch]:
    """Seal every value with the newest key, a batch and transaction at a time; what is sealed so already is left.

    Safe beside running refreshes: a value is replaced only while it is still the one that was opened. It may be stopped
    anywhere and begun again.
    """
    for sealed in ENCRYPTED_COLUMNS:
        last = None
        while rows := _next(sealed, last):
            yield _reencrypt(sealed, rows)
            last = rows[-1][0]


def keys_in_use() -> Counter[str]:
    """How many values each key seals, by the key's name; also of keys that `VAULT_KEYS` no longer holds."""
    found: Counter[str] = Counter()
    for sealed in ENCRYPTED_COLUMNS:
        known = Q()
        for key in encryption.key_names():
            found[key] += sealed.values().filter(sealed.with_key(key)).count()
            known |= sealed.with_key(key)
        others = sealed.values().exclude(known).values_list(sealed.column, flat=True)
        found.update(encryption.key_of(value) for value in others.iterator())
    return +found


def _waiting(sealed: EncryptedColumn) -> QuerySet[Any]:
    return sealed.values().exclude(sealed.with_key(encryption.key_names()[0]))


def _next(sealed: EncryptedColumn, last: Any) -> list[tuple[Any, bytes]]:
    rows = _waiting(sealed).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__gt=last)
    return [(pk, bytes(value)) for pk, value in rows.values_list("pk", sealed.column)[:BATCH]]


def _reencrypt(sealed: EncryptedColumn, rows: list[tuple[Any, bytes]]) -> Batch:
    resealed, closed = 0, []
    with transaction.atomic():
        for pk, value in rows:
            try:
                resealed += _replace(sealed, pk, value)
            except encryption.VaultError as failure:
                closed.append(Closed(sealed.name, str(pk), encryption.key_of(value), str(failure)))
    return Batch(resealed, len(rows) - resealed - len(closed), tuple(closed))


def _replace(sealed: EncryptedColumn, pk: Any, value: bytes) -> int:
    purpose = sealed.purpose(pk)
    anew = encryption.encrypt(purpose, encryption.decrypt(purpose, value))
    unchanged = sealed.model._default_manager.filter(pk=pk, **{sealed.column: value})
    return unchanged.update(**{sealed.column: anew})
