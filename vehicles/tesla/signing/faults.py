"""Every way a car refuses or fails a signed exchange, as classes that say what a caller may do next.

Numbers and names are those of `MessageFault_E` in Tesla's universal_message.proto; which of them are
temporary follows Tesla's own client (Fleet API: signed commands).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final


class SigningError(Exception):
    """A signed exchange that did not give a result. The three answers hold for a message that was sent once."""

    may_have_happened: ClassVar[bool] = False
    """The car may have carried the command out all the same."""
    is_temporary: ClassVar[bool] = False
    """Signing the same command again, with a new counter, can succeed."""
    resync: ClassVar[bool] = False
    """The session is out of step: adopt the attached session info, or shake hands, before signing again."""


class InvalidAnswer(SigningError):
    """The answer cannot be read, belongs to another request, or its encryption was tampered with."""

    may_have_happened = True


class InvalidSessionInfo(SigningError):
    """The answer to a handshake is not session info that this car made for this request."""


class ClockWentBack(SigningError):
    """Session info is older than what is known of the same epoch: a late or replayed answer."""

    is_temporary = True


class VehicleKeyChanged(SigningError):
    """The car presents another key than before. Drop the session; a handshake without it starts afresh."""

    resync = True


class SubsystemBusy(SigningError):
    """The car asks to wait; a second is enough as a rule."""

    is_temporary = True


class MessageFault(SigningError):
    """The car refused a message with a fault number."""

    number: ClassVar[int]
    protocol_name: ClassVar[str]
    meaning: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(f"{self.protocol_name} ({self.number}): {self.meaning}")


class UnknownFault(MessageFault):
    """A number that this table does not know; a newer car may mean anything by it, so nothing is assumed."""

    may_have_happened = True
    protocol_name = "unknown fault"
    meaning = "the vehicle reports a fault that is not documented"

    def __init__(self, number: int) -> None:
        self.number = number  # type: ignore[misc]
        super().__init__()


@dataclass(frozen=True, slots=True)
class _Row:
    number: int
    name: str
    meaning: str
    is_temporary: bool = False
    resync: bool = False
    may_have_happened: bool = False

    def as_class(self) -> type[MessageFault]:
        """`UNKNOWN_KEY_ID` becomes the class `UnknownKeyId`."""
        members = {
            "__doc__": self.meaning,
            "__module__": __name__,
            "number": self.number,
            "protocol_name": f"MESSAGEFAULT_ERROR_{self.name}",
            "meaning": self.meaning,
            "is_temporary": self.is_temporary,
            "resync": self.resync,
            "may_have_happened": self.may_have_happened,
        }
        return type(self.name.title().replace("_", ""), (MessageFault,), members)


_ROWS: Final = (
    _Row(1, "BUSY", "the subsystem is busy", is_temporary=True),
    _Row(2, "TIMEOUT", "the subsystem does not answer", is_temporary=True),
    _Row(3, "UNKNOWN_KEY_ID", "the virtual key is not on the vehicle"),
    _Row(4, "INACTIVE_KEY", "the virtual key is disabled on the vehicle"),
    _Row(5, "INVALID_SIGNATURE", "the tag does not fit the message", is_temporary=True, resync=True),
    _Row(6, "INVALID_TOKEN_OR_COUNTER", "the counter was used before", is_temporary=True, resync=True),
    _Row(7, "INSUFFICIENT_PRIVILEGES", "the key's role or the vehicle's state forbids the command"),
    _Row(8, "INVALID_DOMAINS", "the subsystem does not take this message"),
    _Row(9, "INVALID_COMMAND", "the vehicle does not know the command"),
    _Row(10, "DECODING", "the vehicle cannot read the message"),
    _Row(11, "INTERNAL", "the vehicle is still starting", is_temporary=True),
    _Row(12, "WRONG_PERSONALIZATION", "the message was made for another vehicle"),
    _Row(13, "BAD_PARAMETER", "the message is malformed"),
    _Row(14, "KEYCHAIN_IS_FULL", "the vehicle has no room for another key"),
    _Row(15, "INCORRECT_EPOCH", "the vehicle started a new epoch", is_temporary=True, resync=True),
    _Row(16, "IV_INCORRECT_LENGTH", "the nonce does not have 12 bytes"),
    _Row(17, "TIME_EXPIRED", "the message expired before it was read", is_temporary=True, resync=True),
    _Row(18, "NOT_PROVISIONED_WITH_IDENTITY", "the vehicle has no identification number"),
    _Row(19, "COULD_NOT_HASH_METADATA", "the vehicle could not compute the tag"),
    _Row(
        20,
        "TIME_TO_LIVE_TOO_LONG",
        "the message expires too late for an old counter",
        is_temporary=True,
        resync=True,
    ),
    _Row(21, "REMOTE_ACCESS_DISABLED", "mobile access is switched off in the vehicle"),
    _Row(22, "REMOTE_SERVICE_ACCESS_DISABLED", "remote service access is switched off in the vehicle"),
    _Row(23, "COMMAND_REQUIRES_ACCOUNT_CREDENTIALS", "the command must be sent through the Fleet API"),
    _Row(24, "REQUEST_MTU_EXCEEDED", "the message is too long"),
    _Row(
        25, "RESPONSE_MTU_EXCEEDED", "carried out, but the answer is too long to send", may_have_happened=True
    ),
    _Row(26, "REPEATED_COUNTER", "the counter was used before", is_temporary=True, resync=True),
    _Row(27, "INVALID_KEY_HANDLE", "the vehicle does not know the key's handle"),
    _Row(28, "REQUIRES_RESPONSE_ENCRYPTION", "the command is only taken if its answer may be encrypted"),
    _Row(29, "COMMAND_REQUIRES_PHYSICAL_PROXIMITY", "the command is only taken from nearby"),
)

FAULTS: Final[dict[int, type[MessageFault]]] = {row.number: row.as_class() for row in _ROWS}
"""The class of each fault number."""

Busy = FAULTS[1]
KeyNotOnVehicle = FAULTS[3]
"""Fault 3; a handshake that says the key is not on the list raises it too."""
InvalidSignature = FAULTS[5]
InvalidTokenOrCounter = FAULTS[6]
"""If the very same bytes were delivered twice, this answers the second delivery and the first one may have worked."""
InsufficientPrivileges = FAULTS[7]
KeychainIsFull = FAULTS[14]
RemoteAccessDisabled = FAULTS[21]
RemoteServiceAccessDisabled = FAULTS[22]
ResponseMtuExceeded = FAULTS[25]


def fault(number: int) -> MessageFault | None:
    """The fault behind a number, ready to be raised; None for 0, which means no fault."""
    if number == 0:
        return None
    known = FAULTS.get(number)
    return known() if known else UnknownFault(number)
