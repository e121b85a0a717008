"""Secrets encrypted at rest, each for one purpose.

AES-GCM with a named key; the newest of `VAULT_KEYS` writes, all of them read. The purpose is authenticated with the
text, so an encrypted value is of no use in another place.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


class DecryptionError(Exception):
    """A stored value cannot be decrypted: its key is not among `VAULT_KEYS`, or the value was tampered with."""


def encrypt(purpose: str, text: str) -> bytes:
    """Encrypt a secret for one purpose (a stable name such as `application:12:management_token`)."""
    name, key = _keys()[0]
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return name.encode() + b":" + nonce + AESGCM(key).encrypt(nonce, text.encode(), purpose.encode())


def decrypt(purpose: str, encrypted: bytes | memoryview) -> str:
    """Decrypt what `encrypt` made for the same purpose; empty stays empty. Raises `DecryptionError`."""
    if not encrypted:
        return ""
    rest = bytes(encrypted).partition(b":")[2]
    key = dict(_keys()).get(key_of(encrypted))
    if key is None:
        raise DecryptionError("encrypted with a key that is not configured")
    try:
        return AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], purpose.encode()).decode()
    except (InvalidTag, ValueError):
        raise DecryptionError("the value was altered or belongs elsewhere") from None


def key_of(encrypted: bytes | memoryview) -> str:
    """The name of the key that encrypted this value."""
    return bytes(encrypted).partition(b":")[0].decode("ascii", "replace")


def key_names() -> list[str]:
    """The names of `VAULT_KEYS`, newest first."""
    return [name for name, _ in _keys()]


def keys_in(entries: Iterable[str]) -> list[tuple[str, bytes]]:
    """The keys of such entries, `name:base64 of 32 bytes` each, by name. Raises `ValueError` with what is wrong."""
    keys: list[tuple[str, bytes]] = []
    for entry in entries:
        name, _, value = (part.strip() for part in entry.partition(":"))
        try:
            key = base64.b64decode(value, validate=True)
        except ValueError:
            key = b""
        if not _NAME.fullmatch(name) or len(key) != _KEY_BYTES:
            raise ValueError(
                "each entry is name:key, the name of letters, digits, dots and dashes, the key 32 bytes in base64."
            )
        keys.append((name, key))
    if len(dict(keys)) < len(keys):
        raise ValueError("two keys have the same name.")
    if len({key for _, key in keys}) < len(keys):
        raise ValueError("one key stands there under two names.")
    return keys


def _keys() -> list[tuple[str, bytes]]:
    return _parse_keys(tuple(settings.VAULT_KEYS), settings.SECRET_KEY if settings.DEBUG else "")


@lru_cache(maxsize=4)
def _parse_keys(entries: tuple[str, ...], development_secret: str) -> list[tuple[str, bytes]]:
    if not entries and development_secret:
        return [("development", hashlib.sha256(f"vault:{development_secret}".encode()).digest())]
    try:
        keys = keys_in(entries)
    except ValueError as fault:
        raise ImproperlyConfigured(f"VAULT_KEYS: {fault}") from None
    if not keys:
        raise ImproperlyConfigured("VAULT_KEYS is empty, so Tesla's tokens cannot be stored.")
    return keys


def management_token_purpose(application_id: int) -> str:
    """What an application's management token is encrypted for."""
    return f"application:{application_id}:management_token"
