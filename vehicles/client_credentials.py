"""Client ids and secrets. A random 32-byte secret needs no slow hash: SHA-256 keeps the token endpoint fast."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from typing import Any
from urllib.parse import unquote_plus

from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare
from oauth2_provider.generators import BaseHashGenerator


def checksum(secret: str) -> str:
    """SHA-256 in hexadecimal: what is stored of a random value, to find or compare it by."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def basic_credentials(encoded: str) -> list[tuple[str, str]]:
    """The names and secrets that credentials of HTTP Basic may stand for; empty for what are none.

    Clients send a secret percent-encoded as RFC 6749 (2.3.1) wants it, or raw as the SDKs do, and nothing tells which.
    """
    try:
        raw = tuple(base64.b64decode(encoded.strip()).decode().split(":", 1))
    except ValueError:
        return []
    name, secret = raw if len(raw) == 2 else ("", "")
    spellings = [(name, secret), (unquote_plus(name), unquote_plus(secret))] if secret else []
    return list(dict.fromkeys(spellings))


class RandomSecretHasher(BasePasswordHasher):
    """SHA-256 for secrets that we drew ourselves; never used for passwords that people choose."""

    algorithm = "random_secret"

    def salt(self) -> str:
        return ""

    def encode(self, password: str, salt: str = "") -> str:
        return f"{self.algorithm}${hashlib.sha256(password.encode()).hexdigest()}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, digest = encoded.split("$", 1)
        return {"algorithm": algorithm, "hash": digest, "salt": ""}

    def verify(self, password: str, encoded: str) -> bool:
        return constant_time_compare(self.encode(password), encoded)

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        return False

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to harden: the time does not depend on the secret."""


class ClientIdGenerator(BaseHashGenerator):
    """Client ids are UUIDs, as every client of the original API expects."""

    def hash(self) -> str:
        return str(uuid.uuid4())


class ClientSecretGenerator(BaseHashGenerator):
    """32 random bytes, readable only in the moment they are made."""

    def hash(self) -> str:
        return secrets.token_urlsafe(32)
