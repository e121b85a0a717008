"""Settings: each is read by its row of the table, literally, and refused with a sentence where it cannot be used."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.configuration.settings_table import REGIONS, SETTINGS, Setting, read_all
from tests.runner import ROOT
from vehicles.tesla import paths

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()
SECRET = {"SECRET_KEY": "a-secret-key-of-this-test"}


def read(**environment: str) -> dict[str, Any]:
    return read_all(SECRET | environment)


def faults(**environment: str) -> list[str]:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(**environment)
    return str(refused.value).splitlines()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("VAULT_KEYS", f" k : {KEY} , j:{OTHER}", [f"k:{KEY}", f"j:{OTHER}"]),
        ("ALLOWED_HOSTS", " a.example , B.example,", ["a.example", "b.example"]),
        ("ALLOWED_HOSTS", ".example.com,10.0.0.7,[::1],*", [".example.com", "10.0.0.7", "[::1]", "*"]),
        ("ALLOWED_HOSTS", "münchen.example", ["xn--mnchen-3ya.example"]),
        ("TESLA_REGIONS", "eu, NA", ["eu", "na"]),
        ("OPERATOR_NAME", "$Operator", "$Operator"),
        ("OPERATOR_NAME", "Händler & Söhne, “Nord”", "Händler & Söhne, “Nord”"),
        ("TESLA_CLIENT_SECRET", "$HOME$$x\\$", "$HOME$$x\\$"),
        ("SECRET_KEY", "$" + "x" * 50, "$" + "x" * 50),
        ("DATABASE_URL", "postgres://u:$p@h/n", "postgres://u:$p@h/n"),
        ("PUBLIC_URL", "https://carport.example/", "https://carport.example"),
        ("PUBLIC_URL", "HTTPS://Carport.Example:443", "https://carport.example"),
        ("PUBLIC_URL", "https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("PUBLIC_URL", "http://[::1]:8000", "http://[::1]:8000"),
        ("TESLA_API_URL", "https://fleet.example/tesla/", "https://fleet.example/tesla"),
        ("TESLA_KEY_DOMAIN", "localhost:8000", "localhost:8000"),
        ("DEBUG", "True", True),
        ("DEBUG", " off ", False),
        ("LOG_LEVEL", "warning", "WARNING"),
        ("LOG_FORMAT", "JSON", "json"),
        ("TESLA_UPSTREAM_SLOTS", "12", 12),
        ("TESLA_UPSTREAM_SLOTS", "", 96),
        ("TESLA_AUTH_URL", "", "https://auth.tesla.com"),
    ],
)
def test_a_setting_is_read_trimmed_and_literally(name: str, text: str, value: object) -> None:
    assert read(**{name: text})[name] == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PUBLIC_URL", "https://carport.example/portal"),
        ("PUBLIC_URL", "https://carport.example/?x"),
        ("PUBLIC_URL", "https://carport.example/#"),
        ("PUBLIC_URL", "carport.example"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "https://user:password@carport.example"),
        ("PUBLIC_URL", "https://carport.example:port"),
        ("PUBLIC_URL", "ftp://carport.example"),
        ("ALLOWED_HOSTS", "https://carport.example"),
        ("ALLOWED_HOSTS", "carport.example:8000"),
        ("ALLOWED_HOSTS", "carport example"),
        ("DEBUG", "maybe"),
        ("BEHIND_PROXY", "10.0.0.1"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TESLA_UPSTREAM_SLOTS", "0"),
        ("TESLA_UPSTREAM_SLOTS", "-3"),
        ("TESLA_UPSTREAM_SLOTS", "many"),
        ("TESLA_DATA_PER_MINUTE", "9" * 30),
        ("TESLA_REGIONS", "mars"),
        ("TESLA_REGIONS", "na,na"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("VAULT_KEYS", "k"),
        ("VAULT_KEYS", "k:short"),
        ("VAULT_KEYS", f"k:{KEY},k:{OTHER}"),
        ("VAULT_KEYS", f"k:{KEY},j:{KEY}"),
        ("VAULT_KEYS", f"ü:{KEY}"),
        ("VAULT_KEYS", f"a b:{KEY}"),
        ("DATABASE_URL", "mysql://h/n"),
        ("DATABASE_URL", "postgres//h/n"),
        ("DATABASE_URL", "postgres://h:port/n"),
        ("CACHE_URL", "memory"),
        ("CELERY_BROKER_URL", "sqs://"),
        ("TESLA_API_URL", "https://fleet.example/?region=eu"),
        ("TESLA_CLIENT_ID", "one two"),
        ("TESLA_KEY_DOMAIN", "https://carport.example"),
        ("TESLA_KEY_DOMAIN", "carport.example/key"),
        ("PRIVACY_URL", "privacy"),
        ("PRIVACY_URL", "javascript:alert(1)"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_with_what_would_be_right(name: str, text: str) -> None:
    [sentence] = faults(**{name: text})
    assert re.fullmatch(rf"{name} (must|each|two|one) .+\.?", sentence)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_no_setting_takes_anything_at_all_and_none_repeats_what_was_set(setting: Setting) -> None:
    [sentence] = faults(**{setting.name: "https://\x07secret-value"})
    assert sentence.startswith(setting.name + " ")
    assert "secret-value" not in sentence


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = faults(PUBLIC_URL="nowhere", TESLA_REGIONS="mars", LOG_LEVEL="LOUD")
    assert [line.split()[0] for line in wrong] == ["PUBLIC_URL", "LOG_LEVEL", "TESLA_REGIONS"]


def test_the_secret_key_must_be_set_unless_for_development() -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY must be set"):
        read_all({})
    assert read_all({"DEBUG": "on"})["SECRET_KEY"]


def test_what_follows_from_the_public_address_is_right_without_being_set() -> None:
    known = read(PUBLIC_URL="https://carport.example:8443")
    assert known["ALLOWED_HOSTS"] == ["carport.example"]
    assert known["TESLA_KEY_DOMAIN"] == "carport.example:8443"


def test_the_regions_are_those_that_tesla_has() -> None:
    assert set(REGIONS) == set(paths.FLEET_API_HOSTS)


def test_every_default_can_be_read() -> None:
    assert set(read()) == {setting.name for setting in SETTINGS}


def test_a_command_says_what_is_wrong_without_a_trace() -> None:
    environment = os.environ | SECRET | {"PUBLIC_URL": "https://carport.example/portal", "LOG_LEVEL": "LOUD"}
    environment["DJANGO_SETTINGS_MODULE"] = "portal.settings"
    ran = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert [line.split()[0] for line in ran.stderr.splitlines()] == ["PUBLIC_URL", "LOG_LEVEL"]
