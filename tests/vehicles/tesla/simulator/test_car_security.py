"""The simulated car takes what a real car takes and refuses the rest with the fault a real car would give."""

from dataclasses import replace
from typing import Any

import pytest
from tesla_protocol.command import errors_pb2, universal_message_pb2, vcsec_pb2

from tests.vehicles.tesla.signing.any_command import acceptable_arguments
from tests.vehicles.tesla.simulator.secured_car import BOTH, KEY, STRANGER, SecuredCar, altered, number
from vehicles.tesla import scopes
from vehicles.tesla.signing import (
    FAULTS,
    Domain,
    Flag,
    InvalidAnswer,
    KeychainIsFull,
    KeyNotOnVehicle,
    PrivateKey,
    Refused,
    SignatureType,
    Succeeded,
    Wait,
    authorize,
    handshake_request,
)
from vehicles.tesla.signing.responses import REFUSALS
from vehicles.tesla.simulator.car.security import (
    KEY_SLOTS,
    CarSecurity,
    Outcome,
    Role,
    add_key,
    required_scopes,
)
from vehicles.tesla.vehicle_commands import COMMANDS

PUBLISHED = {
    "unknown": 1,
    "closures_open": 2,
    "already_on": 3,
    "disabled_for_user_command": 4,
    "vehicle_not_in_park": 5,
    "unauthorized": 6,
    "not_allowed_over_transport": 7,
}
"""The numbers of Tesla's published errors.proto."""


@pytest.fixture
def car() -> SecuredCar:
    return SecuredCar()


@BOTH
@pytest.mark.parametrize(
    "signature_type", [SignatureType.HMAC_PERSONALIZED, SignatureType.AES_GCM_PERSONALIZED]
)
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
        (Role.GUEST, {"ping", "charge_start", "door_unlock"}),
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


SETS_OR_CLEARS_A_PIN: list[tuple[str, dict[str, Any]]] = [
    ("set_pin_to_drive", {"on": True, "password": "1234"}),
    ("reset_pin_to_drive_pin", {}),
    ("clear_pin_to_drive_admin", {}),
    ("set_valet_mode", {"on": True, "password": "1234"}),
    ("set_valet_mode", {"on": False}),
    ("reset_valet_pin", {}),
    ("speed_limit_activate", {"pin": "1234"}),
    ("speed_limit_clear_pin", {"pin": "1234"}),
    ("speed_limit_clear_pin_admin", {}),
]


@pytest.mark.parametrize(("name", "arguments"), SETS_OR_CLEARS_A_PIN)
def test_only_owners_and_fleet_managers_change_pins(
    car: SecuredCar, name: str, arguments: dict[str, Any]
) -> None:
    for role in (Role.DRIVER, Role.GUEST, Role.CHARGING_MANAGER, Role.VEHICLE_MONITOR):
        car.keys[KEY.public_key] = role
        assert number(car.command(name, arguments)) == 7
    for role in (Role.OWNER, Role.FLEET_MANAGER):
        car.keys[KEY.public_key] = role
        assert car.command(name, arguments).result == Succeeded()
    assert len(car.executed) == 2


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"ping"}))
def test_a_service_key_commands_no_car_that_does_not_permit_remote_service(
    car: SecuredCar, name: str
) -> None:
    car.keys[KEY.public_key] = Role.SERVICE
    assert car.command("ping", {"ping_id": 7}).result == Succeeded()
    assert number(car.command(name, acceptable_arguments(name))) == 22
    assert car.executed == []


@pytest.mark.parametrize("reason", sorted({*REFUSALS.values(), "is_charging"}))
def test_vehicle_security_refuses_with_published_numbers_only(car: SecuredCar, reason: str) -> None:
    car.outcome = Outcome(False, reason)
    session = car.shake_hands(Domain.VEHICLE_SECURITY)
    answer = altered(car.deliver(car.sign(session, "door_lock").message))
    told = vcsec_pb2.FromVCSECMessage.FromString(answer.protobuf_message_as_bytes).nominalError.genericError
    assert told == PUBLISHED.get(reason, errors_pb2.GENERICERROR_UNKNOWN)


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


def test_older_firmware_answers_in_the_clear(car: SecuredCar) -> None:
    car.security.can_encrypt_answers = False
    response = car.command("flash_lights", flags=Flag.ENCRYPT_RESPONSE)
    assert response.result == Succeeded() and not response.was_encrypted


@BOTH
def test_an_operation_status_added_to_an_encrypted_answer_changes_nothing(car: SecuredCar, name: str) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY if name == "door_lock" else Domain.INFOTAINMENT)
    request = car.sign(session, name, flags=Flag.ENCRYPT_RESPONSE)
    answer = altered(car.deliver(request.message))
    for status in (universal_message_pb2.OPERATIONSTATUS_WAIT, universal_message_pb2.OPERATIONSTATUS_ERROR):
        answer.signedMessageStatus.operation_status = status
        car.security = _Answering(answer.SerializeToString())
        response = car.send(session, request)
        assert (response.fault, response.result) == (None, Succeeded())


def test_an_encrypted_answer_to_another_request_is_not_accepted(car: SecuredCar) -> None:
    session = car.shake_hands(Domain.VEHICLE_SECURITY)
    first = car.sign(session, "door_lock", counter=1, flags=Flag.ENCRYPT_RESPONSE)
    second = car.sign(session, "door_lock", counter=2, flags=Flag.ENCRYPT_RESPONSE)
    answer = altered(car.deliver(first.message))
    answer.to_destination.routing_address = second.routing_address
    car.security = _Answering(answer.SerializeToString())
    with pytest.raises(InvalidAnswer) as refused:
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
