"""The P-256 key pairs of both ends and the secrets that two of them share."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

NONCE_BYTES = 12
_GCM_TAG_BYTES = 16


class UnsuitableKey(ValueError):
    """The key is not on P-256, the only curve that cars accept."""


class TamperedMessage(Exception):
    """A tag does not fit what it should protect."""


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """The secrets that one client key and one car computer share (K, Ks and Kc of the protocol).

    Whoever holds them can forge commands for that computer, so they have no readable form.
    """

    encryption: bytes = field(repr=False)
    session_info: bytes = field(repr=False)
    command: bytes = field(repr=False)

    def session_info_tag(self, metadata: bytes, info: bytes) -> bytes:
        """The 32 bytes that prove who sent serialised session info."""
        return hmac.digest(self.session_info, metadata + info, "sha256")

    def command_tag(self, metadata: bytes, payload: bytes) -> bytes:
        """The 32 bytes that authorise a command sent in the clear."""
        return hmac.digest(self.command, metadata + payload, "sha256")

    def encrypt(self, nonce: bytes, payload: bytes, metadata: bytes) -> tuple[bytes, bytes]:
        """Ciphertext and 16-byte tag of a payload; the tag covers the metadata too."""
        sealed = AESGCM(self.encryption).encrypt(nonce, payload, hashlib.sha256(metadata).digest())
        return sealed[:-_GCM_TAG_BYTES], sealed[-_GCM_TAG_BYTES:]

    def decrypt(self, nonce: bytes, ciphertext: bytes, tag: bytes, metadata: bytes) -> bytes:
        """The payload. Raises `TamperedMessage` if anything that the tag covers was changed."""
        if len(nonce) != NONCE_BYTES or len(tag) != _GCM_TAG_BYTES:
            raise TamperedMessage("nonce or tag has the wrong length")
        try:
            return AESGCM(self.encryption).decrypt(nonce, ciphertext + tag, hashlib.sha256(metadata).digest())
        except InvalidTag:
            raise TamperedMessage("the tag of an encrypted message is wrong") from None


class PrivateKey:
    """A P-256 private key: the operator's on our side, a computer's own in a simulated car."""

    __slots__ = ("_key", "public_key")

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(key.curve, ec.SECP256R1):
            raise UnsuitableKey("the key is not on P-256")
        self._key = key
        self.public_key: bytes = _point(key.public_key())
        """The uncompressed point, 65 bytes: how messages name this key."""

    @classmethod
    def from_pem(cls, pem: bytes, password: bytes | None = None) -> PrivateKey:
        """Read a PEM file. Raises `UnsuitableKey` for another kind of key, `ValueError` for what is no key at all."""
        key = load_pem_private_key(pem, password)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise UnsuitableKey("the key is not an elliptic curve key")
        return cls(key)

    @classmethod
    def from_scalar(cls, scalar: int) -> PrivateKey:
        """The key with this secret number, from 1 to the group order exclusive; `ValueError` otherwise."""
        return cls(ec.derive_private_key(scalar, ec.SECP256R1()))

    def session_keys(self, peer_public_key: bytes) -> SessionKeys:
        """The secrets shared with the holder of that uncompressed point. Raises `ValueError` if it is not
        on the curve.
        """
        return _session_keys(self._key, peer_public_key)

    def __repr__(self) -> str:
        return f"PrivateKey(public_key={self.public_key.hex()[:16]}...)"


@lru_cache(maxsize=4096)
def _session_keys(key: ec.EllipticCurvePrivateKey, peer_public_key: bytes) -> SessionKeys:
    """Two keys fix the secrets for ever, and agreeing on them is most of the work of signing: they are kept a while."""
    peer = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), peer_public_key)
    shared = key.exchange(ec.ECDH(), peer)
    # SHA-1 here is key derivation prescribed by the protocol, not a signature.
    derived = hashlib.sha1(shared, usedforsecurity=False).digest()[:16]
    return SessionKeys(
        encryption=derived,
        session_info=hmac.digest(derived, b"session info", "sha256"),
        command=hmac.digest(derived, b"authenticated command", "sha256"),
    )


def forget_session_keys() -> None:
    """Work out every shared secret anew."""
    _session_keys.cache_clear()


def public_key_from_pem(pem: bytes) -> bytes:
    """The uncompressed point (65 bytes) of a public key file. Raises `UnsuitableKey` or `ValueError`."""
    key = load_pem_public_key(pem)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UnsuitableKey("the key is not on P-256")
    return _point(key)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
