"""Changing the vault's keys: what is encrypted where and with which key, and encrypting it anew with the newest."""

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
    """A field of encrypted values, and the purpose for which the value of a row (by its id) is encrypted."""

    model: type[Model]
    field: str
    purpose: Callable[[Any], str]

    @property
    def name(self) -> str:
        return f"{self.model._meta.model_name}.{self.field}"

    def values(self) -> QuerySet[Any]:
        """The rows that hold something in this field."""
        return self.model._default_manager.exclude(**{self.field: b""})

    def with_key(self, key: str) -> Q:
        """Rows whose value is encrypted with the key of this name, found by the bytes it begins with."""
        first, beyond = f"{key}:".encode(), f"{key};".encode()
        return Q(**{f"{self.field}__gte": first, f"{self.field}__lt": beyond})


ENCRYPTED_COLUMNS: Final = (
    EncryptedColumn(TeslaToken, "access_token", store.access_token_purpose),
    EncryptedColumn(TeslaToken, "refresh_token", store.refresh_token_purpose),
    EncryptedColumn(TeslaToken, "previous_refresh_token", store.refresh_token_purpose),
    EncryptedColumn(Application, "management_token_encrypted", encryption.management_token_purpose),
)
"""Everything that `encryption.encrypt` protects. A test holds it against the models."""


@dataclass(frozen=True, slots=True)
class Undecryptable:
    """A value that cannot be decrypted: where it stands, the name of its key, and why. Never the value itself."""

    place: str
    row_id: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of some values. `changed` ones were replaced by somebody else in the same moment."""

    reencrypted: int
    changed: int
    undecryptable: tuple[Undecryptable, ...]

    @property
    def seen(self) -> int:
        return self.reencrypted + self.changed + len(self.undecryptable)


def remaining() -> int:
    """How many values are not encrypted with the newest key."""
    return sum(_waiting(column).count() for column in ENCRYPTED_COLUMNS)


def reencrypt() -> Iterator[Batch]:
    """Encrypt every value with the newest key, a batch and transaction at a time; what has it already is left.

    Safe beside running refreshes: a value is replaced only while it is still the one that was decrypted. It may be
    stopped anywhere and begun again.
    """
    for column in ENCRYPTED_COLUMNS:
        last = None
        while rows := _next(column, last):
            yield _reencrypt(column, rows)
            last = rows[-1][0]


def keys_in_use() -> Counter[str]:
    """How many values each key encrypts, by the key's name; also of keys that `VAULT_KEYS` no longer holds."""
    found: Counter[str] = Counter()
    for column in ENCRYPTED_COLUMNS:
        known = Q()
        for key in encryption.key_names():
            found[key] += column.values().filter(column.with_key(key)).count()
            known |= column.with_key(key)
        others = column.values().exclude(known).values_list(column.field, flat=True)
        found.update(encryption.key_of(value) for value in others.iterator())
    return +found


def _waiting(column: EncryptedColumn) -> QuerySet[Any]:
    return column.values().exclude(column.with_key(encryption.key_names()[0]))


def _next(column: EncryptedColumn, last: Any) -> list[tuple[Any, bytes]]:
    rows = _waiting(column).order_by("pk")
    if last is not None:
        rows = rows.filter(pk__gt=last)
    return [(pk, bytes(value)) for pk, value in rows.values_list("pk", column.field)[:BATCH]]


def _reencrypt(column: EncryptedColumn, rows: list[tuple[Any, bytes]]) -> Batch:
    reencrypted, undecryptable = 0, []
    with transaction.atomic():
        for pk, value in rows:
            try:
                reencrypted += _replace(column, pk, value)
            except encryption.DecryptionError as failure:
                undecryptable.append(
                    Undecryptable(column.name, str(pk), encryption.key_of(value), str(failure))
                )
    return Batch(reencrypted, len(rows) - reencrypted - len(undecryptable), tuple(undecryptable))


def _replace(column: EncryptedColumn, pk: Any, value: bytes) -> int:
    purpose = column.purpose(pk)
    anew = encryption.encrypt(purpose, encryption.decrypt(purpose, value))
    unchanged = column.model._default_manager.filter(pk=pk, **{column.field: value})
    return unchanged.update(**{column.field: anew})
