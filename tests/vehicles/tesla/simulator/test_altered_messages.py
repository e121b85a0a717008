"""Whatever a bit on the way turns into, the car does what was signed or nothing, and the client notices.

Not covered by the tag, so open to change without refusal: the sender's routing address and the uuid (both
only steer the answer), fields that a car ignores (`request_uuid`, `signedMessageStatus`, `message_frame`,
unknown ones), and the stated epoch in so far as it may be missing (the tag covers the car's own). Nothing
else.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tesla_protocol.command import universal_message_pb2

from tests.vehicles.tesla.signing.any_command import any_command
from tests.vehicles.tesla.simulator.secured_car import SecuredCar, altered
from vehicles.tesla.signing import Flag, InvalidAnswer, SignatureType, SignedRequest, open_response
from vehicles.tesla.vehicle_commands import COMMANDS, decode, encode

SIGNATURES = [SignatureType.HMAC_PERSONALIZED, SignatureType.AES_GCM_PERSONALIZED]
NOT_COVERED = ("from_destination", "uuid", "request_uuid", "signedMessageStatus", "message_frame")


def flipped(message: bytes, position: int) -> bytes:
    changed = bytearray(message)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


def covered(message: bytes) -> universal_message_pb2.RoutableMessage:
    """The message without what the tag leaves open."""
    rest = altered(message)
    for name in NOT_COVERED:
        rest.ClearField(name)
    rest.DiscardUnknownFields()
    for kind in ("HMAC_Personalized_data", "AES_GCM_Personalized_data"):
        if rest.signature_data.HasField(kind):
            getattr(rest.signature_data, kind).ClearField("epoch")
    return rest


@settings(deadline=None)
@given(any_command(), st.sampled_from(SIGNATURES), st.sampled_from([Flag.NONE, Flag.ENCRYPT_RESPONSE]))
def test_any_command_that_is_signed_is_verified_and_carried_out_as_it_was_meant(
    command: tuple[str, dict[str, Any]], signature_type: SignatureType, flags: Flag
) -> None:
    car, (name, arguments) = SecuredCar(), command
    response = car.command(name, arguments, signature_type=signature_type, flags=flags)
    meant = decode(COMMANDS[name].domain, encode(name, arguments))
    assert response.fault is None and response.result is not None
    assert car.executed == ([] if name == "ping" else [meant])


def check_flip(
    car: SecuredCar, request: SignedRequest, meant: tuple[str, dict[str, Any]], position: int
) -> None:
    car.executed.clear()
    message = flipped(request.message, position)
    car.deliver(message)
    if car.executed:
        assert car.executed == [meant]
        assert covered(message) == covered(request.message)


@settings(deadline=None)
@given(any_command(), st.sampled_from(SIGNATURES), st.data())
def test_no_single_bit_makes_the_car_do_anything_that_was_not_signed(
    command: tuple[str, dict[str, Any]], signature_type: SignatureType, data: st.DataObject
) -> None:
    car, (name, arguments) = SecuredCar(), command
    session = car.shake_hands(COMMANDS[name].domain)
    request = car.sign(session, name, arguments, signature_type=signature_type)
    position = data.draw(st.integers(0, len(request.message) * 8 - 1))
    check_flip(car, request, decode(COMMANDS[name].domain, encode(name, arguments)), position)


@pytest.mark.parametrize("signature_type", SIGNATURES)
@pytest.mark.parametrize("name", ["door_unlock", "auto_conditioning_stop"])
def test_every_single_bit_of_a_message_is_safe(name: str, signature_type: SignatureType) -> None:
    car = SecuredCar()
    session = car.shake_hands(COMMANDS[name].domain)
    bits = len(car.sign(session, name, signature_type=signature_type).message) * 8
    refused = 0
    for position in range(bits):
        request = car.sign(
            session, name, signature_type=signature_type, counter=1000 + position, lifetime_seconds=3
        )
        if position < len(request.message) * 8:
            check_flip(car, request, (name, {}), position)
            refused += not car.executed
    assert refused > bits / 2


@pytest.mark.parametrize("name", ["door_lock", "charge_start"])
def test_every_single_bit_of_an_encrypted_answer_is_noticed_or_changes_nothing(name: str) -> None:
    car = SecuredCar()
    session = car.shake_hands(COMMANDS[name].domain)
    request = car.sign(session, name, flags=Flag.ENCRYPT_RESPONSE)
    answer = car.deliver(request.message)
    original = open_response(answer, request, session, key=car.key, now=car.now)
    noticed = 0
    for position in range(len(answer) * 8):
        try:
            response = open_response(flipped(answer, position), request, session, key=car.key, now=car.now)
        except InvalidAnswer:
            noticed += 1
            continue
        told = (response.fault, response.result, response.payload)
        assert not response.was_encrypted or told == (original.fault, original.result, original.payload)
    assert noticed > len(answer) * 4
