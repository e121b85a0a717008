"""The inner and outer messages by which a simulated car answers (car_server.proto, vcsec.proto, errors.proto)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tesla_protocol.command import car_server_pb2, errors_pb2, universal_message_pb2, vcsec_pb2

from vehicles.tesla.signing.metadata import Domain
from vehicles.tesla.signing.responses import REFUSALS

INVALID_VALUE: Final = "invalid_value"
"""The reason for a value that no car takes; the word of Tesla's own proxy."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: done, or refused for a reason (the text an unsigned command would get)."""

    result: bool
    reason: str = ""


def faulty(fault: int) -> universal_message_pb2.RoutableMessage:
    """The refusal with a fault number."""
    answer = universal_message_pb2.RoutableMessage()
    answer.signedMessageStatus.operation_status = universal_message_pb2.OPERATIONSTATUS_ERROR
    answer.signedMessageStatus.signed_message_fault = fault  # type: ignore[assignment]
    return answer


def answered_ping(ping_id: int) -> universal_message_pb2.RoutableMessage:
    """The infotainment computer's echo of a ping."""
    response = car_server_pb2.Response(ping=car_server_pb2.Ping(ping_id=ping_id))
    response.actionStatus.SetInParent()
    return universal_message_pb2.RoutableMessage(protobuf_message_as_bytes=response.SerializeToString())


def _infotainment_outcome(outcome: Outcome) -> universal_message_pb2.RoutableMessage:
    response = car_server_pb2.Response()
    response.actionStatus.SetInParent()
    if not outcome.result:
        response.actionStatus.result = car_server_pb2.OPERATIONSTATUS_ERROR
        response.actionStatus.result_reason.plain_text = outcome.reason
    return universal_message_pb2.RoutableMessage(protobuf_message_as_bytes=response.SerializeToString())


def _vehicle_security_outcome(outcome: Outcome) -> universal_message_pb2.RoutableMessage:
    if outcome.result:
        return universal_message_pb2.RoutableMessage()
    message = vcsec_pb2.FromVCSECMessage()
    message.nominalError.genericError = _NUMBERS_OF_REFUSALS.get(outcome.reason, 1)  # type: ignore[assignment]
    return universal_message_pb2.RoutableMessage(protobuf_message_as_bytes=message.SerializeToString())


def carried_out(domain: Domain, outcome: Outcome) -> universal_message_pb2.RoutableMessage:
    """What a computer says about a command that was executed or refused."""
    return _OUTCOMES[domain](outcome)


_NUMBERS_OF_REFUSALS: Final = {
    reason: number
    for number, reason in REFUSALS.items()
    if number <= errors_pb2.GENERICERROR_NOT_ALLOWED_OVER_TRANSPORT
}
"""Only those of Tesla's published errors.proto; the app's definitions have more, which this car never sends."""
_OUTCOMES: Final = {
    Domain.INFOTAINMENT: _infotainment_outcome,
    Domain.VEHICLE_SECURITY: _vehicle_security_outcome,
}
