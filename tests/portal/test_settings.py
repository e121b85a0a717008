"""Settings are taken from the environment as they are written there, and what cannot be right is said at the start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from tests.runner import ROOT


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    """Read the product's own settings in a process of their own, and print some as JSON."""
    code = (
        "import json; from portal import settings as s; "
        "print(json.dumps({n: getattr(s, n) for n in "
        "('SECRET_KEY', 'VAULT_KEYS', 'ALLOWED_HOSTS', 'TESLA_REGIONS', 'OPERATOR_NAME', 'TESLA_CLIENT_SECRET')}))"
    )
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=kept | environment, capture_output=True, text=True, check=False
    )  # fmt: skip


def values(**environment: str) -> Any:
    done = started(**environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_spaces_after_commas_belong_to_no_name() -> None:
    found = values(
        VAULT_KEYS="k:AAAA, j:BBBB", ALLOWED_HOSTS="a.example, b.example ,", TESLA_REGIONS="na , eu"
    )
    assert found["VAULT_KEYS"] == ["k:AAAA", "j:BBBB"]
    assert found["ALLOWED_HOSTS"] == ["a.example", "b.example"]
    assert found["TESLA_REGIONS"] == ["na", "eu"]


@pytest.mark.parametrize("name", ["SECRET_KEY", "OPERATOR_NAME", "TESLA_CLIENT_SECRET"])
@pytest.mark.parametrize("value", ["$ecret", "$", "$HOME", "a$b", "\\$x"])
def test_a_value_with_a_dollar_sign_is_taken_as_it_is_written(name: str, value: str) -> None:
    assert values(**{name: value})[name] == value


@pytest.mark.parametrize(
    "url", ["https://a.example/carport", "https://a.example?x=1", "carport.example", "https://"]
)
def test_a_public_url_that_is_no_origin_is_refused_with_a_sentence(url: str) -> None:
    done = started(PUBLIC_URL=url)
    assert done.returncode != 0
    assert "PUBLIC_URL" in done.stderr and "without a path" in done.stderr


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.0.0.7", "10.0.0.7:8000", "[::1]", "anything.internal", "no_name"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_answered_under_whatever_name_they_come(client: Client, path: str, host: str) -> None:
    assert client.get(path, headers={"Host": host}).status_code == 200
    assert client.head(path, headers={"Host": host}).status_code == 200
    assert client.post(path, headers={"Host": host}).status_code == 405


@pytest.mark.django_db
def test_probes_are_not_sent_on_to_https(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
