"""A simulated Tesla of each test's own, with one registered application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vehicles.tesla.simulator.visitors import Application, Browser, Control
from vehicles.tesla.signing.keys import PrivateKey
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tesla.simulator.world import World

OPERATORS_SCALAR = 20_261_123


def operators_pem(scalar: int = OPERATORS_SCALAR) -> str:
    """A public key as the operator publishes it."""
    key = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def client() -> Client:
    return Client(
        client_id="5c1f5c3e-5d8a-4a86-9f0e-2f6f3d0f4a11",
        client_secret="only-this-test-knows-it",
        redirect_uris=("https://portal.example/connect/tesla/callback",),
        key_domain="keys.portal.example",
        public_key_pem=operators_pem(),
        name="Portal Example",
    )


@pytest.fixture
def operators_key() -> PrivateKey:
    return PrivateKey.from_scalar(OPERATORS_SCALAR)


@pytest.fixture
def tesla(client: Client) -> Iterator[SimulatorServer]:
    with SimulatorServer(World(clients=[client])) as server:
        yield server


@pytest.fixture
def browser(tesla: SimulatorServer) -> Browser:
    return Browser(tesla)


@pytest.fixture
def application(tesla: SimulatorServer, client: Client) -> Application:
    return Application(tesla, client)


@pytest.fixture
def control(tesla: SimulatorServer) -> Control:
    return Control(tesla)
