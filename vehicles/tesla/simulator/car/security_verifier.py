"""One of the two computers in a simulated car: its keys, epoch, clock and counters, and the checks on signed messages.

The order of the checks is that of the verifier in Tesla's vehicle-command SDK, so that each mistake gets the
fault a real car would answer (Fleet API: signed commands).
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any, Final

from tesla_protocol.command import signatures_pb2, universal_message_pb2

from vehicles.tesla.signing.keys import NONCE_BYTES, PrivateKey, SessionKeys, TamperedMessage
from vehicles.tesla.signing.metadata import Domain, SignatureType, command_metadata, session_info_metadata
from vehicles.tesla.signing.session import EPOCH_BYTES, Randomness

WINDOW: Final = 32
"""How far behind the highest counter the infotainment computer still takes a message."""
LONGEST_LIFE_OF_OLD_COUNTER: Final = 30
"""Seconds that a message with an old counter may still have to live."""
EPOCH_SECONDS: Final = 1 << 30
LONGEST_RUN_SECONDS: Final = 365 * 24 * 60 * 60
"""An epoch begins anew when the clock has moved further than this since it began, or to before its beginning."""
HIGHEST_COUNTER: Final = 0xFFFFFFFF
_GROUP_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_PERSONALIZED: Final = {
    "HMAC_Personalized_data": SignatureType.HMAC_PERSONALIZED,
    "AES_GCM_Personalized_data": SignatureType.AES_GCM_PERSONALIZED,
}


class Refusal(Exception):
    """The computer answers with this fault; `tells_session` says whether fresh session info goes with it."""

    def __init__(self, fault: int, *, tells_session: bool = False) -> None:
        super().__init__(universal_message_pb2.MessageFault_E.Name(fault))
        self.fault = fault
        self.tells_session = tells_session


@dataclass(slots=True)
class CounterWindow:
    """Which counters of one client key have been used in this epoch."""

    highest: int = 0
    used: int = 0
    """Bit n stands for the counter n + 1 below the highest."""

    def take(self, counter: int, *, strictly_increasing: bool) -> bool:
        """Mark a counter as used; False if it was used before or is too old to tell."""
        if counter > self.highest:
            shift = counter - self.highest
            self.used = (
                ((self.used << shift) | (1 << (shift - 1))) & ((1 << WINDOW) - 1) if shift <= WINDOW else 0
            )
            self.highest = counter
            return True
        age = self.highest - counter
        if strictly_increasing or age == 0 or age > WINDOW or self.used >> (age - 1) & 1:
            return False
        self.used |= 1 << (age - 1)
        return True


@dataclass(frozen=True, slots=True)
class Verified:
    """A message that passed: its plain payload, and what an encrypted answer is tied to."""

    payload: bytes
    signature_type: SignatureType
    tag: bytes


class CarComputer:
    """One domain of a car. `started_at` and every `now` are seconds of the simulator's clock."""

    def __init__(
        self,
        domain: Domain,
        *,
        started_at: float,
        random: Randomness = secrets.token_bytes,
        private_key: PrivateKey | None = None,
        epoch: bytes | None = None,
    ) -> None:
        self.domain = domain
        self.private_key = private_key or _new_key(random)
        self.epoch = epoch or random(EPOCH_BYTES)
        self.started_at = started_at
        self.counters: dict[bytes, CounterWindow] = {}
        self._random = random

    def clock(self, now: float) -> int:
        """Whole seconds since the epoch began, by this computer's reckoning."""
        return max(0, int(now - self.started_at))

    def restart(self, now: float) -> None:
        """A new epoch: clock and counters begin at 0 again."""
        self.epoch = self._random(EPOCH_BYTES)
        self.started_at = now
        self.counters.clear()

    def restart_if_due(self, now: float) -> None:
        """Begin a new epoch when a counter is used up, or the clock is before the epoch or over a year into it."""
        used_up = any(window.highest >= HIGHEST_COUNTER for window in self.counters.values())
        if used_up or not 0 <= int(now) - int(self.started_at) <= LONGEST_RUN_SECONDS:
            self.restart(now)

    def session_info(self, client: bytes, now: float) -> bytes:
        """Serialised `SessionInfo` for one client key."""
        info: bytes = signatures_pb2.SessionInfo(
            counter=self._window(client).highest,
            publicKey=self.private_key.public_key,
            epoch=self.epoch,
            clock_time=self.clock(now),
        ).SerializeToString()
        return info

    def session_info_tag(self, client: bytes, vin: str, challenge: bytes, info: bytes) -> bytes:
        """Proof for that client that the session info answers its request `challenge`."""
        return self.keys(client).session_info_tag(session_info_metadata(vin, challenge), info)

    def keys(self, client: bytes) -> SessionKeys:
        """What this computer shares with a client key."""
        return self.private_key.session_keys(client)

    def verify(
        self, message: universal_message_pb2.RoutableMessage, *, client: bytes, vin: str, now: float
    ) -> Verified:
        """The payload of an authentic message whose counter is 0 or was not used before. Raises `Refusal`."""
        kind = message.signature_data.WhichOneof("sig_type")
        if kind not in _PERSONALIZED:
            raise Refusal(universal_message_pb2.MESSAGEFAULT_ERROR_BAD_PARAMETER)
        stated = getattr(message.signature_data, kind)
        self._check_freshness(stated, client, now)
        payload = self._authenticate(message, _PERSONALIZED[kind], stated, client, vin)
        strict = self.domain is Domain.VEHICLE_SECURITY
        # Counter 0 asks for no check: for messages that may be replayed for as long as their short life lasts.
        if stated.counter and not self._window(client).take(stated.counter, strictly_increasing=strict):
            raise _session_refusal("INVALID_TOKEN_OR_COUNTER")
        return Verified(payload, _PERSONALIZED[kind], stated.tag)

    def _check_freshness(self, stated: Any, client: bytes, now: float) -> None:
        clock, expires_at, counter = self.clock(now), stated.expires_at, stated.counter
        if stated.epoch and stated.epoch != self.epoch:
            raise _session_refusal("INCORRECT_EPOCH")
        if expires_at and expires_at < clock:
            raise _session_refusal("TIME_EXPIRED")
        if expires_at > EPOCH_SECONDS:
            raise _session_refusal("BAD_PARAMETER")
        is_old = counter == 0 or counter < self._window(client).highest
        if is_old and (expires_at == 0 or expires_at - clock > LONGEST_LIFE_OF_OLD_COUNTER):
            raise _session_refusal("TIME_TO_LIVE_TOO_LONG")

    def _authenticate(
        self,
        message: universal_message_pb2.RoutableMessage,
        signature_type: SignatureType,
        stated: Any,
        client: bytes,
        vin: str,
    ) -> bytes:
        metadata = command_metadata(
            signature_type, self.domain, vin, self.epoch, stated.expires_at, stated.counter, message.flags
        )
        payload, keys = message.protobuf_message_as_bytes, self.keys(client)
        if signature_type is SignatureType.HMAC_PERSONALIZED:
            if not hmac.compare_digest(keys.command_tag(metadata, payload), stated.tag):
                raise _session_refusal("INVALID_SIGNATURE")
            return payload
        if len(stated.nonce) != NONCE_BYTES:
            raise Refusal(universal_message_pb2.MESSAGEFAULT_ERROR_IV_INCORRECT_LENGTH)
        try:
            return keys.decrypt(stated.nonce, payload, stated.tag, metadata)
        except TamperedMessage:
            raise _session_refusal("INVALID_SIGNATURE") from None

    def _window(self, client: bytes) -> CounterWindow:
        return self.counters.setdefault(client, CounterWindow())


def _session_refusal(name: str) -> Refusal:
    number = universal_message_pb2.MessageFault_E.Value(f"MESSAGEFAULT_ERROR_{name}")
    return Refusal(number, tells_session=True)


def _new_key(random: Randomness) -> PrivateKey:
    # 64 bits more than the order has make the remainder as good as uniform.
    return PrivateKey.from_scalar(1 + int.from_bytes(random(40), "big") % (_GROUP_ORDER - 1))
