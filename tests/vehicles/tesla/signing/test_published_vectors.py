"""Both ends reproduce Tesla's published example byte for byte, and what was computed from its keys."""

import hashlib

import pytest
from tesla_protocol.command import universal_message_pb2

from tests.vehicles.tesla.signing.published import (
    CLIENT_KEY,
    CLIMATE_ON,
    CLOCK,
    COMMAND_UUID,
    COUNTER,
    EPOCH,
    HANDSHAKE_UUID,
    NONCE,
    ROUTING_ADDRESS,
    SESSION_INFO,
    SESSION_TAG,
    VEHICLE_KEY,
    VIN,
    scripted,
    session,
)
from vehicles.tesla.signing import (
    Domain,
    Flag,
    Refused,
    SignatureType,
    SignedRequest,
    Succeeded,
    authorize,
    handshake_request,
    open_handshake,
    open_response,
)
from vehicles.tesla.signing.metadata import (
    Tag,
    command_metadata,
    request_hash,
    response_metadata,
    serialize,
    session_info_metadata,
)
from vehicles.tesla.simulator.car.security_verifier import CarComputer

METADATA_HMAC = (
    "000108010103021135594a333031323334353637383941424303104c463f9cc0d3d26906e982ed224adde6"
    "040400000a5f050400000007ff"
)
METADATA_GCM = METADATA_HMAC.replace("000108", "000105", 1)
METADATA_HMAC_FLAGS = METADATA_HMAC[:-2] + "070400000002ff"
METADATA_GCM_FLAGS = METADATA_GCM[:-2] + "070400000002ff"
TAG_HMAC = "6d75c4e7c5e144996e22f1bdf694e453c94774a636e4382053cb8e358bf25ea8"
TAG_HMAC_FLAGS = "f3c24554a00e42160e6acef6dd4f1c8ef9c30ed6391ec818d75663bee00a47f0"
METADATA_ANSWER = (
    "000109010103021135594a3330313233343536373839414243050400000001070400000000082108"
    + TAG_HMAC_FLAGS
    + "090400000000ff"
)


def sign(payload: bytes, domain: Domain = Domain.INFOTAINMENT, **options: object) -> SignedRequest:
    return authorize(
        session(domain),
        payload,
        key=CLIENT_KEY,
        counter=7,
        now=1000.0,
        lifetime_seconds=5,
        random=scripted(ROUTING_ADDRESS, COMMAND_UUID, NONCE),
        **options,  # type: ignore[arg-type]
    )


def parsed(request: SignedRequest) -> universal_message_pb2.RoutableMessage:
    message: universal_message_pb2.RoutableMessage = universal_message_pb2.RoutableMessage.FromString(
        request.message
    )
    return message


def test_the_scalars_give_the_published_points() -> None:
    assert VEHICLE_KEY.public_key.hex() == (
        "04c7a1f47138486aa4729971494878d33b1a24e39571f748a6e16c5955b3d877d3a6aaa0e955166474af5d32c410f439a2234137ad1b"
        "b085fd4e8813c958f11d97"
    )
    assert CLIENT_KEY.public_key.hex() == (
        "04b2b6bc68c2da0665ce656815594996c62394edd8bea905fe781a754fe6a845a714330902f225e9269d466e05b349981fda9d85cc23"
        "c6fb444aa73b629105dc6e"
    )


@pytest.mark.parametrize("one, other", [(CLIENT_KEY, VEHICLE_KEY), (VEHICLE_KEY, CLIENT_KEY)])
def test_both_ends_derive_the_published_secrets(one: object, other: object) -> None:
    keys = one.session_keys(other.public_key)  # type: ignore[attr-defined]
    shared = bytes.fromhex("6b9a2844b300e6a85e4474f70b31b23de2d8f7d3e594784cdfe8318031442f8b")
    assert keys.encryption == hashlib.sha1(shared, usedforsecurity=False).digest()[:16]
    assert keys.encryption.hex() == "1b2fce19967b79db696f909cff89ea9a"
    assert keys.session_info.hex() == "fceb679ee7bca756fcd441bf238bf2f338629b41d9eb9c67be1b32c9672ce300"
    assert keys.command.hex() == "6d3a14d0b6d762e4f076739e2cf6edd291d2e56e3f25bc6a2af5cb26dc753b14"


def test_metadata_is_serialised_as_in_the_example_of_the_specification() -> None:
    assert serialize({Tag.COUNTER: 100, Tag.PERSONALIZATION: b"abc"}).hex() == "0203616263050400000064ff"


def test_session_metadata_equals_the_published_one() -> None:
    assert session_info_metadata(VIN, HANDSHAKE_UUID).hex() == (
        "000106021135594a333031323334353637383941424306101588d5a30eabc6f8fc9a951b11f6fd11ff"
    )


def published_computer(domain: Domain = Domain.INFOTAINMENT) -> CarComputer:
    computer = CarComputer(domain, started_at=0.0, private_key=VEHICLE_KEY, epoch=EPOCH)
    for counter in range(1, COUNTER + 1):
        computer._window(CLIENT_KEY.public_key).take(counter, strictly_increasing=False)
    return computer


def test_the_car_writes_the_published_session_info_and_tag() -> None:
    computer = published_computer()
    info = computer.session_info(CLIENT_KEY.public_key, float(CLOCK))
    assert info == SESSION_INFO
    assert computer.session_info_tag(CLIENT_KEY.public_key, VIN, HANDSHAKE_UUID, info) == SESSION_TAG


def test_the_client_accepts_the_published_handshake() -> None:
    request = handshake_request(
        Domain.INFOTAINMENT, CLIENT_KEY.public_key, random=scripted(ROUTING_ADDRESS, HANDSHAKE_UUID)
    )
    sent = universal_message_pb2.RoutableMessage.FromString(request.message)
    assert (sent.from_destination.routing_address, sent.uuid) == (ROUTING_ADDRESS, HANDSHAKE_UUID)
    assert sent.session_info_request.public_key == CLIENT_KEY.public_key

    answer = universal_message_pb2.RoutableMessage(session_info=SESSION_INFO, request_uuid=request.uuid)
    answer.signature_data.session_info_tag.tag = SESSION_TAG
    opened = open_handshake(
        answer.SerializeToString(),
        uuid=request.uuid,
        vin=VIN,
        domain=Domain.INFOTAINMENT,
        key=CLIENT_KEY,
        now=1000.0,
    )
    assert opened == session()


@pytest.mark.parametrize(
    "flags, metadata, tag",
    [
        (Flag.NONE, METADATA_GCM, "8e128da165f162f4d7d2c8da866cf82a"),
        (Flag.ENCRYPT_RESPONSE, METADATA_GCM_FLAGS, "c228e0ff64991481db3a7bbc133696c5"),
    ],
)
def test_a_command_encrypted_with_aes_gcm_equals_the_published_one(
    flags: Flag, metadata: str, tag: str
) -> None:
    made = command_metadata(
        SignatureType.AES_GCM_PERSONALIZED, Domain.INFOTAINMENT, VIN, EPOCH, CLOCK + 5, 7, flags
    )
    assert made.hex() == metadata
    message = parsed(sign(CLIMATE_ON, signature_type=SignatureType.AES_GCM_PERSONALIZED, flags=flags))
    stated = message.signature_data.AES_GCM_Personalized_data
    assert message.protobuf_message_as_bytes.hex() == "38038e8c0f2e"
    assert stated.tag.hex() == tag
    assert (stated.nonce, stated.counter, stated.expires_at, stated.epoch) == (NONCE, 7, CLOCK + 5, EPOCH)
    assert message.uuid == COMMAND_UUID


@pytest.mark.parametrize(
    "flags, metadata, tag",
    [(Flag.NONE, METADATA_HMAC, TAG_HMAC), (Flag.ENCRYPT_RESPONSE, METADATA_HMAC_FLAGS, TAG_HMAC_FLAGS)],
)
def test_an_infotainment_command_carries_the_computed_hmac(flags: Flag, metadata: str, tag: str) -> None:
    made = command_metadata(
        SignatureType.HMAC_PERSONALIZED, Domain.INFOTAINMENT, VIN, EPOCH, CLOCK + 5, 7, flags
    )
    assert made.hex() == metadata
    message = parsed(sign(CLIMATE_ON, flags=flags))
    assert message.signature_data.HMAC_Personalized_data.tag.hex() == tag
    assert message.protobuf_message_as_bytes == CLIMATE_ON
    assert message.flags == flags


@pytest.mark.parametrize(
    "payload, tag",
    [
        ("1000", "48469506544f0a1d1f2ef05993ba040fb12968d885a8e8dbcfc4abb9901dbfdf"),
        ("1001", "0df5c37a3ff8adc1aac9d0cc081b7e88015f17b899965481cf8a9d425d716b9e"),
    ],
)
def test_a_vehicle_security_command_carries_the_computed_hmac(payload: str, tag: str) -> None:
    message = parsed(sign(bytes.fromhex(payload), Domain.VEHICLE_SECURITY))
    assert message.signature_data.HMAC_Personalized_data.tag.hex() == tag


def test_the_computed_encrypted_answer_is_made_and_opened() -> None:
    request = sign(CLIMATE_ON, flags=Flag.ENCRYPT_RESPONSE)
    hashed = request_hash(SignatureType.HMAC_PERSONALIZED, bytes.fromhex(TAG_HMAC_FLAGS), Domain.INFOTAINMENT)
    assert request.request_hash == hashed
    metadata = response_metadata(Domain.INFOTAINMENT, VIN, 1, 0, hashed, 0)
    assert metadata.hex() == METADATA_ANSWER
    assert hashlib.sha256(metadata).hexdigest() == (
        "3ac5c913aa39e5e0895eeae0cbc3c1fc28970bee28732ed8e81be9d0cda37501"
    )
    nonce = bytes.fromhex("000102030405060708090a0b")
    keys = VEHICLE_KEY.session_keys(CLIENT_KEY.public_key)
    ciphertext, tag = keys.encrypt(nonce, bytes.fromhex("0a00"), metadata)
    assert (ciphertext.hex(), tag.hex()) == ("135c", "a39e8f2159cd6ee89ddd8de1edcdd2ba")

    answer = answer_to(request, ciphertext)
    seal = answer.signature_data.AES_GCM_Response_data
    seal.nonce, seal.counter, seal.tag = nonce, 1, tag
    response = open_response(answer.SerializeToString(), request, session(), key=CLIENT_KEY, now=1000.0)
    assert response.payload.hex() == "0a00"
    assert response.was_encrypted
    assert response.result == Succeeded()


def test_the_request_hash_is_cut_for_vehicle_security_and_for_aes_gcm() -> None:
    tag = bytes(range(32))
    kept = {
        (SignatureType.HMAC_PERSONALIZED, Domain.INFOTAINMENT): b"\x08" + tag,
        (SignatureType.HMAC_PERSONALIZED, Domain.VEHICLE_SECURITY): b"\x08" + tag[:16],
    }
    assert {case: request_hash(case[0], tag, case[1]) for case in kept} == kept
    for domain in Domain:
        assert request_hash(SignatureType.AES_GCM_PERSONALIZED, tag[:16], domain) == b"\x05" + tag[:16]


def answer_to(request: SignedRequest, payload: bytes) -> universal_message_pb2.RoutableMessage:
    answer = universal_message_pb2.RoutableMessage(protobuf_message_as_bytes=payload)
    answer.to_destination.routing_address = request.routing_address
    answer.from_destination.domain = request.domain.value  # type: ignore[assignment]
    return answer


@pytest.mark.parametrize(
    "domain, payload, result",
    [
        (Domain.INFOTAINMENT, "0a00", Succeeded()),
        (Domain.INFOTAINMENT, "0a110801120d0a0b69735f6368617267696e67", Refused("is_charging")),
        (Domain.VEHICLE_SECURITY, "", Succeeded()),
        (Domain.VEHICLE_SECURITY, "f202020805", Refused("vehicle_not_in_park")),
    ],
)
def test_the_observed_answers_are_understood(domain: Domain, payload: str, result: object) -> None:
    request = sign(CLIMATE_ON, domain)
    answer = answer_to(request, bytes.fromhex(payload)).SerializeToString()
    assert open_response(answer, request, session(domain), key=CLIENT_KEY, now=1000.0).result == result
