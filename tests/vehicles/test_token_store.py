"""The store keeps Tesla's tokens unreadable, opens them only where they belong, and lets one process refresh."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from tests.factories import TeslaAccountFactory
from vehicles import encryption
from vehicles.models import Integration, TeslaToken
from vehicles.tesla.auth import Tokens
from vehicles.tokens import lease as token_lease
from vehicles.tokens import store
from vehicles.tokens.lease import Lease

pytestmark = pytest.mark.django_db

PAIR = Tokens(access_token="access-one", refresh_token="EU_refresh-one", expires_in=28800)
NEXT = Tokens(access_token="access-two", refresh_token="EU_refresh-two", expires_in=28800)


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


def stored(now: datetime) -> store.StoredTokens:
    account = TeslaAccountFactory()
    store.store_login(account, Integration.FLEET, PAIR, now)
    loaded = store.load(account, Integration.FLEET)
    assert loaded is not None
    return loaded


def test_what_was_stored_comes_back_and_stands_nowhere_in_the_row(now: datetime) -> None:
    loaded = stored(now)
    assert (loaded.access_token, loaded.refresh_token) == ("access-one", "EU_refresh-one")
    row = TeslaToken.objects.get()
    kept = b"".join(bytes(value) for value in (row.access_token, row.refresh_token))
    assert b"access-one" not in kept
    assert b"refresh-one" not in kept
    assert "access-one" not in repr(loaded)


def test_a_value_moved_to_another_row_or_field_does_not_open(now: datetime) -> None:
    first, second = stored(now), stored(now)
    moved = TeslaToken.objects.get(pk=first.row_id).access_token
    TeslaToken.objects.filter(pk=second.row_id).update(access_token=moved)
    with pytest.raises(encryption.DecryptionError):
        store.load(TeslaToken.objects.get(pk=second.row_id).account, Integration.FLEET)


def test_a_new_key_writes_and_the_old_one_still_reads(settings: Any) -> None:
    settings.VAULT_KEYS = [f"old:{key('a')}"]
    encrypted = encryption.encrypt("purpose", "secret")
    settings.VAULT_KEYS = [f"new:{key('b')}", f"old:{key('a')}"]
    assert encryption.decrypt("purpose", encrypted) == "secret"
    assert encryption.encrypt("purpose", "secret").startswith(b"new:")
    settings.VAULT_KEYS = [f"new:{key('b')}"]
    with pytest.raises(encryption.DecryptionError):
        encryption.decrypt("purpose", encrypted)


def take(loaded: store.StoredTokens, now: datetime) -> Lease | None:
    return token_lease.take(loaded.row_id, loaded.generation, now)


def keep(loaded: store.StoredTokens, lease: Lease, now: datetime, used: str = "") -> bool:
    account = TeslaToken.objects.get(pk=loaded.row_id).account
    with transaction.atomic():
        return store.store_refreshed(
            account,
            Integration.FLEET,
            loaded,
            lease,
            NEXT,
            used=used or loaded.refresh_token,
            superseded=False,
            now=now,
        )


def test_one_process_gets_the_lease_and_the_others_do_not(now: datetime) -> None:
    loaded = stored(now)
    assert take(loaded, now)
    assert take(loaded, now) is None
    assert take(loaded, now + token_lease.LEASE + timedelta(seconds=1))


def test_after_a_refresh_a_process_that_still_holds_the_old_pair_gets_no_lease(now: datetime) -> None:
    loaded = stored(now)
    lease = take(loaded, now)
    assert lease and keep(loaded, lease, now)
    assert take(loaded, now + timedelta(seconds=2)) is None
    current = store.load(TeslaToken.objects.get().account, Integration.FLEET)
    assert current is not None
    assert (current.refresh_token, current.previous_refresh_token) == ("EU_refresh-two", "EU_refresh-one")
    assert current.generation == loaded.generation + 1


def test_a_holder_that_comes_back_after_its_lease_writes_nothing(now: datetime) -> None:
    loaded = stored(now)
    late = take(loaded, now)
    other = take(loaded, now + token_lease.LEASE + timedelta(seconds=1))
    assert late and other and other.after_unknown
    assert not keep(loaded, late, now)
    assert not token_lease.prolong(late, now)
    assert keep(loaded, other, now)


def test_a_login_keeps_the_refresh_token_before_it_beside_its_own(now: datetime) -> None:
    account = TeslaToken.objects.get(pk=stored(now).row_id).account
    store.store_login(account, Integration.FLEET, NEXT, now)
    current = store.load(account, Integration.FLEET)
    assert current is not None
    assert (current.refresh_token, current.previous_refresh_token) == ("EU_refresh-two", "EU_refresh-one")


def test_a_login_mends_a_row_whose_key_is_gone(now: datetime, settings: Any) -> None:
    account = TeslaToken.objects.get(pk=stored(now).row_id).account
    settings.VAULT_KEYS = [f"new:{key('b')}"]
    store.store_login(account, Integration.FLEET, NEXT, now)
    current = store.load(account, Integration.FLEET)
    assert current is not None
    assert (current.refresh_token, current.previous_refresh_token) == ("EU_refresh-two", "")


def test_tokens_about_to_expire_are_not_fresh(now: datetime) -> None:
    loaded = stored(now)
    assert loaded.is_fresh(now + timedelta(seconds=28800 - 61))
    assert not loaded.is_fresh(now + timedelta(seconds=28800 - 59))
