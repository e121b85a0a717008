"""Opening a car's answer to a signed command (Fleet API: signed commands)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeVar

from google.protobuf.message import DecodeError, Message
from tesla_protocol.command import (
    car_server_pb2,
    errors_pb2,
    signatures_pb2,
    universal_message_pb2,
    vcsec_pb2,
)

from vehicles.tesla import texts
from vehicles.tesla.signing import faults
from vehicles.tesla.signing.keys import PrivateKey, TamperedMessage
from vehicles.tesla.signing.metadata import Domain, response_metadata
from vehicles.tesla.signing.requests import SignedRequest
from vehicles.tesla.signing.session import SessionInfo, adopt, is_authentic


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The car carried the command out."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The car understood the command and did not carry it out; `reason` is the text an unsigned command would get."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The car is busy: nothing was carried out, the command may be signed again after about a second."""


M = TypeVar("M", bound=Message)

Result = Succeeded | Refused | Wait

REFUSALS: Final[dict[int, str]] = {
    errors_pb2.GENERICERROR_UNKNOWN: "unknown",
    errors_pb2.GENERICERROR_CLOSURES_OPEN: "closures_open",
    errors_pb2.GENERICERROR_ALREADY_ON: "already_on",
    errors_pb2.GENERICERROR_DISABLED_FOR_USER_COMMAND: "disabled_for_user_command",
    errors_pb2.GENERICERROR_VEHICLE_NOT_IN_PARK: "vehicle_not_in_park",
    errors_pb2.GENERICERROR_UNAUTHORIZED: "unauthorized",
    errors_pb2.GENERICERROR_NOT_ALLOWED_OVER_TRANSPORT: "not_allowed_over_transport",
    errors_pb2.GENERICERROR_KEY_NOT_FOUND: "key_not_found",
    errors_pb2.GENERICERROR_NOT_SUPPORTED: "not_supported",
}
"""The reason behind each number by which the vehicle security computer refuses (errors.proto)."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. Either `fault` or `result` is set."""

    fault: faults.MessageFault | None
    operation_status: int
    """0 done, 1 wait, 2 error."""
    result: Result | None
    session: SessionInfo | None
    """The session to remember from now on, if the car attached session info and it is authentic and not older."""
    payload: bytes = field(repr=False)
    """The plain inner message; empty where there is none."""
    was_encrypted: bool
    """The answer was encrypted for us, so nobody on the way could read or change it."""


def open_response(
    answer: bytes, request: SignedRequest, session: SessionInfo, *, key: PrivateKey, now: float
) -> Response:
    """Read the answer to `request`, decrypting it where it is encrypted.

    Raises `InvalidAnswer` if it cannot be read, is not the answer to this request or was tampered with; the
    command may have been carried out then. A fault is returned and not raised, because fresh session info may
    come with it.
    """
    message = _parse(universal_message_pb2.RoutableMessage, answer)
    _check_addresses(message, request)
    was_encrypted = message.signature_data.HasField("AES_GCM_Response_data")
    payload = _payload(message, request, session, key)
    # Encryption covers the fault but not the operation status, so that one only counts in a plain answer.
    status = message.signedMessageStatus.operation_status
    decisive = universal_message_pb2.OPERATIONSTATUS_OK if was_encrypted else status
    failure = faults.fault(message.signedMessageStatus.signed_message_fault)
    if failure is None and decisive == universal_message_pb2.OPERATIONSTATUS_ERROR:
        failure = faults.UnknownFault(0)
    return Response(
        fault=failure,
        operation_status=status,
        result=None if failure else _result(request.domain, decisive, payload),
        session=_attached_session(message, request, session, key, now),
        payload=payload,
        was_encrypted=was_encrypted,
    )


def _check_addresses(message: universal_message_pb2.RoutableMessage, request: SignedRequest) -> None:
    if message.request_uuid not in (b"", request.uuid):
        raise faults.InvalidAnswer("the answer belongs to another request")
    if message.to_destination.routing_address != request.routing_address:
        raise faults.InvalidAnswer("the answer is for another sender")
    if message.from_destination.domain != request.domain.value:
        raise faults.InvalidAnswer("the answer comes from another computer of the car")


def _payload(
    message: universal_message_pb2.RoutableMessage,
    request: SignedRequest,
    session: SessionInfo,
    key: PrivateKey,
) -> bytes:
    data = message.signature_data
    if not data.HasField("AES_GCM_Response_data"):
        return message.protobuf_message_as_bytes
    seal = data.AES_GCM_Response_data
    metadata = response_metadata(
        request.domain,
        request.vin,
        seal.counter,
        message.flags,
        request.request_hash,
        message.signedMessageStatus.signed_message_fault,
    )
    keys = key.session_keys(session.vehicle_public_key)
    try:
        return keys.decrypt(seal.nonce, message.protobuf_message_as_bytes, seal.tag, metadata)
    except TamperedMessage as tampered:
        raise faults.InvalidAnswer(str(tampered)) from None


def _attached_session(
    message: universal_message_pb2.RoutableMessage,
    request: SignedRequest,
    session: SessionInfo,
    key: PrivateKey,
    now: float,
) -> SessionInfo | None:
    """The session that came along, or None: what cannot be trusted is left out, since the fault is told anyway."""
    if not message.session_info:
        return None
    if not is_authentic(message, session.vehicle_public_key, uuid=request.uuid, vin=request.vin, key=key):
        return None
    try:
        info = signatures_pb2.SessionInfo.FromString(message.session_info)
        return adopt(info, vin=request.vin, domain=request.domain, now=now, previous=session)
    except (DecodeError, faults.SigningError):
        return None


def _result(domain: Domain, operation_status: int, payload: bytes) -> Result:
    if operation_status == universal_message_pb2.OPERATIONSTATUS_WAIT:
        return Wait()
    return _RESULT_READERS[domain](payload)


def _infotainment_result(payload: bytes) -> Result:
    if not payload:
        raise faults.InvalidAnswer("the infotainment computer answered nothing")
    response = _parse(car_server_pb2.Response, payload)
    status = response.actionStatus
    if not response.HasField("actionStatus"):
        raise faults.InvalidAnswer("the infotainment computer does not say what became of the command")
    if status.result == car_server_pb2.OPERATIONSTATUS_OK:
        return Succeeded()
    if status.result == car_server_pb2.OPERATIONSTATUS_ERROR:
        return Refused(texts.clean(status.result_reason.plain_text))
    raise faults.InvalidAnswer("the infotainment computer answered with an unknown status")


def _vehicle_security_result(payload: bytes) -> Result:
    answer = _parse(vcsec_pb2.FromVCSECMessage, payload)
    if answer.HasField("nominalError"):
        number = answer.nominalError.genericError
        return Refused(REFUSALS.get(number, f"generic_error_{number}"))
    if answer.commandStatus.operationStatus == vcsec_pb2.OPERATIONSTATUS_WAIT:
        return Wait()
    if answer.commandStatus.operationStatus == vcsec_pb2.OPERATIONSTATUS_ERROR:
        return Refused("unknown")
    return Succeeded()


_RESULT_READERS: Final = {
    Domain.INFOTAINMENT: _infotainment_result,
    Domain.VEHICLE_SECURITY: _vehicle_security_result,
}


def _parse(kind: type[M], data: bytes) -> M:
    try:
        message: M = kind.FromString(data)
    except DecodeError:
        raise faults.InvalidAnswer("the vehicle's answer cannot be read") from None
    return message
