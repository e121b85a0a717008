"""The simulated car takes what a real car takes and refuses the rest with the fault a real car would give."""

from dataclasses import replace
from typing import Any

import pytest
from tesla_protocol.command import universal_message_pb2

from tests.vehicles.tesla.simulator.secured_car import KEY, SecuredCar, altered
from vehicles.tesla import scopes
from vehicles.tesla.signing import (
    FAULTS,
    Domain,
    Flag,
    InvalidAnswer,
    KeyNotOnVehicle,
    KeychainIsFull,
    PrivateKey,
    Refused,
    Response,
    SignatureType,
    Succeeded,
    Wait,
    authorize,
    handshake_request,
)
from vehicles.tesla.simulator.car_security import (
    KEY_SLOTS,
    CarSecurity,
    Outcome,
    Role,
    add_key,
    required_scopes,
)
from vehicles.tesla.simulator.car_security_verifier import CarComputer
from vehicles.tesla.vehicle_commands import encode

STRANGER = PrivateKey.from_scalar(99)
BOTH = pytest.mark.parametrize("name", ["door_lock", "charge_start"], ids=["vehicle security", "infotainment"])


@pytest.fixture
def car() -> SecuredCar:
    return SecuredCar()


def number(response: Response) -> int:
    return response.fault.number if response.fault else 0


@BOTH
@pytest.mark.parametrize("signature_type", [SignatureType.HMAC_PERSONALIZED, SignatureType.AES_GCM_PERSONALIZED])
@pytest.mark.parametrize("flags", [Flag.NONE, Flag.ENCRYPT_RESPONSE])
def test_a_signed_command_is_carried_out_and_answered(
    car: SecuredCar, name: str, signature_type: SignatureType, flags: Flag
) -> None:
    response = car.command(name, signature_type=signature_type, flags=flags)
    assert (response.fault, response.result) == (None, Succeeded())
    assert response.was_encrypted == bool(flags)
    assert car.executed == [(name, {})]


@BOTH
def test_a_refusal_keeps_its_reason(car: SecuredCar, name: str) -> None:
    car.outcome = Outcome(False, "vehicle_not_in_park")
    assert car.command(name).result == Refused("vehicle_not_in_park")


def test_a_reason_that_vehicle_security_has_no_number_for_becomes_unknown(car: SecuredCar) -> None:
    car.outcome = Outcome(False, "is_charging")
    assert car.command("door_lock").result == Refused("unknown")
    assert car.command("charge_start").result == Refused("is_charging")


def test_a_ping_proves_the_session_and_changes_nothing(car: SecuredCar) -> None:
    assert car.command("ping", {"ping_id": 7}).result == Succeeded()
    assert car.executed == []


@BOTH
def test_an_answer_goes_back_to_its_sender_and_names_the_request_as_that_computer_does(
    car: SecuredCar, name: str
) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY if name == "door_lock" else Domain.INFOTAINMENT)
    request = car.sign(session, name)
    answer = altered(car.deliver(request.message))
    assert answer.to_destination.routing_address == request.routing_address
    assert answer.from_destination.domain == session.domain.value
    assert answer.request_uuid == (b"" if name == "door_lock" else request.uuid)


@BOTH
def test_session_info_always_names_the_request_because_clients_take_the_challenge_from_there(
    car: SecuredCar, name: str
) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY if name == "door_lock" else Domain.INFOTAINMENT)
    stale = car.sign(replace(session, epoch=bytes(16)), name)
    answer = altered(car.deliver(stale.message))
    assert answer.session_info and answer.request_uuid == stale.uuid


def test_a_handshake_with_a_key_that_is_not_on_the_car_says_so_either_way(car: SecuredCar) -> None:
    car.keys.clear()
    request = handshake_request(Domain.INFOTAINMENT, KEY.public_key)
    assert altered(car.deliver(request.message)).session_info.hex() == "2801"
    with pytest.raises(KeyNotOnVehicle):
        car.shake_hands(Domain.INFOTAINMENT)
    car.security.faults_on_unknown_handshake = True
    assert altered(car.deliver(request.message)).signedMessageStatus.signed_message_fault == 3
    with pytest.raises(KeyNotOnVehicle):
        car.shake_hands(Domain.INFOTAINMENT)


@BOTH
def test_a_key_removed_in_between_gets_fault_three_and_no_session_info(car: SecuredCar, name: str) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY if name == "door_lock" else Domain.INFOTAINMENT)
    car.keys.clear()
    response = car.command(name, session=session)
    assert (number(response), response.session, car.executed) == (3, None, [])


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
def test_each_mistake_gets_its_fault_with_fresh_session_info_where_it_helps(car: SecuredCar, name: str) -> None:
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
    for counter, expected in [(67, 6), (68, 0), (68, 6), (99, 0), (100, 6), (99, 6), (101, 0), (69, 0), (68, 6)]:
        response = car.command("flash_lights", session=session, counter=counter)
        assert (counter, number(response)) == (counter, expected)


def test_a_leap_of_the_counter_forgets_nothing_that_is_still_in_the_window(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    for counter, expected in [(10, 0), (42, 0), (10, 6), (11, 0), (2**31, 0), (2**31 - 32, 0), (42, 6)]:
        assert (counter, number(car.command("flash_lights", session=session, counter=counter))) == (counter, expected)


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
        request = car.sign(replace(session, epoch=epoch), "flash_lights", counter=session.counter + 1 + expected)
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
    assert response.session.clock_time == 0 and response.session.vehicle_public_key == session.vehicle_public_key
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


def test_an_epoch_ends_after_thirty_four_years(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    car.now += 2**30
    assert car.shake_hands(Domain.INFOTAINMENT, session).epoch == session.epoch
    car.now += 1
    assert car.shake_hands(Domain.INFOTAINMENT, session).epoch != session.epoch


def test_a_car_whose_clock_runs_ahead_refuses_until_the_client_adopts_it(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    car.security.clock_skew_seconds = 120
    response = car.command("flash_lights", session=session)
    assert number(response) == 17 and response.session is not None
    assert response.session.clock_time == session.clock_time + 120
    assert car.command("flash_lights", session=response.session).result == Succeeded()


def test_no_twenty_first_key_fits_on_the_car(car: SecuredCar) -> None:
    for scalar in range(1, KEY_SLOTS):
        add_key(car.keys, PrivateKey.from_scalar(scalar).public_key)
    add_key(car.keys, KEY.public_key, Role.OWNER)
    with pytest.raises(KeychainIsFull):
        add_key(car.keys, STRANGER.public_key)
    assert len(car.keys) == 20


@pytest.mark.parametrize(
    "role, permitted",
    [
        (Role.NONE, set()),
        (Role.VEHICLE_MONITOR, {"ping"}),
        (Role.CHARGING_MANAGER, {"ping", "charge_start"}),
        (Role.DRIVER, {"ping", "charge_start", "door_unlock"}),
        (Role.FLEET_MANAGER, {"ping", "charge_start", "door_unlock", "clear_pin_to_drive_admin"}),
        (Role.OWNER, {"ping", "charge_start", "door_unlock", "clear_pin_to_drive_admin"}),
        (77, set()),
    ],
)
def test_a_key_may_do_what_its_role_permits(car: SecuredCar, role: int, permitted: set[str]) -> None:
    car.keys[KEY.public_key] = role
    for name in ("ping", "charge_start", "door_unlock", "clear_pin_to_drive_admin"):
        assert number(car.command(name)) == (0 if name in permitted else 7)
    assert {name for name, _ in car.executed} == permitted - {"ping"}


def test_remote_access_switched_off_is_fault_twenty_one(car: SecuredCar) -> None:
    car.security.remote_access = False
    assert number(car.command("flash_lights")) == 21
    assert car.executed == []


@BOTH
def test_a_busy_car_is_busy_as_often_as_told_and_then_obeys(car: SecuredCar, name: str) -> None:
    car.security.disturb(fault=1, times=2)
    car.security.disturb(operation_status=1)
    seen = [car.command(name) for _ in range(4)]
    assert [number(response) for response in seen] == [1, 1, 0, 0]
    assert [response.result for response in seen] == [None, None, Wait(), Succeeded()]
    assert car.executed == [(name, {})]


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_every_fault_reaches_the_client_as_its_class(car: SecuredCar, fault: int) -> None:
    car.security.disturb(fault=fault)
    response = car.command("flash_lights")
    assert type(response.fault) is FAULTS[fault]
    assert (response.session is not None) == FAULTS[fault].resync
    assert car.executed == []


def test_an_answer_too_long_to_send_comes_after_the_command_was_carried_out(car: SecuredCar) -> None:
    car.security.disturb(fault=25, executes=True)
    response = car.command("honk_horn", flags=Flag.ENCRYPT_RESPONSE)
    assert response.fault is not None and response.fault.may_have_happened and response.was_encrypted
    assert car.executed == [("honk_horn", {})]


def test_faults_of_malformed_messages(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    for payload, expected in [(b"\xff", 10), (b"", 9)]:
        request = authorize(session, payload, key=KEY, counter=expected, now=car.now)
        assert number(car.send(session, request)) == expected
    assert altered(car.deliver(b"\xff")).signedMessageStatus.signed_message_fault == 10
    message = altered(car.sign(session, "flash_lights", signature_type=SignatureType.AES_GCM_PERSONALIZED).message)
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


def test_older_firmware_answers_in_the_clear(car: SecuredCar) -> None:
    car.security.can_encrypt_answers = False
    response = car.command("flash_lights", flags=Flag.ENCRYPT_RESPONSE)
    assert response.result == Succeeded() and not response.was_encrypted


def test_an_encrypted_answer_to_another_request_is_not_accepted(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY)
    first = car.sign(session, "door_lock", counter=1, flags=Flag.ENCRYPT_RESPONSE)
    second = car.sign(session, "door_lock", counter=2, flags=Flag.ENCRYPT_RESPONSE)
    answer = altered(car.deliver(first.message))
    answer.to_destination.routing_address = second.routing_address
    with pytest.raises(InvalidAnswer) as refused:
        car.security = _Answering(answer.SerializeToString())
        car.send(session, second)
    assert refused.value.may_have_happened


class _Answering(CarSecurity):
    """Stands for somebody between car and client who answers whatever he likes."""

    def __init__(self, answer: bytes) -> None:
        super().__init__()
        self._answer = answer

    def handle(self, request: bytes, **_: Any) -> bytes:
        return self._answer


def test_the_backend_reads_the_scope_off_the_payload(car: SecuredCar) -> None:
    either = {scopes.VEHICLE_CMDS, scopes.VEHICLE_CHARGING_CMDS}
    session = car.shake_hands(Domain.INFOTAINMENT)
    assert required_scopes(handshake_request(Domain.INFOTAINMENT, KEY.public_key).message) == either
    assert required_scopes(car.sign(session, "charge_start").message) == either
    assert required_scopes(car.sign(session, "flash_lights").message) == {scopes.VEHICLE_CMDS}
    unknown = authorize(session, b"", key=KEY, counter=1, now=car.now)
    assert required_scopes(unknown.message) == {scopes.VEHICLE_CMDS}


def test_the_backend_lets_nothing_pass_that_it_cannot_read(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.INFOTAINMENT)
    hidden = car.sign(session, "charge_start", signature_type=SignatureType.AES_GCM_PERSONALIZED)
    unsigned = altered(car.sign(session, "charge_start").message)
    unsigned.ClearField("signature_data")
    for message in (hidden.message, unsigned.SerializeToString(), b"\xff", b""):
        assert required_scopes(message) == frozenset()
