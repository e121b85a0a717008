"""The demo's settings: secrets drawn once and kept in var/demo.env, addresses from the ports."""

from __future__ import annotations

import base64
import os
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal.configuration import private_files

ROOT: Final = Path(__file__).resolve().parent.parent.parent
VAR: Final = ROOT / "var"
SECRETS: Final = VAR / "demo.env"
KEY_FILE: Final = VAR / "demo-virtual-key.pem"
DATABASE: Final = VAR / "demo.sqlite3"

_DRAW: Final[dict[str, Callable[[], str]]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "VAULT_KEYS": lambda: "demo:" + base64.b64encode(secrets.token_bytes(32)).decode(),
    "TESLA_CLIENT_ID": lambda: str(uuid.uuid4()),
    "TESLA_CLIENT_SECRET": lambda: "ta-secret." + secrets.token_urlsafe(16),
    "DEMO_STAFF_PASSWORD": lambda: f"carport-demo-{secrets.token_hex(3)}",
    "DEMO_SEED": lambda: secrets.token_hex(32),
}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the demo listens, and the setting that moves each."""

    web: int
    simulator: int
    sample_application: int

    @classmethod
    def from_environment(cls) -> Ports:
        """PORT, SIM_PORT and SAMPLE_PORT, or 8000, 8001 and 8002. Raises ValueError for what is no number."""
        names = {"PORT": "8000", "SIM_PORT": "8001", "SAMPLE_PORT": "8002"}
        chosen = {name: os.environ.get(name) or default for name, default in names.items()}
        for name, port in chosen.items():
            if not port.isdecimal() or not 0 < int(port) < 65536:
                raise ValueError(f"{name}={port} is not a port number.")
        return cls(*map(int, chosen.values()))

    def by_setting(self) -> dict[str, int]:
        """Each port by the name of its setting."""
        return {"PORT": self.web, "SIM_PORT": self.simulator, "SAMPLE_PORT": self.sample_application}

    @property
    def portal_url(self) -> str:
        """Where the portal is reached."""
        return f"http://localhost:{self.web}"

    @property
    def simulator_url(self) -> str:
        """Where the simulated Tesla is reached."""
        return f"http://localhost:{self.simulator}"

    @property
    def sample_application_url(self) -> str:
        """Where the sample application is reached."""
        return f"http://localhost:{self.sample_application}"


def kept_secrets() -> dict[str, str]:
    """The secrets of this demo: read from var/demo.env, drawn and written there where they are missing."""
    private_files.begin(VAR)
    lines = SECRETS.read_text().splitlines() if SECRETS.exists() else []
    known = dict(line.split("=", 1) for line in lines if "=" in line)
    kept = {name: known.get(name) or draw() for name, draw in _DRAW.items()}
    if kept != known:
        _write_privately(SECRETS, "".join(f"{name}={value}\n" for name, value in kept.items()))
    if not KEY_FILE.exists():
        _write_privately(KEY_FILE, _new_virtual_key())
    return kept


def settings(ports: Ports, kept: dict[str, str]) -> dict[str, str]:
    """The environment that every process of the demo runs with. The live Tesla is the simulated one too."""
    tesla = ("TESLA_AUTH_URL", "TESLA_TOKEN_URL", "TESLA_API_URL", "TESLA_OWNER_API_URL", "TESLA_PAIRING_URL")
    return {
        **{name: value for name, value in kept.items() if not name.startswith("DEMO_")},
        **dict.fromkeys((*tesla, "SIMULATOR_URL"), ports.simulator_url),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEBUG": "off",
        "PUBLIC_URL": ports.portal_url,
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": os.environ.get("DATABASE_URL") or f"sqlite:///{DATABASE}",
        "STAFF_SECOND_FACTOR": "off",
        "LEGACY_OWNER_API": "on",
        "WEBHOOKS_TO_PRIVATE_ADDRESSES": "on",
        "TESLA_KEY_FILE": str(KEY_FILE),
        "TESLA_KEY_DOMAIN": f"localhost:{ports.web}",
        "OPERATOR_NAME": "Carport demo",
        "SUPPORT_CONTACT": "support@operator.example",
        "PRIVACY_URL": f"{ports.portal_url}/",
    }


def _new_virtual_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )


def _write_privately(file: Path, text: str) -> None:
    file.touch(mode=0o600)
    file.write_text(text)
