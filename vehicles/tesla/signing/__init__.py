"""Signed commands, our side: sessions with a car's computers, signing, and opening answers. No network, no storage.

In order: `handshake_request`, `open_handshake` gives a `SessionInfo`; `authorize` a payload with the next
counter; `open_response`. A `PrivateKey` is the virtual key; clock and randomness are passed in.
"""

from vehicles.tesla.signing.faults import (
    FAULTS,
    Busy,
    ClockWentBack,
    InsufficientPrivileges,
    InvalidAnswer,
    InvalidSessionInfo,
    InvalidSignature,
    InvalidTokenOrCounter,
    KeychainIsFull,
    KeyNotOnVehicle,
    MessageFault,
    RemoteAccessDisabled,
    ResponseMtuExceeded,
    SigningError,
    SubsystemBusy,
    UnknownFault,
    VehicleKeyChanged,
    fault,
)
from vehicles.tesla.signing.keys import PrivateKey, UnsuitableKey, public_key_from_pem
from vehicles.tesla.signing.metadata import Domain, Flag, SignatureType
from vehicles.tesla.signing.requests import CounterExhausted, SignedRequest, authorize
from vehicles.tesla.signing.responses import Refused, Response, Result, Succeeded, Wait, open_response
from vehicles.tesla.signing.session import HandshakeRequest, SessionInfo, handshake_request, open_handshake

__all__ = [
    "FAULTS",
    "Busy",
    "ClockWentBack",
    "CounterExhausted",
    "Domain",
    "Flag",
    "HandshakeRequest",
    "InsufficientPrivileges",
    "InvalidAnswer",
    "InvalidSessionInfo",
    "InvalidSignature",
    "InvalidTokenOrCounter",
    "KeyNotOnVehicle",
    "KeychainIsFull",
    "MessageFault",
    "PrivateKey",
    "Refused",
    "RemoteAccessDisabled",
    "Response",
    "ResponseMtuExceeded",
    "Result",
    "SessionInfo",
    "SignatureType",
    "SignedRequest",
    "SigningError",
    "SubsystemBusy",
    "Succeeded",
    "UnknownFault",
    "UnsuitableKey",
    "VehicleKeyChanged",
    "Wait",
    "authorize",
    "fault",
    "handshake_request",
    "open_handshake",
    "open_response",
    "public_key_from_pem",
]
