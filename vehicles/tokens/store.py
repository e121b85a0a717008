"""The store of Tesla's tokens, encrypted at rest. No network.

The row's id and the field's name are authenticated with each value (`encryption`), so it cannot be moved elsewhere.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from vehicles.db.compiled_queries import Given, Prepared
from vehicles.db.process_cache import Recent
from vehicles.encryption import DecryptionError, decrypt, encrypt
from vehicles.models import TeslaAccount, TeslaToken
from vehicles.tesla.auth import Tokens
from vehicles.tokens.lease import LEASE, Lease

RENEW_WITH_LEFT: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class StoredTokens:
    """Decrypted tokens of one account and interface; the values never appear in a representation."""

    row_id: uuid.UUID
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    previous_refresh_token: str = field(repr=False)
    generation: int
    expires_at: datetime | None
    refreshed_at: datetime | None
    overlapped: bool = False
    superseded_at: datetime | None = None
    ended: str = ""
    lease_holder: uuid.UUID | None = None
    lease_until: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token lives long enough to be used."""
        return (
            bool(self.access_token)
            and self.expires_at is not None
            and self.expires_at - now > RENEW_WITH_LEFT
        )


def store_login(account: TeslaAccount, integration: str, tokens: Tokens, now: datetime) -> None:
    """Keep the tokens of a fresh login.

    Tesla has ended the earlier ones by then, but a refresh that was under way in the same moment may have ended the new
    ones instead: so the refresh token that was stored stays beside the new one.
    """
    TeslaToken.objects.get_or_create(account=account, integration=integration)
    with transaction.atomic():
        newest = _lock_newest_generation(account, integration)
        row = TeslaToken.objects.select_for_update().get(account=account, integration=integration)
        TeslaToken.objects.filter(pk=row.pk).update(
            **_pair(row.pk, tokens, now),
            previous_refresh_token=row.refresh_token if _is_decryptable(row) else b"",
            generation=max(newest, row.generation) + 1,
            overlapped=_was_refreshed_meanwhile(row, now),
            superseded_at=None,
        )
        _set_newest_generation(account, integration, max(newest, row.generation) + 1)


def cached_access_token(account: TeslaAccount, integration: str, now: datetime) -> str:
    """The access token of the newest pair, as the account's own row names it, where this process has decrypted that
    very pair before and it lives long enough; else empty.
    """
    stored = DECRYPTED.get((account.pk, str(integration)))
    newest = getattr(account, f"{integration}_generation")
    return stored.access_token if stored and stored.generation == newest and stored.is_fresh(now) else ""


DECRYPTED: Final = Recent[tuple[uuid.UUID, str], StoredTokens](2000)


def load(account: TeslaAccount, integration: str) -> StoredTokens | None:
    """The account's tokens for one interface; None when it never signed in there. Raises `DecryptionError`."""
    rows = _STORED.rows(account=account.pk, integration=str(integration))
    if not rows:
        return None
    row = rows[0]
    stored = StoredTokens(
        row_id=row.pk,
        access_token=decrypt(access_token_purpose(row.pk), row.access_token),
        refresh_token=decrypt(refresh_token_purpose(row.pk), row.refresh_token),
        previous_refresh_token=decrypt(refresh_token_purpose(row.pk), row.previous_refresh_token),
        generation=row.generation,
        expires_at=row.expires_at,
        refreshed_at=row.refreshed_at,
        overlapped=row.overlapped,
        superseded_at=row.superseded_at,
        ended=row.ended,
        lease_holder=row.lease_holder,
        lease_until=row.lease_until,
    )
    DECRYPTED.keep(
        (account.pk, str(integration)), replace(stored, refresh_token="", previous_refresh_token="")
    )
    return stored


_STORED: Final = Prepared(
    lambda: TeslaToken.objects.filter(account=Given("account"), integration=Given("integration"))
)


def store_refreshed(
    account: TeslaAccount,
    integration: str,
    stored: StoredTokens,
    lease: Lease,
    tokens: Tokens,
    *,
    used: str,
    superseded: bool,
    now: datetime,
) -> bool:
    """Write the new pair and keep the `used` refresh token beside it, in one statement; gives the lease back.

    False, and nothing written, when the lease was lost meanwhile. To be called in a transaction.
    """
    generation = max(_lock_newest_generation(account, integration), stored.generation) + 1
    kept = lease.held().update(
        **_pair(stored.row_id, tokens, now),
        previous_refresh_token=encrypt_refresh_token(stored.row_id, used),
        generation=generation,
        overlapped=lease.after_unknown,
        superseded_at=now if superseded else stored.superseded_at,
    )
    if kept:
        _set_newest_generation(account, integration, generation)
    return bool(kept)


def keep_beside(stored: StoredTokens, refresh_token: str) -> None:
    """Keep one more refresh token that may be the living one, in the place of the one before."""
    unchanged = TeslaToken.objects.filter(pk=stored.row_id, generation=stored.generation)
    unchanged.update(previous_refresh_token=encrypt_refresh_token(stored.row_id, refresh_token))


def newest_generation(account: TeslaAccount, integration: str) -> int:
    """The newest pair of this login that there ever was, as the account's own row remembers it."""
    return TeslaAccount.objects.values_list(f"{integration}_generation", flat=True).get(pk=account.pk)


@contextmanager
def durable() -> Iterator[None]:
    """What is committed inside has reached the disk when the commit returns.

    SQLite leaves that to the system here, for speed; PostgreSQL does so anyway.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous = NORMAL")


def _lock_newest_generation(account: TeslaAccount, integration: str) -> int:
    """The same as `newest_generation`, with the account's row locked: pairs are stored one after the other."""
    locked = TeslaAccount.objects.select_for_update().values_list(f"{integration}_generation", flat=True)
    return locked.get(pk=account.pk)


def _set_newest_generation(account: TeslaAccount, integration: str, generation: int) -> None:
    DECRYPTED.forget((account.pk, str(integration)))
    TeslaAccount.objects.filter(pk=account.pk).update(**{f"{integration}_generation": generation})


def _was_refreshed_meanwhile(row: TeslaToken, now: datetime) -> bool:
    """Whether a refresh is under way or ended in the moments that a login takes."""
    return row.lease_until is not None or (row.refreshed_at is not None and now - row.refreshed_at < LEASE)


def _is_decryptable(row: TeslaToken) -> bool:
    """Whether the refresh token can be carried on; a login also mends a row whose key is gone."""
    try:
        return bool(decrypt(refresh_token_purpose(row.pk), row.refresh_token))
    except DecryptionError:
        return False


def encrypt_refresh_token(row_id: uuid.UUID, token: str) -> bytes:
    """A refresh token as its row keeps it; for rows that do not come from a login."""
    return encrypt(refresh_token_purpose(row_id), token)


def _pair(row_id: uuid.UUID, tokens: Tokens, now: datetime) -> dict[str, Any]:
    """The columns of a new pair; nothing that was said of the one before holds any longer."""
    return {
        "access_token": encrypt(access_token_purpose(row_id), tokens.access_token),
        "refresh_token": encrypt_refresh_token(row_id, tokens.refresh_token),
        "expires_at": now + timedelta(seconds=tokens.expires_in),
        "refreshed_at": now,
        "ended": "",
        "lease_holder": None,
        "lease_until": None,
    }


def access_token_purpose(row_id: uuid.UUID) -> str:
    """What the access token of this row is encrypted for."""
    return f"tesla_token:{row_id}:access_token"


def refresh_token_purpose(row_id: uuid.UUID) -> str:
    """What the refresh tokens of this row are encrypted for; the one before may be moved to its own column as it is."""
    return f"tesla_token:{row_id}:refresh_token"
