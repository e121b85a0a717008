"""Changing the vault's keys: all is encrypted anew, nothing is lost, and it is said which keys are still needed."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db.models import BinaryField
from django.utils import timezone

from portal import application_credentials
from tests.factories import ApplicationFactory, TeslaAccountFactory
from vehicles import encryption
from vehicles.models import Application, Integration, TeslaAccount, TeslaToken
from vehicles.tesla.auth import Tokens
from vehicles.tokens import key_rotation, store

pytestmark = pytest.mark.django_db

SESSION_COLUMNS = {"signingsession.vehicle_public_key", "signingsession.epoch"}
"""Bytes that are no secret."""


def entry(name: str) -> str:
    return f"{name}:{base64.b64encode(name[:1].encode() * 32).decode()}"


def sign_in(number: int, account: TeslaAccount | None = None) -> TeslaAccount:
    account = account or TeslaAccountFactory()
    tokens = Tokens(access_token=f"access-{number}", refresh_token=f"EU_{number}", expires_in=28_800)
    store.store_login(account, Integration.FLEET, tokens, timezone.now())
    return account


@pytest.fixture
def encrypted(settings: Any) -> dict[TeslaAccount, int]:
    """Five accounts and an application, encrypted with an old key; a new key is there since."""
    settings.VAULT_KEYS = [entry("old")]
    accounts = {sign_in(number): number for number in range(5)}
    application_credentials.keep_management_token(ApplicationFactory(), "management")
    settings.VAULT_KEYS = [entry("new"), entry("old")]
    return accounts


def rotate() -> tuple[int, str]:
    """The command's exit code, and all that it says."""
    told = io.StringIO()
    try:
        call_command("rotate_vault_keys", stdout=told, stderr=told, verbosity=0)
    except CommandError as error:
        return error.returncode, f"{told.getvalue()}{error}"
    except SystemExit as stop:
        return int(stop.code or 0), told.getvalue()
    return 0, told.getvalue()


def opened(account: TeslaAccount) -> store.StoredTokens:
    stored = store.load(account, Integration.FLEET)
    assert stored is not None
    return stored


def everything_opens(encrypted: dict[TeslaAccount, int]) -> bool:
    application = Application.objects.get()
    purpose = encryption.management_token_purpose(application.pk)
    assert encryption.decrypt(purpose, application.management_token_encrypted) == "management"
    return all(opened(account).access_token == f"access-{number}" for account, number in encrypted.items())


def test_every_column_of_bytes_is_encrypted_anew_or_known_to_be_no_secret() -> None:
    columns = {
        f"{model._meta.model_name}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, BinaryField)
    }
    assert columns == {each.name for each in key_rotation.ENCRYPTED_COLUMNS} | SESSION_COLUMNS


def test_afterwards_the_old_key_can_be_dropped(encrypted: dict[TeslaAccount, int], settings: Any) -> None:
    code, told = rotate()
    assert code == 0
    assert "11 values sealed with new" in told
    assert "Key new: 11 values." in told
    assert "No longer needed in VAULT_KEYS: old." in told
    settings.VAULT_KEYS = [entry("new")]
    assert everything_opens(encrypted)


def test_a_second_run_finds_nothing_to_do(encrypted: dict[TeslaAccount, int]) -> None:
    rotate()
    before = list(TeslaToken.objects.order_by("pk").values_list("access_token", "refresh_token"))
    code, told = rotate()
    assert (code, "0 values sealed" in told) == (0, True)
    after = list(TeslaToken.objects.order_by("pk").values_list("access_token", "refresh_token"))
    assert [tuple(map(bytes, row)) for row in before] == [tuple(map(bytes, row)) for row in after]


def test_a_run_that_was_stopped_goes_on_where_it_was(
    encrypted: dict[TeslaAccount, int], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_rotation, "BATCH", 2)
    whole = key_rotation.reencrypt

    def stopped_by_hand() -> Iterator[key_rotation.Batch]:
        batches = whole()
        yield next(batches)
        yield next(batches)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(key_rotation, "reencrypt", stopped_by_hand)
        code, told = rotate()
    assert code == 130
    assert "7 values left. Run it again" in told
    assert everything_opens(encrypted)
    code, told = rotate()
    assert (code, "7 values sealed" in told) == (0, True)
    settings.VAULT_KEYS = [entry("new")]
    assert everything_opens(encrypted)


def test_tokens_that_are_refreshed_in_the_same_moment_are_kept(
    encrypted: dict[TeslaAccount, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = next(iter(encrypted))
    opens = encryption.decrypt

    def refreshed_meanwhile(purpose: str, value: bytes) -> str:
        if opens(purpose, value) == "access-0":
            sign_in(100, account)
        return opens(purpose, value)

    with monkeypatch.context() as patch:
        patch.setattr(key_rotation.encryption, "decrypt", refreshed_meanwhile)
        code, told = rotate()
    assert code == 0
    assert "replaced by a refresh" in told
    assert (opened(account).access_token, opened(account).refresh_token) == ("access-100", "EU_100")


def test_what_cannot_be_opened_is_named_by_its_id_and_left_as_it_is(
    encrypted: dict[TeslaAccount, int], settings: Any
) -> None:
    settings.VAULT_KEYS = [entry("gone")]
    lost = sign_in(7)
    settings.VAULT_KEYS = [entry("new"), entry("old")]
    row = TeslaToken.objects.get(account=lost)
    code, told = rotate()
    assert code == 1
    assert f"teslatoken.access_token of row {row.pk}, key gone" in told
    assert "2 values are not sealed with new" in told
    assert "Key gone: 2 values." in told
    assert "No longer needed in VAULT_KEYS: old." in told
    assert "access-7" not in told
    settings.VAULT_KEYS = [entry("gone")]
    assert opened(lost).access_token == "access-7"


def test_two_keys_of_one_name_are_refused(settings: Any) -> None:
    settings.VAULT_KEYS = [entry("same"), f"same:{base64.b64encode(b'x' * 32).decode()}"]
    with pytest.raises(ImproperlyConfigured, match="same name"):
        encryption.encrypt("purpose", "secret")
