"""The simulated car checks signed messages in the order of a real one and answers with its faults."""

from dataclasses import replace
from typing import Any

import pytest
from tesla_protocol.command import signatures_pb2, universal_message_pb2

from tests.vehicles.tesla.simulator.secured_car import BOTH, KEY, STRANGER, SecuredCar, altered, number
from vehicles.tesla.signing import (
    Domain,
    Flag,
    SignatureType,
    Succeeded,
    authorize,
    handshake_request,
)
from vehicles.tesla.simulator.car.security import Role
from vehicles.tesla.simulator.car.security_verifier import CarComputer
from vehicles.tesla.vehicle_commands import COMMANDS, encode

ONE_YEAR = 365 * 24 * 60 * 60


@pytest.fixture
def car() -> SecuredCar:
    return SecuredCar()


def test_the_two_computers_share_nothing(car: SecuredCar) -> None:
    security, infotainment = (car.shake_hands(domain) for domain in Domain)
    assert security.vehicle_public_key != infotainment.vehicle_public_key
    assert security.epoch != infotainment.epoch
    request = car.sign(infotainment, "charge_start")
    message = altered(request.message)
    message.to_destination.domain = universal_message_pb2.DOMAIN_VEHICLE_SECURITY
    message.signature_data.HMAC_Personalized_data.ClearField("epoch")
    assert fault_of(car, message) == 5


def fault_of(car: SecuredCar, message: universal_message_pb2.RoutableMessage) -> int:
    return altered(car.deliver(message.SerializeToString())).signedMessageStatus.signed_message_fault


@BOTH
def test_each_mistake_gets_its_fault_with_fresh_session_info_where_it_helps(
    car: SecuredCar, name: str
) -> None:
    domain = Domain.VEHICLE_SECURITY if name == "door_lock" else Domain.INFOTAINMENT
    car.shake_hands(domain)
    car.now += 1000
    session = car.shake_hands(domain)
    assert car.command(name, session=session, counter=5).fault is None
    mistakes: dict[int, dict[str, Any]] = {
        17: {"lifetime_seconds": -1, "counter": 6},
        13: {"lifetime_seconds": 2**30, "counter": 6},
        20: {"lifetime_seconds": 31, "counter": 4},
        6: {"counter": 5},
    }
    for expected, options in mistakes.items():
        response = car.command(name, session=session, **options)
        assert number(response) == expected
        assert response.session is not None and response.session.counter == 5
    response = car.command(name, session=replace(session, epoch=bytes(16)), counter=6)
    assert number(response) == 15 and response.session is not None
    assert response.session.epoch == session.epoch
    assert len(car.executed) == 1


def test_the_first_failing_check_decides_the_fault(car: SecuredCar) -> None:
    car.shake_hands(Domain.INFOTAINMENT)
    car.now += 100
    session = car.shake_hands(Domain.INFOTAINMENT)
    car.command("flash_lights", session=session, counter=5)
    wrong = {"key": STRANGER, "counter": 5, "lifetime_seconds": -1}
    other_epoch = replace(session, epoch=bytes(16))

    request = authorize(other_epoch, encode("flash_lights", {}), now=car.now, **wrong)  # type: ignore[arg-type]
    message = altered(request.message)
    message.to_destination.domain = universal_message_pb2.DOMAIN_BROADCAST
    assert fault_of(car, message) == 3
    message.signature_data.signer_identity.public_key = KEY.public_key
    assert fault_of(car, message) == 8
    message.to_destination.domain = universal_message_pb2.DOMAIN_INFOTAINMENT
    assert fault_of(car, message) == 15
    stated = message.signature_data.HMAC_Personalized_data
    stated.epoch = session.epoch
    assert fault_of(car, message) == 17
    stated.expires_at = 2**30 + 1
    stated.counter = 1
    assert fault_of(car, message) == 13
    stated.expires_at = session.clock_time + 31
    assert fault_of(car, message) == 20
    stated.counter = 5
    assert fault_of(car, message) == 5
    message = altered(car.sign(session, "flash_lights", counter=5).message)
    car.keys[KEY.public_key] = Role.NONE
    assert fault_of(car, message) == 6
    assert fault_of(car, altered(car.sign(session, "flash_lights", counter=6).message)) == 7


def test_a_message_that_never_expires_is_taken_with_a_new_counter_only(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    assert car.command("flash_lights", session=session, counter=3, lifetime_seconds=0).fault is None
    session = replace(session, clock_time=0, observed_at=car.now)
    assert number(car.command("flash_lights", session=session, counter=2, lifetime_seconds=0)) == 20


def test_infotainment_takes_counters_out_of_order_within_the_window(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    assert car.command("flash_lights", session=session, counter=100).fault is None
    for counter, expected in [
        (67, 6),
        (68, 0),
        (68, 6),
        (99, 0),
        (100, 6),
        (99, 6),
        (101, 0),
        (69, 0),
        (68, 6),
    ]:
        response = car.command("flash_lights", session=session, counter=counter)
        assert (counter, number(response)) == (counter, expected)


def test_a_leap_of_the_counter_forgets_nothing_that_is_still_in_the_window(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    for counter, expected in [(10, 0), (42, 0), (10, 6), (11, 0), (2**31, 0), (2**31 - 32, 0), (42, 6)]:
        assert (counter, number(car.command("flash_lights", session=session, counter=counter))) == (
            counter,
            expected,
        )


def test_vehicle_security_wants_every_counter_above_the_last(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY)
    for counter, expected in [(10, 0), (9, 6), (10, 6), (12, 0), (11, 6), (13, 0)]:
        assert number(car.command("door_lock", session=session, counter=counter)) == expected


@BOTH
def test_a_replayed_message_is_not_carried_out_again(car: SecuredCar, name: str) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY if name == "door_lock" else Domain.INFOTAINMENT)
    request = car.sign(session, name)
    assert car.send(session, request).fault is None
    assert number(car.send(session, request)) == 6
    assert len(car.executed) == 1


def test_a_failed_tag_does_not_use_up_the_counter(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    request = car.sign(session, "flash_lights")
    message = altered(request.message)
    message.protobuf_message_as_bytes = encode("honk_horn", {})
    assert number(car.send(session, request, message.SerializeToString())) == 5
    assert car.send(session, request).fault is None


def test_flags_cannot_be_changed_after_signing(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    for signed, sent in [(Flag.NONE, 2), (Flag.ENCRYPT_RESPONSE, 0), (Flag.ENCRYPT_RESPONSE, 6)]:
        request = car.sign(session, "flash_lights", flags=signed)
        message = altered(request.message)
        message.flags = sent
        assert number(car.send(session, request, message.SerializeToString())) == 5


def test_a_message_for_another_car_is_refused(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    other = replace(session, vin="5YJ3E7EA7KF000102")
    assert number(car.send(session, car.sign(other, "flash_lights"))) == 5


def test_the_epoch_may_be_left_out_of_the_message_but_not_out_of_the_tag(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    for epoch, expected in [(session.epoch, 0), (bytes(16), 5)]:
        request = car.sign(
            replace(session, epoch=epoch), "flash_lights", counter=session.counter + 1 + expected
        )
        message = altered(request.message)
        message.signature_data.HMAC_Personalized_data.ClearField("epoch")
        assert number(car.send(session, request, message.SerializeToString())) == expected


@BOTH
def test_after_a_reboot_the_attached_session_info_is_enough_to_go_on(car: SecuredCar, name: str) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY if name == "door_lock" else Domain.INFOTAINMENT)
    car.command(name, session=session)
    car.now += 60
    car.security.reboot(car.now)
    response = car.command(name, session=session, counter=2)
    assert response.fault is not None and response.fault.resync and number(response) == 15
    assert response.session is not None and response.session.counter == 0
    assert (
        response.session.clock_time == 0 and response.session.vehicle_public_key == session.vehicle_public_key
    )
    assert car.command(name, session=response.session).result == Succeeded()


def test_an_epoch_ends_when_a_counter_is_used_up() -> None:
    computer = CarComputer(Domain.INFOTAINMENT, started_at=0.0)
    first = computer.epoch
    computer.counters[KEY.public_key] = window = computer._window(KEY.public_key)
    assert window.take(0xFFFFFFFE, strictly_increasing=False)
    computer.restart_if_due(5.0)
    assert computer.epoch == first
    assert window.take(0xFFFFFFFF, strictly_increasing=False)
    computer.restart_if_due(5.0)
    assert computer.epoch != first and computer.clock(5.0) == 0 and not computer.counters


@pytest.mark.parametrize(
    ("seconds", "stays"), [(ONE_YEAR, True), (ONE_YEAR + 1, False), (10 * ONE_YEAR, False), (-1, False)]
)
def test_an_epoch_ends_when_its_clock_is_over_a_year_away_or_before_its_beginning(
    car: SecuredCar, seconds: int, stays: bool
) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    car.now += seconds
    assert (car.shake_hands(Domain.INFOTAINMENT, session).epoch == session.epoch) is stays


@BOTH
@pytest.mark.parametrize(
    "signature_type", [SignatureType.HMAC_PERSONALIZED, SignatureType.AES_GCM_PERSONALIZED]
)
def test_counter_zero_is_not_counted_in_a_message_that_lives_briefly(
    car: SecuredCar, name: str, signature_type: SignatureType
) -> None:
    session = car.shake_hands(COMMANDS[name].domain)
    assert car.command(name, session=session, counter=5).fault is None
    for lifetime, expected in [(30, 0), (30, 0), (31, 20), (2**30 + 1, 13)]:
        message = car.sign_without_counter(session, name, lifetime, signature_type)
        assert (lifetime, fault_of(car, message)) == (lifetime, expected)
    assert number(car.command(name, session=session, counter=5)) == 6
    assert number(car.command(name, session=session, counter=6)) == 0
    assert len(car.executed) == 4


@pytest.mark.parametrize("domain", list(Domain))
def test_session_info_for_a_request_without_a_uuid_has_no_challenge_in_its_tag(
    car: SecuredCar, domain: Domain
) -> None:
    request = altered(handshake_request(domain, KEY.public_key).message)
    request.ClearField("uuid")
    answer = altered(car.deliver(request.SerializeToString()))
    vehicle = signatures_pb2.SessionInfo.FromString(answer.session_info).publicKey
    # Tags, lengths and values of the signature type and the VIN (vehicle-command protocol: metadata serialization).
    covered = bytes([0, 1, 6, 2, len(car.vin)]) + car.vin.encode() + b"\xff"
    expected = KEY.session_keys(vehicle).session_info_tag(covered, answer.session_info)
    assert answer.signature_data.session_info_tag.tag == expected


def test_a_car_whose_clock_runs_ahead_refuses_until_the_client_adopts_it(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    car.security.clock_skew_seconds = 120
    response = car.command("flash_lights", session=session)
    assert number(response) == 17 and response.session is not None
    assert response.session.clock_time == session.clock_time + 120
    assert car.command("flash_lights", session=response.session).result == Succeeded()


def test_faults_of_malformed_messages(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    for payload, expected in [(b"\xff", 10), (b"", 9)]:
        request = authorize(session, payload, key=KEY, counter=expected, now=car.now)
        assert number(car.send(session, request)) == expected
    assert altered(car.deliver(b"\xff")).signedMessageStatus.signed_message_fault == 10
    message = altered(
        car.sign(session, "flash_lights", signature_type=SignatureType.AES_GCM_PERSONALIZED).message
    )
    message.signature_data.AES_GCM_Personalized_data.nonce = b"short"
    assert fault_of(car, message) == 16
    message = altered(car.sign(session, "flash_lights").message)
    message.uuid = bytes(300)
    assert fault_of(car, message) == 13
    message.uuid = bytes(16)
    message.signature_data.ClearField("HMAC_Personalized_data")
    assert fault_of(car, message) == 13
    message.signature_data.signer_identity.handle = 5
    assert fault_of(car, message) == 27
    message.ClearField("signature_data")
    assert fault_of(car, message) == 3
    message.session_info_request.public_key = KEY.public_key
    message.to_destination.domain = universal_message_pb2.DOMAIN_AUTHD
    assert fault_of(car, message) == 8
    car.vin = ""
    assert fault_of(car, altered(car.sign(session, "flash_lights").message)) == 18
    assert car.executed == []
