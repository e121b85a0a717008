"""The README and the pages in `docs/` tell the truth about settings, commands and files."""

from __future__ import annotations

import re

import pytest

from portal.configuration.settings_table import SETTINGS, Setting
from tests.runner import ROOT

README = (ROOT / "README.md").read_text()
SETTINGS_PAGE = (ROOT / "docs" / "settings.md").read_text()


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
"""Defaults that the page describes instead of showing them."""


def settings_told() -> dict[str, str]:
    """Each setting that the page names, and its default there."""
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| ([^|]+) \|", SETTINGS_PAGE, re.MULTILINE)
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


PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")))
_NAMED = re.compile(r"`((?:vehicles|connect|portal|tests|docs|deploy|static)/[\w./-]*)`")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not ((ROOT / page).parent / link).exists()]
    missing += [name for name in _NAMED.findall(text) if not (ROOT / name).exists()]
    assert missing == []


MAP = (ROOT / "docs" / "architecture.md").read_text()


@pytest.mark.parametrize("app", ["vehicles", "connect", "portal"])
def test_the_map_has_a_line_for_every_package(app: str) -> None:
    packages = {path.parent.name for path in (ROOT / app).glob("*/__init__.py")} - {
        "management",
        "migrations",
        "templatetags",
    }
    section = MAP.split(f"### `{app}/`")[1].split("\n### ")[0]
    assert packages - set(re.findall(rf"^\| `{app}/(\w+)/`", section, re.MULTILINE)) == set()


def test_every_make_target_that_contributors_are_told_of_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", (ROOT / "CONTRIBUTING.md").read_text())) <= targets
