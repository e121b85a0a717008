"""What a tag covers besides the payload, and the numbers both ends use for it.

Serialisation and numbers follow Tesla's signatures.proto and universal_message.proto (Fleet API: signed
commands).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, IntFlag
from typing import Final


class Domain(IntEnum):
    """The two computers of a car that take signed commands; each has its own key pair, epoch, clock and counters."""

    VEHICLE_SECURITY = 2
    INFOTAINMENT = 3


class SignatureType(IntEnum):
    """How a message is authenticated."""

    AES_GCM_PERSONALIZED = 5
    SESSION_INFO = 6
    HMAC_PERSONALIZED = 8
    AES_GCM_RESPONSE = 9


class Tag(IntEnum):
    """The items a tag can cover."""

    SIGNATURE_TYPE = 0
    DOMAIN = 1
    PERSONALIZATION = 2
    EPOCH = 3
    EXPIRES_AT = 4
    COUNTER = 5
    CHALLENGE = 6
    FLAGS = 7
    REQUEST_HASH = 8
    FAULT = 9


class Flag(IntFlag):
    """Wishes of the sender, a bit mask in `RoutableMessage.flags`."""

    NONE = 0
    ENCRYPT_RESPONSE = 2


END: Final = b"\xff"
_ONE_BYTE: Final = frozenset({Tag.SIGNATURE_TYPE, Tag.DOMAIN})


def serialize(items: Mapping[Tag, int | bytes]) -> bytes:
    """Tag, length and value of each item by ascending tag, then `ff`.

    Integers take four bytes, big endian, the two enumerations one. Raises `ValueError` for a value over 255
    bytes and `OverflowError` for an integer that does not fit.
    """
    return b"".join(_item(tag, items[tag]) for tag in sorted(items)) + END


def _item(tag: Tag, value: int | bytes) -> bytes:
    encoded = value if isinstance(value, bytes) else value.to_bytes(1 if tag in _ONE_BYTE else 4, "big")
    return bytes((tag, len(encoded))) + encoded


def session_info_metadata(vin: str, challenge: bytes) -> bytes:
    """What the tag over session info covers; the challenge is the `uuid` of the request it answers.

    Of a request without a `uuid` there is no challenge, as in the verifier of Tesla's vehicle-command SDK.
    """
    items: dict[Tag, int | bytes] = {
        Tag.SIGNATURE_TYPE: SignatureType.SESSION_INFO,
        Tag.PERSONALIZATION: vin.encode(),
    }
    if challenge:
        items[Tag.CHALLENGE] = challenge
    return serialize(items)


def command_metadata(
    signature_type: SignatureType,
    domain: Domain,
    vin: str,
    epoch: bytes,
    expires_at: int,
    counter: int,
    flags: int,
) -> bytes:
    """What the tag over a command covers. Flags take part only when they are not zero."""
    items: dict[Tag, int | bytes] = {
        Tag.SIGNATURE_TYPE: signature_type,
        Tag.DOMAIN: domain,
        Tag.PERSONALIZATION: vin.encode(),
        Tag.EPOCH: epoch,
        Tag.EXPIRES_AT: expires_at,
        Tag.COUNTER: counter,
    }
    if flags:
        items[Tag.FLAGS] = flags
    return serialize(items)


def response_metadata(
    domain: Domain, vin: str, counter: int, flags: int, request_hash: bytes, fault: int
) -> bytes:
    """What the tag over an encrypted answer covers. Flags and fault always take part, zero included."""
    items: dict[Tag, int | bytes] = {
        Tag.SIGNATURE_TYPE: SignatureType.AES_GCM_RESPONSE,
        Tag.DOMAIN: domain,
        Tag.PERSONALIZATION: vin.encode(),
        Tag.COUNTER: counter,
        Tag.FLAGS: flags,
        Tag.REQUEST_HASH: request_hash,
        Tag.FAULT: fault,
    }
    return serialize(items)


def request_hash(signature_type: SignatureType, tag: bytes, domain: Domain) -> bytes:
    """What ties an encrypted answer to its request: the signature type and the request's tag, cut for VCSEC to 17."""
    whole = bytes((signature_type,)) + tag
    return whole[:17] if domain is Domain.VEHICLE_SECURITY else whole
