"""Opening and using what a setting names, as a deployment will: keys, the key file, database, cache and broker.

Each function returns what is wrong, in one sentence without any value, and nothing where all is well.
"""

from __future__ import annotations

import copy
import secrets
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from portal.running import health
from portal.running.cache import STRICT
from vehicles import encryption

CONNECT_SECONDS: Final = 5
_LEAST_DIFFERENT_BYTES: Final = 8
"""32 random bytes hold fewer different ones than this once in more than 10^20 draws."""


def vault_keys() -> str:
    """Encrypt and decrypt with the newest key; every key must look drawn at random."""
    if not settings.VAULT_KEYS:
        return "Tesla's tokens have no encryption key of their own."
    try:
        keys = encryption.keys_in(settings.VAULT_KEYS)
        opened = encryption.decrypt("check", encryption.encrypt("check", "a text"))
    except (ValueError, ImproperlyConfigured, encryption.DecryptionError) as fault:
        return f"VAULT_KEYS cannot be used: {fault}"
    weak = [name for name, key in keys if len(set(key)) < _LEAST_DIFFERENT_BYTES]
    if weak:
        return f"VAULT_KEYS: {', '.join(weak)} is not random."
    return "" if opened == "a text" else "VAULT_KEYS do not open what they sealed."


def key_file() -> str:
    """Read the virtual key and check that it is one that cars take."""
    if not settings.TESLA_KEY_FILE:
        return "There is no virtual key."
    try:
        pem = Path(settings.TESLA_KEY_FILE).read_bytes()
    except (OSError, ValueError) as fault:
        return f"TESLA_KEY_FILE cannot be read: {getattr(fault, 'strerror', None) or 'it is no path'}."
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "TESLA_KEY_FILE holds no private key in PEM format without a password."
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        return "TESLA_KEY_FILE holds a private key that is not on the curve P-256."
    return ""


def key_file_is_private() -> str:
    """Whether others on this machine can read the virtual key."""
    try:
        file = Path(settings.TESLA_KEY_FILE)
        exposed = file.is_file() and file.stat().st_mode & stat.S_IROTH
    except (OSError, ValueError):
        return ""
    return "Everybody on this machine can read TESLA_KEY_FILE." if exposed else ""


def database() -> str:
    """Connect as the portal will, and see whether it may write."""
    ours = connections[DEFAULT_DB_ALIAS]
    of = copy.deepcopy(ours.settings_dict)
    if ours.vendor == "postgresql":
        options = {name: value for name, value in of["OPTIONS"].items() if name != "pool"}
        of["OPTIONS"] = options | {"connect_timeout": CONNECT_SECONDS}
    # A connection of its own: the pool would wait half a minute for a server that refuses at once.
    own = type(ours)(of, alias="check")
    try:
        with own.cursor() as cursor:
            cursor.execute(_CAN_WRITE[own.vendor])
            answer = cursor.fetchone()
            if answer and answer[0] == "on":
                return "The database of DATABASE_URL takes no writes."
            if own.vendor == "sqlite":
                cursor.execute("ROLLBACK")
    except DatabaseError as fault:
        return f"The database of DATABASE_URL cannot be used: {type(fault).__name__}."
    finally:
        own.close()
    return ""


_CAN_WRITE: Final = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SHOW transaction_read_only"}


def cached() -> str:
    """Write a value and read it back."""
    name, value, cache = f"check-{secrets.token_hex(8)}", secrets.token_hex(8), caches[STRICT]
    try:
        cache.set(name, value, timeout=60)
        found = cache.get(name)
        cache.delete(name)
    except (OSError, RedisError, ValueError) as fault:
        return f"The cache of CACHE_URL cannot be used: {type(fault).__name__}."
    return "" if found == value else "The cache of CACHE_URL forgets what was just written."


def broker() -> str:
    """Connect to the broker, or look whether its folder can be written."""
    try:
        health.CHECKS["broker"]()
    except (OSError, OperationalError, RedisError, ValueError) as fault:
        return f"The broker of CELERY_BROKER_URL cannot be used: {type(fault).__name__}."
    return ""
