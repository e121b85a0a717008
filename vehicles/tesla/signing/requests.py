"""Signing a command for one computer of one car (Fleet API: signed commands)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

from tesla_protocol.command import universal_message_pb2

from vehicles.tesla.signing.keys import NONCE_BYTES, PrivateKey, SessionKeys
from vehicles.tesla.signing.metadata import Domain, Flag, SignatureType, command_metadata, request_hash
from vehicles.tesla.signing.session import UUID_BYTES, Randomness, SessionInfo

DEFAULT_LIFETIME_SECONDS: Final = 10
HIGHEST_COUNTER: Final = 0xFFFFFFFF


class CounterExhausted(ValueError):
    """No counter is left in this epoch; shake hands, the car starts a new one."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A command ready to send, and what is needed to open its answer."""

    message: bytes = field(repr=False)
    """The serialised `RoutableMessage`; `signed_command` takes it as base64."""
    uuid: bytes
    routing_address: bytes
    request_hash: bytes = field(repr=False)
    domain: Domain
    vin: str
    counter: int
    expires_at: int
    """Seconds on the car's clock."""


def authorize(
    session: SessionInfo,
    payload: bytes,
    *,
    key: PrivateKey,
    counter: int,
    now: float,
    lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS,
    flags: int = Flag.NONE,
    signature_type: SignatureType = SignatureType.HMAC_PERSONALIZED,
    random: Randomness = secrets.token_bytes,
) -> SignedRequest:
    """Sign `payload` (of `vehicle_commands.encode`) for the session's computer, to be accepted until it expires.

    `counter` must be above every one used with this session's epoch; the caller takes it where all senders
    share it. HMAC leaves the payload readable, as Tesla's backend demands in order to check scopes; AES-GCM
    hides it and is for short range only. Raises `CounterExhausted`.
    """
    if not 0 < counter < HIGHEST_COUNTER:
        raise CounterExhausted(f"counter {counter} cannot be used")
    expires_at = session.vehicle_clock(now) + lifetime_seconds
    message = _envelope(session.domain, flags, random)
    metadata = command_metadata(
        signature_type, session.domain, session.vin, session.epoch, expires_at, counter, flags
    )
    message.signature_data.signer_identity.public_key = key.public_key
    keys = key.session_keys(session.vehicle_public_key)
    tag = _SIGNERS[signature_type](message, keys, metadata, payload, random)
    _state_session(message, session.epoch, counter, expires_at)
    return SignedRequest(
        message=message.SerializeToString(),
        uuid=message.uuid,
        routing_address=message.from_destination.routing_address,
        request_hash=request_hash(signature_type, tag, session.domain),
        domain=session.domain,
        vin=session.vin,
        counter=counter,
        expires_at=expires_at,
    )


def _envelope(domain: Domain, flags: int, random: Randomness) -> universal_message_pb2.RoutableMessage:
    message = universal_message_pb2.RoutableMessage(flags=flags)
    message.to_destination.domain = domain.value  # type: ignore[assignment]
    message.from_destination.routing_address = random(UUID_BYTES)
    message.uuid = random(UUID_BYTES)
    return message


def _sign_hmac(
    message: universal_message_pb2.RoutableMessage,
    keys: SessionKeys,
    metadata: bytes,
    payload: bytes,
    random: Randomness,
) -> bytes:
    tag = keys.command_tag(metadata, payload)
    message.protobuf_message_as_bytes = payload
    message.signature_data.HMAC_Personalized_data.tag = tag
    return tag


def _sign_aes_gcm(
    message: universal_message_pb2.RoutableMessage,
    keys: SessionKeys,
    metadata: bytes,
    payload: bytes,
    random: Randomness,
) -> bytes:
    nonce = random(NONCE_BYTES)
    ciphertext, tag = keys.encrypt(nonce, payload, metadata)
    message.protobuf_message_as_bytes = ciphertext
    message.signature_data.AES_GCM_Personalized_data.nonce = nonce
    message.signature_data.AES_GCM_Personalized_data.tag = tag
    return tag


_SIGNERS: Final = {
    SignatureType.HMAC_PERSONALIZED: _sign_hmac,
    SignatureType.AES_GCM_PERSONALIZED: _sign_aes_gcm,
}


def _state_session(
    message: universal_message_pb2.RoutableMessage, epoch: bytes, counter: int, expires_at: int
) -> None:
    """Tell the car which epoch, counter and expiry the tag covers."""
    data = message.signature_data
    stated = (
        data.HMAC_Personalized_data
        if data.HasField("HMAC_Personalized_data")
        else data.AES_GCM_Personalized_data
    )
    stated.epoch = epoch
    stated.counter = counter
    stated.expires_at = expires_at
