"""RS256 tokens as Tesla makes them (Fleet API: third-party tokens)."""

from __future__ import annotations

import base64
import json
import secrets
from functools import cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class InvalidToken(ValueError):
    """The text is not a token of this signer."""


class TokenSigner:
    """Signs claims and reads them back. Tokens of another signer are refused, by `kid`."""

    def __init__(self) -> None:
        self.kid = secrets.token_hex(8)
        self._header = _base64url(json.dumps({"alg": "RS256", "typ": "JWT", "kid": self.kid}).encode())

    def sign(self, claims: dict[str, Any]) -> str:
        """A token whose payload part also reads with the standard base64 alphabet, as Tesla's own proxy decodes it."""
        signed = f"{self._header}.{_plain_payload(claims)}"
        signature = _key().sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"

    def read(self, token: str) -> dict[str, Any]:
        """The claims of a token made by `sign`; expiry is not looked at. Raises `InvalidToken`."""
        header, _, rest = token.partition(".")
        payload, _, signature = rest.partition(".")
        if header != self._header:
            raise InvalidToken("not a token of this signer")
        try:
            _key().public_key().verify(
                _decoded(signature), f"{header}.{payload}".encode(), padding.PKCS1v15(), hashes.SHA256()
            )
        except (InvalidSignature, ValueError):
            raise InvalidToken("the signature does not fit") from None
        claims: dict[str, Any] = json.loads(_decoded(payload))
        return claims

    def public_keys(self) -> dict[str, Any]:
        """The key set document (JWKS) with which others can verify."""
        numbers = _key().public_key().public_numbers()
        return {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "alg": "RS256",
                    "kid": self.kid,
                    "n": _base64url(numbers.n.to_bytes(256, "big")),
                    "e": _base64url(numbers.e.to_bytes(3, "big")),
                }
            ]
        }


@cache
def _key() -> rsa.RSAPrivateKey:
    """One key for the life of the process; signers tell themselves apart by `kid`."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _plain_payload(claims: dict[str, Any]) -> str:
    """Base64 without the two letters that differ between the alphabets.

    In ASCII text only `>`, `?` and `~` can lead to them, and JSON may write these as escapes.
    """
    text = json.dumps(claims)
    for letter in ">?~":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return _base64url(text.encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
