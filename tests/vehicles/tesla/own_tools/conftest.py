"""Tesla's own programs at work on a simulated car that has the key, and a car with Tesla's own verifier in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vehicles.commanding import car_of
from tests.vehicles.tesla.own_tools.programs import Control, HttpProxy, TeslasCar, program, token_of
from tests.vehicles.tesla.own_tools.teslas_net import TeslasNet
from vehicles.models import VehicleGrant
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.server import SimulatorServer


@pytest.fixture(scope="session")
def http_proxy_file() -> Path:
    """Asked for first, as fixtures of the session are, so that nothing is set up for a test that is skipped."""
    return program("TESLA_HTTP_PROXY")


@pytest.fixture(scope="session")
def control_file() -> Path:
    """Tesla's `tesla-control`."""
    return program("TESLA_CONTROL")


@pytest.fixture(scope="session")
def verifier_file() -> Path:
    """Tesla's verifier as a program (`verifier.go`)."""
    return program("TESLA_VERIFIER")


@pytest.fixture
def teslas_car(verifier_file: Path) -> Iterator[TeslasCar]:
    """The computers of a car, built on Tesla's verifier."""
    with TeslasCar(verifier_file) as car:
        yield car


@pytest.fixture
def car(simulator: SimulatorServer, signed: VehicleGrant) -> Car:
    """The simulated car that the programs drive; it takes signed commands only and lives in Europe."""
    return car_of(simulator, signed)


@pytest.fixture
def token(signed: VehicleGrant) -> str:
    """What the car's owner has granted, as the programs are handed it."""
    return token_of(signed)


@pytest.fixture
def teslas_net(simulator: SimulatorServer, tmp_path: Path) -> Iterator[TeslasNet]:
    """The simulated Tesla under Tesla's names."""
    with TeslasNet(simulator.world, tmp_path) as net:
        yield net


@pytest.fixture
def proxy(
    http_proxy_file: Path, teslas_net: TeslasNet, virtual_key_file: Path, token: str
) -> Iterator[HttpProxy]:
    """Tesla's `tesla-http-proxy`, running with the operator's key."""
    with HttpProxy(http_proxy_file, teslas_net, virtual_key_file, token) as proxy:
        yield proxy


@pytest.fixture
def control(
    control_file: Path, teslas_net: TeslasNet, virtual_key_file: Path, token: str, car: Car
) -> Control:
    """Tesla's `tesla-control` for the car, with the operator's key."""
    return Control(control_file, teslas_net, virtual_key_file, token, car.vin)
