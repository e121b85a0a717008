"""What a client makes of answers that are not the textbook ones."""

import pytest
from tesla_protocol.command import car_server_pb2, signatures_pb2, universal_message_pb2

from tests.vehicles.tesla.signing.published import (
    CLIENT_KEY,
    CLIMATE_ON,
    CLOCK,
    EPOCH,
    VEHICLE_KEY,
    VIN,
    session,
)
from vehicles.tesla.signing import (
    CounterExhausted,
    Domain,
    InvalidAnswer,
    PrivateKey,
    Refused,
    Response,
    SignedRequest,
    Succeeded,
    UnknownFault,
    Wait,
    authorize,
    open_response,
)
from vehicles.tesla.signing.metadata import session_info_metadata


def signed(domain: Domain = Domain.INFOTAINMENT) -> SignedRequest:
    return authorize(session(domain), CLIMATE_ON, key=CLIENT_KEY, counter=7, now=1000.0)


def answer(request: SignedRequest, payload: bytes | None = None) -> universal_message_pb2.RoutableMessage:
    message = universal_message_pb2.RoutableMessage(protobuf_message_as_bytes=payload)
    message.to_destination.routing_address = request.routing_address
    message.from_destination.domain = request.domain.value  # type: ignore[assignment]
    message.request_uuid = request.uuid
    return message


def opened(request: SignedRequest, message: universal_message_pb2.RoutableMessage) -> Response:
    return open_response(
        message.SerializeToString(), request, session(request.domain), key=CLIENT_KEY, now=1005.0
    )


@pytest.mark.parametrize(
    "payload", [None, b"", b"\xff", b"\x20\x01"], ids=["none", "empty", "nonsense", "no status"]
)
def test_an_infotainment_answer_without_a_status_leaves_the_outcome_open(payload: bytes | None) -> None:
    request = signed()
    with pytest.raises(InvalidAnswer) as failure:
        opened(request, answer(request, payload))
    assert failure.value.may_have_happened


def test_an_unknown_infotainment_status_leaves_the_outcome_open() -> None:
    request, inner = signed(), car_server_pb2.Response()
    inner.actionStatus.result = 5  # type: ignore[assignment]
    with pytest.raises(InvalidAnswer):
        opened(request, answer(request, inner.SerializeToString()))


@pytest.mark.parametrize("field", ["to_destination", "from_destination", "request_uuid"])
def test_an_answer_to_somebody_else_is_not_taken(field: str) -> None:
    request, other = signed(), signed(Domain.VEHICLE_SECURITY)
    message = answer(request, bytes.fromhex("0a00"))
    assert opened(request, message).result == Succeeded()
    foreign = answer(other, bytes.fromhex("0a00"))
    if field == "request_uuid":
        message.request_uuid = foreign.request_uuid
    else:
        getattr(message, field).CopyFrom(getattr(foreign, field))
    with pytest.raises(InvalidAnswer):
        opened(request, message)


def test_the_envelope_s_operation_status_counts_in_a_plain_answer() -> None:
    request = signed()
    message = answer(request, bytes.fromhex("0a00"))
    message.signedMessageStatus.operation_status = universal_message_pb2.OPERATIONSTATUS_WAIT
    response = opened(request, message)
    assert (response.result, response.operation_status) == (Wait(), 1)
    message.signedMessageStatus.operation_status = universal_message_pb2.OPERATIONSTATUS_ERROR
    response = opened(request, message)
    assert isinstance(response.fault, UnknownFault) and response.result is None


@pytest.mark.parametrize(
    "payload, result",
    [
        ("2200", Succeeded()),
        ("22020801", Wait()),
        ("22020802", Refused("unknown")),
        ("f20202084d", Refused("generic_error_77")),
    ],
)
def test_a_vehicle_security_status_is_read(payload: str, result: object) -> None:
    request = signed(Domain.VEHICLE_SECURITY)
    assert opened(request, answer(request, bytes.fromhex(payload))).result == result


def fault_with_session_info(
    request: SignedRequest, *, challenge: bytes | None = None, car: PrivateKey = VEHICLE_KEY, **fields: object
) -> universal_message_pb2.RoutableMessage:
    stated = {"counter": 9, "publicKey": car.public_key, "epoch": EPOCH, "clock_time": CLOCK + 5} | fields
    info = signatures_pb2.SessionInfo(**stated).SerializeToString()  # type: ignore[arg-type]
    message = answer(request)
    message.session_info = info
    message.signedMessageStatus.signed_message_fault = (
        universal_message_pb2.MESSAGEFAULT_ERROR_INVALID_TOKEN_OR_COUNTER
    )
    tag = car.session_keys(CLIENT_KEY.public_key).session_info_tag(
        session_info_metadata(VIN, challenge or request.uuid), info
    )
    message.signature_data.session_info_tag.tag = tag
    return message


def test_authentic_session_info_beside_a_fault_is_adopted() -> None:
    request = signed()
    response = opened(request, fault_with_session_info(request))
    assert response.fault is not None and response.fault.number == 6
    assert response.session is not None
    assert (response.session.counter, response.session.clock_time, response.session.observed_at) == (
        9,
        CLOCK + 5,
        1005.0,
    )


@pytest.mark.parametrize(
    "forgery",
    [
        {"challenge": bytes(16)},
        {"car": PrivateKey.from_scalar(5)},
        {"clock_time": CLOCK - 1},
        {"epoch": b"short"},
    ],
    ids=["another request", "another key", "older clock", "short epoch"],
)
def test_session_info_that_cannot_be_trusted_is_left_out_and_the_fault_still_told(
    forgery: dict[str, object],
) -> None:
    request = signed()
    response = opened(request, fault_with_session_info(request, **forgery))  # type: ignore[arg-type]
    assert response.session is None
    assert response.fault is not None and response.fault.number == 6


@pytest.mark.parametrize("counter", [0, -1, 0xFFFFFFFF, 2**32])
def test_a_counter_outside_the_epoch_s_range_is_not_signed(counter: int) -> None:
    with pytest.raises(CounterExhausted):
        authorize(session(), CLIMATE_ON, key=CLIENT_KEY, counter=counter, now=1000.0)


def test_every_request_has_its_own_uuid_and_routing_address() -> None:
    requests = [signed() for _ in range(50)]
    assert (
        len({request.uuid for request in requests} | {request.routing_address for request in requests}) == 100
    )


def test_a_request_expires_by_the_car_s_clock() -> None:
    request = authorize(session(), CLIMATE_ON, key=CLIENT_KEY, counter=7, now=1060.5, lifetime_seconds=8)
    assert request.expires_at == CLOCK + 60 + 8
