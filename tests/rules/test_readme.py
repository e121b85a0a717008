"""The README tells the truth about settings and commands."""

from __future__ import annotations

import re

from tests.runner import ROOT

README = (ROOT / "README.md").read_text()


def test_the_settings_table_names_every_setting_and_no_other() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "portal" / "settings.py").read_text()))
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \|", README.split("## Settings")[1], re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert told == read


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
