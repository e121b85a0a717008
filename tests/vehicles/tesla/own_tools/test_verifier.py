"""A car with Tesla's own verifier in it takes our messages, and refuses whatever our simulated car refuses."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tesla_protocol.command import signatures_pb2, universal_message_pb2

from tests.vehicles.commanding import EITHER_COMPUTER, calls_to_the_car, car_of, issue, refused
from tests.vehicles.tesla.own_tools.programs import TeslasCar
from tests.vehicles.tesla.signing.any_command import any_command
from tests.vehicles.tesla.simulator.secured_car import BOTH, STRANGER, SecuredCar, altered, number
from vehicles import errors
from vehicles.models import VehicleGrant
from vehicles.tesla.signing import Domain, Flag, SessionInfo, SignatureType, Succeeded, handshake_request
from vehicles.tesla.signing.metadata import session_info_metadata
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tesla.vehicle_commands import COMMANDS, encode

SIGNED = [SignatureType.HMAC_PERSONALIZED, SignatureType.AES_GCM_PERSONALIZED]
UNDERSTOOD: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("lock", {}, {"RKEAction": "RKE_ACTION_LOCK"}),
    ("unlock", {}, {"RKEAction": "RKE_ACTION_UNLOCK"}),
    ("open_frunk", {}, {"closureMoveRequest": {"frontTrunk": "CLOSURE_MOVE_TYPE_MOVE"}}),
    ("start_climate", {}, {"vehicleAction": {"hvacAutoAction": {"powerOn": True}}}),
    ("set_charge_limit", {"percent": 70}, {"vehicleAction": {"chargingSetLimitAction": {"percent": 70}}}),
    ("set_amperage", {"charging_amps": 12}, {"vehicleAction": {"setChargingAmpsAction": {"chargingAmps": 12}}}),
    ("start_charge", {}, {"vehicleAction": {"chargingStartStopAction": {"start": {}}}}),
    ("open_charge_port", {}, {"vehicleAction": {"chargePortDoorOpen": {}}}),
]  # fmt: skip
"""Controls of our API, and what Tesla's definitions call the message that the car gets."""

NOT_PUBLISHED = {"navigation_gps_request", "navigation_sc_request", "navigation_waypoints_request"}
"""Commands whose messages are not in Tesla's published definitions; Tesla's own programs send them unsigned."""


@BOTH
@pytest.mark.parametrize("signature_type", SIGNED)
@pytest.mark.parametrize("flags", [Flag.NONE, Flag.ENCRYPT_RESPONSE])
def test_it_takes_what_we_sign_and_we_open_what_it_answers(
    teslas_car: TeslasCar, name: str, signature_type: SignatureType, flags: Flag
) -> None:
    car = SecuredCar(teslas_car)
    session = car.shake_hands(COMMANDS[name].domain)
    for counter in (session.counter + 1, session.counter + 2):
        response = car.command(
            name, session=session, counter=counter, signature_type=signature_type, flags=flags
        )
        assert response.result == Succeeded()
        assert response.was_encrypted is (flags is Flag.ENCRYPT_RESPONSE)
    assert teslas_car.payloads == [encode(name, {})] * 2
    assert car.shake_hands(COMMANDS[name].domain, session).counter == 2


@given(commands=st.lists(any_command(), min_size=1, max_size=40))
@settings(deadline=None, max_examples=20)
def test_it_understands_every_command(
    verifier_file: Path, commands: list[tuple[str, dict[str, Any]]]
) -> None:
    with TeslasCar(verifier_file) as teslas_car:
        car = SecuredCar(teslas_car)
        for name, arguments in commands:
            assert car.command(name, arguments).result == Succeeded()
    assert teslas_car.payloads == [encode(name, arguments) for name, arguments in commands]
    for (name, _), said in zip(commands, teslas_car.understood, strict=True):
        assert len(said.get("vehicleAction", said)) == (name not in NOT_PUBLISHED)


@pytest.mark.django_db
@pytest.mark.parametrize(("control", "arguments", "message"), UNDERSTOOD, ids=[row[0] for row in UNDERSTOOD])
def test_our_controls_reach_it_through_the_whole_client(
    simulator: SimulatorServer,
    signed: VehicleGrant,
    teslas_car: TeslasCar,
    control: str,
    arguments: dict[str, Any],
    message: dict[str, Any],
) -> None:
    car_of(simulator, signed)._security = teslas_car
    assert issue(signed, control, **arguments).outcome == "succeeded"
    assert teslas_car.understood == [message]


@pytest.mark.django_db
@EITHER_COMPUTER
def test_our_client_goes_on_after_its_reboot_without_another_handshake(
    simulator: SimulatorServer, signed: VehicleGrant, teslas_car: TeslasCar, control: str, command: str
) -> None:
    car_of(simulator, signed)._security = teslas_car
    issue(signed, control)
    issue(signed, control)
    teslas_car.reboot(0)
    assert issue(signed, control).outcome == "succeeded"
    assert teslas_car.payloads == [encode(command, {})] * 3
    handshake, refused_once = 1, 1
    assert calls_to_the_car(simulator) == handshake + len(teslas_car.payloads) + refused_once


@pytest.mark.django_db
@EITHER_COMPUTER
def test_a_key_that_is_removed_in_between_no_longer_works(
    simulator: SimulatorServer, signed: VehicleGrant, teslas_car: TeslasCar, control: str, command: str
) -> None:
    car = car_of(simulator, signed)
    car._security = teslas_car
    issue(signed, control)
    car.remove_keys()
    assert refused(signed, control).spec is errors.VIRTUAL_KEY_REQUIRED
    assert teslas_car.payloads == [encode(command, {})]


@dataclass(frozen=True)
class Message:
    """A message as somebody might send it: what it is signed for, and what is changed on the way."""

    counter: int
    lifetime: int
    signature_type: SignatureType
    flags: int = 0
    epoch: str = "kept"
    change: str = ""


MESSAGES = st.builds(
    Message,
    counter=st.integers(1, 80) | st.sampled_from([2**32 - 40, 2**32 - 3]),
    lifetime=st.sampled_from([0, 20, 60, 2**30 + 5]),
    signature_type=st.sampled_from(SIGNED),
    flags=st.sampled_from([0, 1, 2, 8]),
    epoch=st.sampled_from(["kept", "kept", "kept", "left out", "another"]),
    change=st.sampled_from(["", "", "", "payload", "tag", "flags", "counter", "expiry", "vin"]),
)


def outcomes(car: SecuredCar, name: str, messages: list[Message]) -> list[tuple[int, int | None, bool]]:
    """The fault of each message, the counter in the session info that came along, and whether it was encrypted."""
    session = replace(car.shake_hands(COMMANDS[name].domain), clock_time=0)
    return [outcome(car, session, name, message) for message in messages]


def outcome(
    car: SecuredCar, session: SessionInfo, name: str, message: Message
) -> tuple[int, int | None, bool]:
    signed_for = replace(
        session,
        epoch=bytes(16) if message.epoch == "another" else session.epoch,
        vin="5YJ3E7EA7KF000102" if message.change == "vin" else session.vin,
    )
    request = car.sign(
        signed_for,
        name,
        counter=message.counter,
        lifetime_seconds=message.lifetime,
        signature_type=message.signature_type,
        flags=message.flags,
    )
    sent = changed(request.message, message)
    response = car.send(session, replace(request, vin=session.vin), sent)
    told = response.session.counter if response.session else None
    return number(response), told, response.was_encrypted


def changed(message: bytes, how: Message) -> bytes:
    sent = altered(message)
    kind = sent.signature_data.WhichOneof("sig_type")
    stated = getattr(sent.signature_data, kind)
    if how.epoch == "left out":
        stated.ClearField("epoch")
    if how.change == "payload":
        sent.protobuf_message_as_bytes = with_one_bit_changed(sent.protobuf_message_as_bytes)
    elif how.change == "tag":
        stated.tag = with_one_bit_changed(stated.tag)
    elif how.change == "flags":
        sent.flags ^= 2
    elif how.change == "counter":
        stated.counter += 1
    elif how.change == "expiry":
        stated.expires_at += 1
    return bytes(sent.SerializeToString())


def with_one_bit_changed(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def both_answer_alike(verifier: Path, name: str, messages: list[Message]) -> None:
    ours = SecuredCar()
    with TeslasCar(verifier) as teslas_car:
        theirs = outcomes(SecuredCar(teslas_car), name, messages)
    assert outcomes(ours, name, messages) == theirs
    assert len(ours.executed) == len(teslas_car.payloads)


@given(messages=st.lists(MESSAGES, min_size=1, max_size=12))
@settings(deadline=None, max_examples=200)
def test_our_simulated_car_answers_every_message_as_teslas_verifier_does(
    verifier_file: Path, messages: list[Message]
) -> None:
    both_answer_alike(verifier_file, "flash_lights", messages)


@pytest.mark.parametrize("behind", [0, 1, 31, 32, 33, 34])
@pytest.mark.parametrize("leap", [1, 31, 32, 33, 2**31])
def test_the_windows_of_both_end_at_the_same_counter(verifier_file: Path, behind: int, leap: int) -> None:
    highest = 100 + leap
    counters = [100, 101, highest, highest - behind, highest - behind, 100, 101, highest + 1]
    messages = [Message(counter, 20, SignatureType.HMAC_PERSONALIZED) for counter in counters]
    both_answer_alike(verifier_file, "flash_lights", messages)


@given(messages=st.lists(MESSAGES, min_size=1, max_size=12))
@settings(deadline=None, max_examples=100)
def test_its_vehicle_security_does_so_too_while_the_counters_rise(
    verifier_file: Path, messages: list[Message]
) -> None:
    """It is stricter than the verifier with counters that do not: Tesla's protocol has them rise."""
    rising = [replace(message, counter=2 * number) for number, message in enumerate(messages, 1)]
    both_answer_alike(verifier_file, "door_lock", rising)


def malformed(car: SecuredCar) -> list[int]:
    """The faults of messages that no computer of the car can take."""
    session = car.shake_hands(Domain.INFOTAINMENT)
    message = altered(car.sign(session, "flash_lights").message)
    faults = []
    message.to_destination.domain = universal_message_pb2.DOMAIN_VEHICLE_SECURITY
    faults.append(fault_of(car, message))
    message.signature_data.HMAC_Personalized_data.ClearField("epoch")
    faults.append(fault_of(car, message))
    message.to_destination.domain = universal_message_pb2.DOMAIN_AUTHD
    faults.append(fault_of(car, message))
    message.to_destination.domain = universal_message_pb2.DOMAIN_INFOTAINMENT
    message.signature_data.ClearField("HMAC_Personalized_data")
    faults.append(fault_of(car, message))
    message.signature_data.signer_identity.public_key = STRANGER.public_key
    faults.append(fault_of(car, message))
    message.ClearField("signature_data")
    faults.append(fault_of(car, message))
    return faults


def fault_of(car: SecuredCar, message: universal_message_pb2.RoutableMessage) -> int:
    return altered(car.deliver(message.SerializeToString())).signedMessageStatus.signed_message_fault


def test_both_cars_name_the_same_fault_in_malformed_messages(teslas_car: TeslasCar) -> None:
    assert malformed(SecuredCar()) == malformed(SecuredCar(teslas_car)) == [15, 5, 8, 13, 3, 3]


def faults_without_counter(car: SecuredCar, name: str, signature_type: SignatureType) -> list[int]:
    """The faults of messages with counter 0, before and after one that has a counter."""
    session = replace(car.shake_hands(COMMANDS[name].domain), clock_time=0)
    faults = []
    for lifetime in (5, 5, 29, 40, 2**30 + 1):
        faults.append(fault_of(car, car.sign_without_counter(session, name, lifetime, signature_type)))
        car.command(name, session=session, counter=7)
    return faults


@BOTH
@pytest.mark.parametrize("signature_type", SIGNED)
def test_both_take_counter_zero_in_the_same_messages(
    teslas_car: TeslasCar, name: str, signature_type: SignatureType
) -> None:
    theirs = faults_without_counter(SecuredCar(teslas_car), name, signature_type)
    assert faults_without_counter(SecuredCar(), name, signature_type) == theirs == [0, 0, 0, 20, 13]


@pytest.mark.parametrize("domain", list(Domain))
def test_both_leave_the_challenge_of_a_request_without_uuid_out_of_the_tag(
    teslas_car: TeslasCar, domain: Domain
) -> None:
    for car in (SecuredCar(), SecuredCar(teslas_car)):
        request = altered(handshake_request(domain, car.key.public_key).message)
        request.ClearField("uuid")
        answer = altered(car.deliver(request.SerializeToString()))
        keys = car.key.session_keys(signatures_pb2.SessionInfo.FromString(answer.session_info).publicKey)
        expected = keys.session_info_tag(session_info_metadata(car.vin, b""), answer.session_info)
        assert answer.signature_data.session_info_tag.tag == expected


@BOTH
def test_both_cars_refuse_a_message_that_comes_too_late(teslas_car: TeslasCar, name: str) -> None:
    car = SecuredCar(teslas_car)
    session = car.shake_hands(COMMANDS[name].domain)
    time.sleep(2.1)
    response = car.command(
        name, session=replace(session, clock_time=1, observed_at=car.now), lifetime_seconds=0
    )
    assert number(response) == 17
    assert response.session and response.session.clock_time >= 2
    assert car.command(name, session=response.session).result == Succeeded()
