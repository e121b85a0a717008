"""What a client accepts as an answer to its handshake, and what it remembers of it."""

from dataclasses import replace

import pytest
from tesla_protocol.command import signatures_pb2, universal_message_pb2

from tests.vehicles.tesla.signing.published import (
    CLIENT_KEY,
    CLOCK,
    EPOCH,
    HANDSHAKE_UUID,
    SESSION_INFO,
    VEHICLE_KEY,
    VIN,
    session,
)
from vehicles.tesla.signing import (
    ClockWentBack,
    Domain,
    InvalidSessionInfo,
    KeyNotOnVehicle,
    PrivateKey,
    RemoteAccessDisabled,
    SessionInfo,
    SubsystemBusy,
    UnsuitableKey,
    VehicleKeyChanged,
    open_handshake,
)
from vehicles.tesla.signing.metadata import session_info_metadata

OTHER_KEY = PrivateKey.from_scalar(77)


def answer(
    *, uuid: bytes = HANDSHAKE_UUID, vin: str = VIN, car: PrivateKey = VEHICLE_KEY, **fields: object
) -> universal_message_pb2.RoutableMessage:
    """A car's answer with valid proof, whatever it says."""
    stated = {"counter": 6, "publicKey": car.public_key, "epoch": EPOCH, "clock_time": CLOCK} | fields
    info = signatures_pb2.SessionInfo(**stated).SerializeToString()  # type: ignore[arg-type]
    message = universal_message_pb2.RoutableMessage(session_info=info, request_uuid=uuid)
    keys = car.session_keys(CLIENT_KEY.public_key)
    message.signature_data.session_info_tag.tag = keys.session_info_tag(
        session_info_metadata(vin, uuid), info
    )
    return message


def opened(
    message: universal_message_pb2.RoutableMessage | bytes,
    previous: SessionInfo | None = None,
    now: float = 1000.0,
) -> SessionInfo:
    return open_handshake(
        message if isinstance(message, bytes) else message.SerializeToString(),
        uuid=HANDSHAKE_UUID,
        vin=VIN,
        domain=Domain.INFOTAINMENT,
        key=CLIENT_KEY,
        now=now,
        previous=previous,
    )


def test_a_first_handshake_is_adopted_as_it_is() -> None:
    assert opened(answer()) == session()


def test_a_car_that_does_not_know_the_key_is_told_apart_from_every_other_failure() -> None:
    message = universal_message_pb2.RoutableMessage(session_info=bytes.fromhex("2801"))
    with pytest.raises(KeyNotOnVehicle):
        opened(message)
    message = universal_message_pb2.RoutableMessage()
    message.signedMessageStatus.signed_message_fault = universal_message_pb2.MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID
    with pytest.raises(KeyNotOnVehicle):
        opened(message)


def test_any_other_fault_or_a_busy_car_is_raised_as_such() -> None:
    message = answer()
    message.signedMessageStatus.signed_message_fault = 21  # type: ignore[assignment]
    with pytest.raises(RemoteAccessDisabled):
        opened(message)
    message = answer()
    message.signedMessageStatus.operation_status = universal_message_pb2.OPERATIONSTATUS_WAIT
    with pytest.raises(SubsystemBusy):
        opened(message)


@pytest.mark.parametrize("position", range(len(SESSION_INFO) * 8))
def test_session_info_with_any_bit_changed_is_refused(position: int) -> None:
    message = answer()
    changed = bytearray(message.session_info)
    changed[position // 8] ^= 1 << position % 8
    message.session_info = bytes(changed)
    with pytest.raises((InvalidSessionInfo, KeyNotOnVehicle)):
        opened(message)


@pytest.mark.parametrize("position", range(256))
def test_session_info_whose_tag_has_any_bit_changed_is_refused(position: int) -> None:
    message = answer()
    tag = bytearray(message.signature_data.session_info_tag.tag)
    tag[position // 8] ^= 1 << position % 8
    message.signature_data.session_info_tag.tag = bytes(tag)
    with pytest.raises(InvalidSessionInfo):
        opened(message)


@pytest.mark.parametrize(
    "message",
    [
        answer(uuid=bytes(16)),
        answer(vin="5YJ30123456789ABD"),
        answer(epoch=b"short"),
        universal_message_pb2.RoutableMessage(session_info=SESSION_INFO),
        universal_message_pb2.RoutableMessage(),
        b"\xff",
        b"",
    ],
    ids=["another request", "another car", "short epoch", "no tag", "no session info", "nonsense", "nothing"],
)
def test_session_info_that_is_not_proved_for_this_request_and_car_is_refused(
    message: universal_message_pb2.RoutableMessage | bytes,
) -> None:
    with pytest.raises(InvalidSessionInfo):
        opened(message)


def test_the_challenge_is_our_own_uuid_even_if_the_answer_names_none() -> None:
    replayed = answer(uuid=bytes(16))
    replayed.request_uuid = b""
    with pytest.raises(InvalidSessionInfo):
        opened(replayed)
    unnamed = answer()
    unnamed.request_uuid = b""
    assert opened(unnamed) == session()


def test_another_vehicle_key_is_refused_until_the_session_is_dropped() -> None:
    message = answer(car=OTHER_KEY)
    with pytest.raises(VehicleKeyChanged):
        opened(message, previous=session())
    assert opened(message).vehicle_public_key == OTHER_KEY.public_key


def test_the_clock_may_not_go_back_within_an_epoch_but_may_with_a_new_one() -> None:
    known = session()
    with pytest.raises(ClockWentBack):
        opened(answer(clock_time=CLOCK - 1), previous=known)
    assert opened(answer(clock_time=CLOCK), previous=known).clock_time == CLOCK
    restarted = opened(answer(clock_time=3, epoch=bytes(16), counter=0), previous=known)
    assert (restarted.epoch, restarted.clock_time, restarted.counter) == (bytes(16), 3, 0)


def test_the_counter_is_never_lowered_within_an_epoch() -> None:
    known = replace(session(), counter=40)
    assert opened(answer(clock_time=CLOCK + 9), previous=known).counter == 40
    assert opened(answer(counter=41), previous=known).counter == 41


def test_the_car_s_clock_runs_on_from_the_moment_it_was_observed() -> None:
    known = session(observed_at=1000.0)
    assert known.vehicle_clock(1012.9) == CLOCK + 12
    assert known.vehicle_clock(900.0) == CLOCK


def test_the_secret_scalar_and_the_shared_secrets_have_no_readable_form() -> None:
    keys = CLIENT_KEY.session_keys(VEHICLE_KEY.public_key)
    shown = repr(CLIENT_KEY) + str(CLIENT_KEY) + repr(keys) + str(keys)
    for secret in (
        0x2538CDC29A97C19C1E99A637D6CF4F8C970C118B56EDE1E6323E6D162C4B30DB,
        int.from_bytes(keys.encryption),
    ):
        assert f"{secret:x}"[:12] not in shown.lower()
        assert str(secret)[:12] not in shown
    assert repr(keys) == "SessionKeys()"


def test_a_key_on_another_curve_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    with pytest.raises(UnsuitableKey):
        PrivateKey(ec.generate_private_key(ec.SECP384R1()))
