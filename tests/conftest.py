"""Fixtures for every test: database, simulated Tesla, the cast, the clock, and no way out of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from tests.factories import EVERY_SCOPE
from tests.network import guard
from vehicles import sync
from vehicles.history import refused_requests
from vehicles.models import Integration, Mode, TeslaAccount
from vehicles.tesla import paths
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.samples.scenarios import DEFAULT, ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.tesla.simulator.world import World
from vehicles.tokens import logins

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SignIn = Callable[..., TeslaAccount]
TESLA_ORIGINS = (
    "SIMULATOR_URL", "TESLA_AUTH_URL", "TESLA_TOKEN_URL", "TESLA_API_URL", "TESLA_OWNER_API_URL", "TESLA_PAIRING_URL",
)  # fmt: skip
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


@pytest.fixture(scope="session", autouse=True)
def only_loopback() -> Iterator[None]:
    """No test talks to another machine."""
    with pytest.MonkeyPatch.context() as patch:
        guard(patch)
        yield


@pytest.fixture(autouse=True)
def fresh_rate_of_refused_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of applications begin anew in each test, and what is remembered of them in the process as well."""
    monkeypatch.setattr(refused_requests, "RATE", refused_requests.Rate())


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
            connection.settings_dict["TEST"]["NAME"] = str(
                kept if request.config.getvalue("reuse_db") else own
            )


@pytest.fixture
def now() -> datetime:
    """The moment of the test, aware."""
    return timezone.now()


@pytest.fixture(scope="session")
def virtual_key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's virtual key: a P-256 private key in PEM format."""
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
def tesla_client(
    request: pytest.FixtureRequest, settings: Any, portal_url: str, virtual_key_file: Path
) -> Client:
    """The operator as registered at the simulated Tesla: what the settings say, with the key at its public address."""
    settings.TESLA_KEY_FILE = str(virtual_key_file)
    is_served = "live_server" in request.fixturenames
    return Client(
        client_id=settings.TESLA_CLIENT_ID,
        client_secret=settings.TESLA_CLIENT_SECRET,
        redirect_uris=(f"{portal_url}/connect/tesla/callback",),
        key_domain=settings.TESLA_KEY_DOMAIN,
        public_key_url=portal_url + paths.PUBLIC_KEY_FILE if is_served else "",
        public_key_pem=None if is_served else public_key_pem(virtual_key_file),
        name=settings.OPERATOR_NAME,
    )


@pytest.fixture
def simulator(tesla_client: Client, settings: Any) -> Iterator[SimulatorServer]:
    """A simulated Tesla of this test's own, with the default people; live and simulated mode both lead to it.

    `.url` is its origin and `.world` its state. With `live_server` the operator's callback and key are on that server.
    """
    with SimulatorServer(World(clients=[tesla_client])) as server:
        for name in TESLA_ORIGINS:
            setattr(settings, name, server.url)
        yield server


def public_key_pem(private_key_file: Path) -> str:
    """The public half of a private key file, as PEM."""
    private = serialization.load_pem_private_key(private_key_file.read_bytes(), None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def _person(email: str) -> ScenarioPerson:
    return next(person for person in DEFAULT if person.email == f"{email}@owners.example")


@pytest.fixture
def anna() -> ScenarioPerson:
    """Owns a Model 3 and a Model Y; keys absent."""
    return _person("anna")


@pytest.fixture
def bernd() -> ScenarioPerson:
    """Owns a Model S of 2018, which needs no key."""
    return _person("bernd")


@pytest.fixture
def clara() -> ScenarioPerson:
    """Drives Anna's Model 3."""
    return _person("clara")


@pytest.fixture
def dieter() -> ScenarioPerson:
    """Owns a Model 3 that has the key."""
    return _person("dieter")


@pytest.fixture
def emma() -> ScenarioPerson:
    """Owns two cars, connected through the legacy API."""
    return _person("emma")


@pytest.fixture
def sign_in(simulator: SimulatorServer, tesla_client: Client) -> SignIn:
    """`sign_in(person, scopes=…, mode=…)`: the person logs in at the simulated Tesla and consents; their account.

    The real code exchange, so the account has working tokens and its cars are listed.
    """

    def sign_in(
        person: ScenarioPerson, scopes: Sequence[str] = EVERY_SCOPE, mode: str = Mode.LIVE
    ) -> TeslaAccount:
        world = simulator.world
        account = world.account(person.email)
        assert account is not None
        world.grant(account, tesla_client, scopes)
        redirect_uri = tesla_client.redirect_uris[0]
        code = world.tokens.new_code(tesla_client, account, tuple(scopes), {"redirect_uri": redirect_uri})
        row = logins.sign_in(mode=mode, code=code, redirect_uri=redirect_uri)
        sync.learn_email(row, Integration.FLEET)
        sync.vehicles_of(row, timezone.now())
        return row

    return sign_in


@pytest.fixture(scope="module")
def chromium() -> Path:
    """The browser's file; the test is skipped where there is none."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser: {CHROMIUM} is missing (set CHROMIUM to another)")
    return CHROMIUM


@pytest.fixture(scope="module")
def started_browser(chromium: Path) -> Iterator[Browser]:
    """One browser for the tests of a file; starting it takes longer than most of them."""
    from playwright.sync_api import sync_playwright

    only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        started = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu", only_here]
        )
        yield started
        started.close()


@pytest.fixture
def browser(started_browser: Browser) -> Iterator[Browser]:
    """A headless Chromium that reaches nothing but this machine, and remembers nothing of the test before."""
    yield started_browser
    for context in started_browser.contexts:
        context.close()
