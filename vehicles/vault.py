"""The vault: Tesla's tokens encrypted at rest, and the lease that lets one process at a time refresh them. No network.

AES-GCM with a named key; the newest of `VAULT_KEYS` writes, all of them read. The row's id and the field's name are
authenticated with the text, so a value cannot be moved to another row or field.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import CharField, Q, UUIDField

from vehicles.models import TeslaAccount, TeslaToken
from vehicles.prepared import Given, Prepared
from vehicles.tesla.auth import Tokens

RENEW_WITH_LEFT: Final = timedelta(seconds=60)
LEASE: Final = timedelta(seconds=40)
_NONCE_BYTES: Final = 12


class VaultError(Exception):
    """A stored value cannot be opened: its key is not among `VAULT_KEYS`, or the value was tampered with."""


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """Opened tokens of one account and interface; the values never appear in a representation."""

    row_id: uuid.UUID
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    previous_refresh_token: str = field(repr=False)
    expires_at: datetime | None
    refreshed_at: datetime | None
    lease_until: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token lives long enough to be used."""
        return (
            bool(self.access_token)
            and self.expires_at is not None
            and self.expires_at - now > RENEW_WITH_LEFT
        )


def seal(purpose: str, text: str) -> bytes:
    """Encrypt a secret for one purpose (a stable name such as `application:12:management_token`)."""
    name, key = _keys()[0]
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return name.encode() + b":" + nonce + AESGCM(key).encrypt(nonce, text.encode(), purpose.encode())


def open_sealed(purpose: str, sealed: bytes | memoryview) -> str:
    """Decrypt what `seal` made for the same purpose; empty stays empty. Raises `VaultError`."""
    if not sealed:
        return ""
    rest = bytes(sealed).partition(b":")[2]
    key = dict(_keys()).get(key_of(sealed))
    if key is None:
        raise VaultError("sealed with a key that is not configured")
    try:
        return AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], purpose.encode()).decode()
    except InvalidTag:
        raise VaultError("the value was altered or belongs elsewhere") from None


def key_of(sealed: bytes | memoryview) -> str:
    """The name of the key that sealed this value."""
    return bytes(sealed).partition(b":")[0].decode("ascii", "replace")


def key_names() -> list[str]:
    """The names of `VAULT_KEYS`, newest first."""
    return [name for name, _ in _keys()]


def _keys() -> list[tuple[str, bytes]]:
    return _parse_keys(tuple(settings.VAULT_KEYS), settings.SECRET_KEY if settings.DEBUG else "")


@lru_cache(maxsize=4)
def _parse_keys(entries: tuple[str, ...], development_secret: str) -> list[tuple[str, bytes]]:
    if not entries and development_secret:
        return [("development", hashlib.sha256(f"vault:{development_secret}".encode()).digest())]
    keys = []
    for entry in entries:
        name, _, value = entry.partition(":")
        try:
            key = base64.b64decode(value, validate=True)
        except binascii.Error:
            key = b""
        if not name or not name.isascii() or len(key) != 32:
            raise ImproperlyConfigured("VAULT_KEYS: each entry is name:key, the key 32 bytes in base64.")
        keys.append((name, key))
    if len(dict(keys)) < len(keys):
        raise ImproperlyConfigured("VAULT_KEYS: two keys have the same name.")
    if not keys:
        raise ImproperlyConfigured("VAULT_KEYS is empty, so Tesla's tokens cannot be stored.")
    return keys


def store_login(account: TeslaAccount, integration: str, tokens: Tokens, now: datetime) -> None:
    """Keep the tokens of a fresh login; earlier ones of the same account and interface are dead at Tesla by then."""
    row, _ = TeslaToken.objects.get_or_create(account=account, integration=integration)
    TeslaToken.objects.filter(pk=row.pk).update(
        **_sealed_pair(row.pk, tokens),
        previous_refresh_token=b"",
        expires_at=now + timedelta(seconds=tokens.expires_in),
        refreshed_at=now,
        lease_holder=None,
        lease_until=None,
    )


def load(account: TeslaAccount, integration: str) -> StoredTokens | None:
    """The account's tokens for one interface; None when it never signed in there. Raises `VaultError`."""
    rows = _STORED.rows(account=account.pk, integration=str(integration))
    if not rows:
        return None
    row = rows[0]
    return StoredTokens(
        row_id=row.pk,
        access_token=open_sealed(access_token_purpose(row.pk), row.access_token),
        refresh_token=open_sealed(refresh_token_purpose(row.pk), row.refresh_token),
        previous_refresh_token=open_sealed(refresh_token_purpose(row.pk), row.previous_refresh_token),
        expires_at=row.expires_at,
        refreshed_at=row.refreshed_at,
        lease_until=row.lease_until,
    )


_STORED: Final = Prepared(
    lambda: TeslaToken.objects.filter(
        account=Given("account", UUIDField()), integration=Given("integration", CharField())
    )
)


def is_free(stored: StoredTokens, now: datetime) -> bool:
    """Whether no process holds the lease on this pair."""
    return stored.lease_until is None or stored.lease_until < now


def take_lease(stored: StoredTokens, now: datetime) -> uuid.UUID | None:
    """Become the one that refreshes this pair; None when another process is at it or has just done it.

    A conditional update, so it holds across processes and on every database. A lease that its holder never gave back
    ends by itself.
    """
    holder = uuid.uuid4()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    unchanged = Q(pk=stored.row_id, refreshed_at=stored.refreshed_at)
    taken = TeslaToken.objects.filter(free, unchanged).update(lease_holder=holder, lease_until=now + LEASE)
    return holder if taken else None


def store_refreshed(
    stored: StoredTokens, holder: uuid.UUID, tokens: Tokens, used: str, now: datetime
) -> None:
    """Write the new pair and keep the `used` refresh token beside it, in one statement; gives the lease back."""
    row = TeslaToken.objects.filter(pk=stored.row_id, lease_holder=holder)
    row.update(
        **_sealed_pair(stored.row_id, tokens),
        previous_refresh_token=seal_refresh_token(stored.row_id, used),
        expires_at=now + timedelta(seconds=tokens.expires_in),
        refreshed_at=now,
        lease_holder=None,
        lease_until=None,
    )


def give_back(stored: StoredTokens, holder: uuid.UUID) -> None:
    """End the lease without a change."""
    TeslaToken.objects.filter(pk=stored.row_id, lease_holder=holder).update(
        lease_holder=None, lease_until=None
    )


def seal_refresh_token(row_id: uuid.UUID, token: str) -> bytes:
    """A refresh token as its row keeps it; for rows that do not come from a login."""
    return seal(refresh_token_purpose(row_id), token)


def _sealed_pair(row_id: uuid.UUID, tokens: Tokens) -> dict[str, bytes]:
    return {
        "access_token": seal(access_token_purpose(row_id), tokens.access_token),
        "refresh_token": seal_refresh_token(row_id, tokens.refresh_token),
    }


def access_token_purpose(row_id: uuid.UUID) -> str:
    """What the access token of this row is sealed for."""
    return f"tesla_token:{row_id}:access_token"


def refresh_token_purpose(row_id: uuid.UUID) -> str:
    """What the refresh tokens of this row are sealed for; the one before may be moved to its own column as it is."""
    return f"tesla_token:{row_id}:refresh_token"


def management_token_purpose(application_id: int) -> str:
    """What an application's management token is sealed for."""
    return f"application:{application_id}:management_token"
