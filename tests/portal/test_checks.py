"""What must not run in front of owners is refused, with a hint that says what to set: each value is opened and used."""

from __future__ import annotations

import base64
import ipaddress
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from portal.configuration import settings_in_use
from portal.configuration.checks import check_deployment
from portal.running import folder_queue, health
from tests.runner import ROOT

GOOD_KEY = base64.b64encode(bytes(range(40, 72))).decode()
SAFE = {
    "PUBLIC_URL": "https://carport.example",
    "ALLOWED_HOSTS": ["carport.example"],
    "BEHIND_PROXY": True,
    "SECRET_KEY": "k8Zr-4tq0LwXb7cVn2mJ5hGf9dSa1pYe3uRi6oTz",
    "VAULT_KEYS": [f"one:{GOOD_KEY}"],
    "TESLA_CLIENT_ID": "id",
    "TESLA_CLIENT_SECRET": "secret",
    "STAFF_SECOND_FACTOR": False,
    "SUPPORT_CONTACT": "help@carport.example",
    "PRIVACY_URL": "https://carport.example/privacy",
    "SIMULATOR_URL": "",
    "WEBHOOKS_TO_PRIVATE_ADDRESSES": False,
    "TESLA_AUTH_URL": "https://auth.tesla.example",
    "TESLA_TOKEN_URL": "https://token.tesla.example",
    "TESLA_API_URL": "",
    "TESLA_OWNER_API_URL": "https://owner.tesla.example",
    "TESLA_PAIRING_URL": "https://www.tesla.example",
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def found(settings: Any, virtual_key_file: Path) -> Any:
    """`found(NAME=value)`: the numbers of what is wrong with otherwise safe settings."""

    def found(**changes: Any) -> list[str]:
        virtual_key_file.chmod(0o600)
        for name, value in (SAFE | {"TESLA_KEY_FILE": str(virtual_key_file)} | changes).items():
            setattr(settings, name, value)
        return [str(message.id).removeprefix("carport.") for message in check_deployment(None)]

    return found


def vault_key(byte: bytes) -> str:
    return base64.b64encode(byte * 32).decode()


def test_safe_settings_are_let_through(found: Any) -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("changes", "numbers"),
    [
        ({"PUBLIC_URL": "http://carport.example"}, ["E001"]),
        ({"VAULT_KEYS": []}, ["E002"]),
        ({"VAULT_KEYS": ["one"]}, ["E002"]),
        ({"VAULT_KEYS": ["one:short"]}, ["E002"]),
        ({"VAULT_KEYS": ["one:" + base64.b64encode(b"x" * 16).decode()]}, ["E002"]),
        ({"VAULT_KEYS": [f"one:{vault_key(bytes(1))}"]}, ["E002"]),
        ({"VAULT_KEYS": [f"one:{GOOD_KEY}", f"old:{vault_key(b'x')}"]}, ["E002"]),
        ({"VAULT_KEYS": [f"one:{GOOD_KEY}", f"one:{vault_key(b'x')}"]}, ["E002"]),
        ({"VAULT_KEYS": [f"one:{GOOD_KEY}", f"two:{GOOD_KEY}"]}, ["E002"]),
        ({"TESLA_CLIENT_SECRET": ""}, ["E003"]),
        ({"TESLA_KEY_FILE": ""}, ["E004"]),
        ({"TESLA_KEY_FILE": "/nowhere/key.pem"}, ["E004"]),
        ({"TESLA_KEY_FILE": "\0"}, ["E004"]),
        ({"TESLA_KEY_FILE": str(ROOT)}, ["E004"]),
        ({"STAFF_SECOND_FACTOR": True}, ["E005"]),
        ({"DEBUG": True}, ["E006"]),
        ({"SECRET_KEY": "x"}, ["E007"]),
        ({"SECRET_KEY": "x" * 60}, ["E007"]),
        ({"SECRET_KEY": "only-for-development"}, ["E007"]),
        *(
            ({name: "http://tesla.example"}, ["E008"])
            for name in (
                "TESLA_AUTH_URL",
                "TESLA_TOKEN_URL",
                "TESLA_API_URL",
                "TESLA_OWNER_API_URL",
                "TESLA_PAIRING_URL",
            )
        ),
        ({"ALLOWED_HOSTS": ["*"]}, ["E009"]),
        ({"ALLOWED_HOSTS": ["carport.example", "*"]}, ["E009"]),
        ({"ALLOWED_HOSTS": ["."]}, ["E009"]),
        ({"ALLOWED_HOSTS": ["other.example"]}, ["E009"]),
        ({"ALLOWED_HOSTS": [".example"]}, []),
        ({"BEHIND_PROXY": False}, ["E013"]),
        ({"TRUSTED_PROXIES": [ipaddress.ip_network("0.0.0.0/0")]}, ["E014"]),
        ({"TRUSTED_PROXIES": [ipaddress.ip_network("::/0")]}, ["E014"]),
        ({"PRIVACY_URL": ""}, ["W001"]),
        ({"SIMULATOR_URL": "http://127.0.0.1:8001"}, ["W002"]),
        ({"WEBHOOKS_TO_PRIVATE_ADDRESSES": True}, ["W004"]),
    ],
)
def test_each_unsafe_setting_has_its_number(found: Any, changes: dict[str, Any], numbers: list[str]) -> None:
    assert found(**changes) == numbers


def pem(key: Any, password: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))


def public_half(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


P256 = ec.generate_private_key(ec.SECP256R1())
WRONG_FILES = {
    "empty": b"",
    "garbage": b"\xff" * 100,
    "cut off": pem(P256)[:100],
    "another curve": pem(ec.generate_private_key(ec.SECP384R1())),
    "RSA": pem(rsa.generate_private_key(65537, 2048)),
    "locked": pem(P256, b"password"),
    "the public half": public_half(P256),
}


@pytest.mark.parametrize("content", WRONG_FILES.values(), ids=WRONG_FILES)
def test_a_key_file_is_read_and_must_be_a_key_that_cars_take(
    found: Any, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(content)
    file.chmod(0o600)
    assert found(TESLA_KEY_FILE=str(file)) == ["E004"]


def test_a_key_that_everybody_can_read_is_warned_of(found: Any, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(pem(P256))
    file.chmod(0o644)
    assert found(TESLA_KEY_FILE=str(file)) == ["W003"]


def test_a_queue_folder_that_takes_no_message_is_found(found: Any, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "messages").write_text("a file where the folder should be")
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = folder_queue.options(tmp_path)
    assert found() == ["E012"]


def test_a_broker_that_does_not_answer_is_found(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(health.CHECKS, "broker", lambda: (_ for _ in ()).throw(OSError))
    assert found() == ["E012"]


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def deploys(**environment: str) -> subprocess.CompletedProcess[str]:
    """What `make serve` does first, in a process of its own with nothing set but this."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "portal.serve", "--check"],
        cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture
def safe_environment(virtual_key_file: Path, tmp_path: Path) -> dict[str, str]:
    virtual_key_file.chmod(0o600)
    return {
        "PUBLIC_URL": "https://carport.example",
        "BEHIND_PROXY": "on",
        "SECRET_KEY": str(SAFE["SECRET_KEY"]),
        "VAULT_KEYS": f"one:{GOOD_KEY}",
        "TESLA_CLIENT_ID": "id",
        "TESLA_CLIENT_SECRET": "secret",
        "TESLA_KEY_FILE": str(virtual_key_file),
        "DATABASE_URL": f"sqlite:///{tmp_path}/portal.sqlite3",
    }


@pytest.mark.slow
def test_safe_settings_are_served(safe_environment: dict[str, str]) -> None:
    ran = deploys(**safe_environment)
    assert ran.returncode == 0, ran.stderr


SAID: dict[str, tuple[dict[str, str], list[str]]] = {
    "what cannot be read": (
        {"DEBUG": "maybe", "PORT": "none", "VAULT_KEYS": "k"}, ["DEBUG must", "PORT must", "VAULT_KEYS each"],
    ),
    "nothing set": ({"SECRET_KEY": ""}, ["SECRET_KEY must be set"]),
    "unsafe": (
        {"DEBUG": "on", "SECRET_KEY": "x", "VAULT_KEYS": f"k:{vault_key(bytes(1))}", "TESLA_KEY_FILE": "README.md",
         "TESLA_API_URL": "http://tesla.example", "ALLOWED_HOSTS": "*"},
        ["E002", "E004", "E006", "E007", "E008", "E009"],
    ),
    "servers away": (
        {"DATABASE_URL": "postgres://u:hidden@127.0.0.1:{port}/n", "CACHE_URL": "redis://:hidden@127.0.0.1:{port}/1",
         "CELERY_BROKER_URL": "amqp://u:hidden@127.0.0.1:{port}//"},
        ["E010", "E011", "E012"],
    ),
    "a database that cannot be opened": ({"DATABASE_URL": "sqlite:////nowhere/portal.sqlite3"}, ["E010"]),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("changes", "said"), SAID.values(), ids=SAID)
def test_serving_is_refused_with_a_sentence_for_each(
    safe_environment: dict[str, str], changes: dict[str, str], said: list[str]
) -> None:
    port = str(closed_port())
    ran = deploys(**safe_environment | {name: text.replace("{port}", port) for name, text in changes.items()})
    assert ran.returncode == 1
    for sentence in said:
        assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr and "hidden" not in ran.stderr


def test_the_database_of_the_tests_can_be_used() -> None:
    assert settings_in_use.database() == ""
