"""Signed commands over HTTP: what Tesla's servers check, and that the car does the same as for unsigned ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vehicles.tesla.simulator.conftest import operators_pem
from tests.vehicles.tesla.simulator.public_key_host import PublicKeyHost
from tests.vehicles.tesla.simulator.secured_car import number
from tests.vehicles.tesla.simulator.signer import Signer
from tests.vehicles.tesla.simulator.visitors import Application, Browser, Control, error
from vehicles.tesla import scopes
from vehicles.tesla.signing import Domain, PrivateKey, Refused, Succeeded, authorize, handshake_request
from vehicles.tesla.signing.faults import KeyNotOnVehicle
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, BERNDS_MODEL_S, DIETERS_MODEL_3

DIETER = "dieter@owners.example"


@pytest.fixture
def dieter(application: Application, operators_key: PrivateKey) -> Signer:
    return Signer(application.connect(DIETER), DIETERS_MODEL_3, operators_key)


def test_a_signed_command_reaches_the_car_like_an_unsigned_one(dieter: Signer, control: Control) -> None:
    assert isinstance(dieter.command("door_unlock").result, Succeeded)
    assert isinstance(dieter.command("set_charge_limit", percent=55).result, Succeeded)
    shown = control("GET", f"/vehicles/{DIETERS_MODEL_3}")
    assert shown["locked"] is False
    assert shown["sections"]["charge_state"]["charge_limit_soc"] == 55
    done = control("GET", f"/vehicles/{DIETERS_MODEL_3}/executed")
    assert [row["command"] for row in done] == ["door_unlock", "set_charge_limit"]


def test_the_car_refuses_with_the_same_reason(dieter: Signer) -> None:
    assert dieter.command("charge_stop").result == Refused("not_charging")


def test_a_message_that_names_no_overheat_temperature_leaves_it_as_it_is(
    dieter: Signer, control: Control
) -> None:
    dieter.command("set_cop_temp", cop_temp=0)
    session = dieter.shake_hands("set_cop_temp")
    nothing_named = bytes.fromhex("1203920400")
    request = authorize(session, nothing_named, counter=session.counter + 1, now=dieter.now, key=dieter.key)
    assert dieter.deliver(request.message).status == 200
    climate = control("GET", f"/vehicles/{DIETERS_MODEL_3}")["sections"]["climate_state"]
    assert climate["cop_activation_temperature"] == "Low"
    assert len(control("GET", f"/vehicles/{DIETERS_MODEL_3}/executed")) == 2


def test_a_key_that_is_not_on_the_car_is_told_at_the_handshake(
    application: Application, operators_key: PrivateKey
) -> None:
    signer = Signer(application.connect("anna@owners.example"), ANNAS_MODEL_3, operators_key)
    with pytest.raises(KeyNotOnVehicle):
        signer.shake_hands("door_lock")


def test_a_freshly_paired_key_signs_and_a_removed_one_no_longer_does(
    application: Application, browser: Browser, control: Control, operators_key: PrivateKey
) -> None:
    signer = Signer(application.connect("anna@owners.example"), ANNAS_MODEL_3, operators_key)
    page = browser.sign_in(browser.get("/_ak/keys.portal.example", vin=ANNAS_MODEL_3), "anna@owners.example")
    browser.submit(page, {"decision": "approve"})
    session = signer.shake_hands("door_lock")
    control("DELETE", f"/vehicles/{ANNAS_MODEL_3}/keys", {"public_key_pem": operators_pem()})
    assert number(signer.command("door_lock", session)) == 3


def test_a_car_without_the_protocol_says_so(application: Application, operators_key: PrivateKey) -> None:
    signer = Signer(application.connect("bernd@owners.example"), BERNDS_MODEL_S, operators_key)
    answer = signer.deliver(handshake_request(Domain.INFOTAINMENT, operators_key.public_key).message)
    status, text = error(answer)
    assert status == 422 and text.startswith("vehicle does not support the Tesla Vehicle Command Protocol")


def test_scopes_are_read_off_the_message(
    application: Application, operators_key: PrivateKey, control: Control
) -> None:
    application.connect(DIETER, scopes.VEHICLE_CHARGING_CMDS)
    signer = Signer(application, DIETERS_MODEL_3, operators_key)
    assert isinstance(signer.command("charge_start").result, (Succeeded, Refused))
    message = signer.sign(signer.shake_hands("door_lock"), "door_lock").message
    assert error(signer.deliver(message)) == (403, "Unauthorized missing scopes")
    executed = control("GET", f"/vehicles/{DIETERS_MODEL_3}/executed")
    assert "door_lock" not in [row["command"] for row in executed]


def test_a_sleeping_car_takes_no_signed_command(dieter: Signer, control: Control) -> None:
    session = dieter.shake_hands("door_lock")
    control("PATCH", f"/vehicles/{DIETERS_MODEL_3}", {"state": "asleep"})
    assert dieter.deliver(dieter.sign(session, "door_lock").message).status == 408


def test_mobile_access_off_is_fault_21(dieter: Signer, control: Control) -> None:
    control("PATCH", f"/vehicles/{DIETERS_MODEL_3}", {"mobile_access": False})
    assert number(dieter.command("door_lock")) == 21


def test_a_reboot_ends_the_session(dieter: Signer, control: Control) -> None:
    session = dieter.shake_hands("door_lock")
    control("POST", f"/vehicles/{DIETERS_MODEL_3}/reboot")
    assert number(dieter.command("door_lock", session)) == 15


def test_faults_inside_the_car_can_be_asked_for(dieter: Signer, control: Control) -> None:
    control("POST", f"/vehicles/{DIETERS_MODEL_3}/signed_faults", {"fault": 1, "times": 2})
    session = dieter.shake_hands("door_lock")
    assert [number(dieter.command("door_lock", session)) for _ in range(2)] == [1, 1]
    assert isinstance(dieter.command("door_lock", session).result, Succeeded)


def test_a_message_that_is_no_base64_is_an_invalid_field(dieter: Signer) -> None:
    path = f"/api/1/vehicles/{DIETERS_MODEL_3}/signed_command"
    for body in ({}, {"routable_message": "***"}, {"routable_message": 1}):
        assert dieter.application.call("POST", path, body).status == 400


def test_bytes_that_are_no_message_pass_no_scope_check(dieter: Signer) -> None:
    assert dieter.deliver(b"\xff\xff\xff").status == 403


@pytest.fixture
def key_host(client: Client) -> Iterator[PublicKeyHost]:
    with PublicKeyHost(operators_pem()) as host:
        client.public_key_url, client.public_key_pem = host.url, None
        yield host


def test_a_car_that_starts_with_the_key_carries_the_one_published_now(
    key_host: PublicKeyHost, dieter: Signer
) -> None:
    assert isinstance(dieter.command("door_lock").result, Succeeded)
    other = PrivateKey.from_scalar(5)
    key_host.answer = 200, operators_pem(5)
    assert isinstance(
        Signer(dieter.application, DIETERS_MODEL_3, other).command("door_lock").result, Succeeded
    )
