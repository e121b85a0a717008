"""The operator's virtual key: the private half signs commands, the public half is what Tesla's app adds to cars."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from django.conf import settings

from vehicles.tesla.signing import PrivateKey


def private_key() -> PrivateKey | None:
    """The key from `TESLA_KEY_FILE`; None where none is configured. Raises `ValueError` for a wrong file."""
    return _private_key(settings.TESLA_KEY_FILE) if settings.TESLA_KEY_FILE else None


def public_key_pem() -> bytes | None:
    """The public half as the PEM file that Tesla fetches from the key domain; None where no key is configured."""
    return _public_key_pem(settings.TESLA_KEY_FILE) if settings.TESLA_KEY_FILE else None


@lru_cache(maxsize=4)
def _private_key(path: str) -> PrivateKey:
    return PrivateKey.from_pem(Path(path).read_bytes())


@lru_cache(maxsize=4)
def _public_key_pem(path: str) -> bytes:
    key = load_pem_private_key(Path(path).read_bytes(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
