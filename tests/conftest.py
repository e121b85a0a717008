"""Fixtures for every test: database, simulated Tesla, the cast, the clock, and no way out of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from tests.network import guard

if TYPE_CHECKING:
    from vehicles.tesla.simulator.scenarios import ScenarioPerson
    from vehicles.tesla.simulator.server import SimulatorServer

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """No test talks to another machine."""
    with pytest.MonkeyPatch.context() as patch:
        guard(patch)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_modify_db_settings_parallel_suffix: None,
) -> None:
    """SQLite in a file of its own per run: the threads of a live server need one, and runs may go on side by side."""
    from django.db import connections

    for connection in connections.all():
        if connection.vendor == "sqlite":
            kept = Path(request.config.rootpath, "var", f"{connection.alias}-test.sqlite3")
            own = tmp_path_factory.mktemp("database") / f"{connection.alias}.sqlite3"
            connection.settings_dict["TEST"]["NAME"] = str(kept if request.config.getvalue("reuse_db") else own)


@pytest.fixture
def now() -> datetime:
    """The moment of the test, aware."""
    return timezone.now()


@pytest.fixture(scope="session")
def virtual_key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's virtual key: a P-256 private key in PEM format."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path_factory.mktemp("key") / "virtual-key.pem"
    file.write_bytes(pem)
    return file


@pytest.fixture
def portal_url(request: pytest.FixtureRequest, settings: Any) -> str:
    """PUBLIC_URL: the live server's address in a test that uses `live_server`, else the test settings' own."""
    if "live_server" in request.fixturenames:
        settings.PUBLIC_URL = request.getfixturevalue("live_server").url
    settings.TESLA_KEY_DOMAIN = settings.PUBLIC_URL.partition("://")[2]
    settings.CSRF_TRUSTED_ORIGINS = [settings.PUBLIC_URL]
    return str(settings.PUBLIC_URL)


@pytest.fixture
def chromium() -> Path:
    """The browser's file; the test is skipped where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is missing (set CHROMIUM to another)")
    return CHROMIUM
