"""The README tells the truth about settings and commands."""

from __future__ import annotations

import re

import pytest

from portal.configuration.settings_table import SETTINGS, Setting
from tests.runner import ROOT

README = (ROOT / "README.md").read_text()


IN_WORDS = {
    "ALLOWED_HOSTS": "host of `PUBLIC_URL`",
    "TESLA_KEY_DOMAIN": "host of `PUBLIC_URL`",
    "DATABASE_URL": "SQLite in `var/`",
    "CACHE_URL": "memory of each process",
    "TESLA_API_URL": "Tesla's, by region",
    **dict.fromkeys(
        ("TESLA_AUTH_URL", "TESLA_TOKEN_URL", "TESLA_OWNER_API_URL", "TESLA_PAIRING_URL"), "Tesla's"
    ),
    "SECRET_KEY": "none",
}
"""Defaults that the README describes instead of showing them."""


def settings_told() -> dict[str, str]:
    """Each setting that the README names, and its default there."""
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \|", README.split("## Settings")[1], re.MULTILINE)
    return {name: default for names, default in rows for name in re.findall(r"`([A-Z_]+)`", names)}


def test_the_settings_table_names_every_setting_and_no_other() -> None:
    assert set(settings_told()) == {setting.name for setting in SETTINGS}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_settings_table_tells_each_default(setting: Setting) -> None:
    default = IN_WORDS.get(setting.name) or setting.default or "none"
    assert settings_told()[setting.name].strip("`") == str(default).strip("`")


def test_settings_are_read_by_their_table_and_nowhere_else() -> None:
    text = (ROOT / "portal" / "settings.py").read_text()
    assert not re.findall(r"environ\.get|environ\[|env\.\w+\(", text)
    assert set(re.findall(r'env\["([A-Z_]+)"\]', text)) == {setting.name for setting in SETTINGS}


def test_every_make_target_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`?make ([a-z]+)", README))
    assert {"demo", "test", "check"} <= named <= targets


def test_every_file_that_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_folder_of_the_map_exists() -> None:
    folders = {name for row in re.findall(r"^\| ((?:`[a-z/]+/`(?:, )?)+) \|", README, re.MULTILINE)
               for name in re.findall(r"`([a-z/]+/)`", row)}  # fmt: skip
    assert "vehicles/tesla/simulator/" in folders
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []
