"""What holds for every file: it works from any machine and names no package index."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from pkgutil import resolve_name

import pytest

from tests.runner import ROOT

# In pieces, so that this file passes its own rule.
INDEXES = re.compile(
    "|".join(["py" + r"pi\.org", "python" + "hosted", "index" + "-url", "registry" + r"\.npmjs"])
)
MACHINE_PATHS = re.compile(r"(?<![\w.$}])/" + r"(?:work|root|home|Users)/")

NAMED_OBJECT = re.compile(r'"((?:vehicles|connect|portal|tests)(?:\.\w+)+:\w+)"')


def tracked_files() -> list[Path]:
    """Every text file under version control, or that would be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.splitlines()]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()[:1024]]


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in tracked_files()
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_index() -> None:
    assert lines_matching(INDEXES) == []


def test_no_file_names_a_path_of_one_machine() -> None:
    assert lines_matching(MACHINE_PATHS) == []


def test_the_lock_files_hold_no_address() -> None:
    locks = sorted(ROOT.glob("requirements*.txt"))
    assert len(locks) >= 3
    assert [lock.name for lock in locks if "://" in lock.read_text()] == []


def test_every_locked_package_has_a_hash() -> None:
    for lock in ROOT.glob("requirements*.txt"):
        pins = re.findall(r"^[a-z0-9].*?==.*?(?=^[a-z0-9]|\Z)", lock.read_text(), re.MULTILINE | re.DOTALL)
        assert pins
        assert all("--hash=sha256:" in pin for pin in pins), lock.name


def test_the_lock_files_agree_on_every_version() -> None:
    versions: dict[str, set[str]] = {}
    for lock in ROOT.glob("requirements*.txt"):
        for name, version in re.findall(r"^([a-z0-9][\w.\[\]-]*)==(\S+)", lock.read_text(), re.MULTILINE):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_no_source_file_is_longer_than_four_hundred_lines() -> None:
    sources = [file for file in tracked_files() if file.suffix == ".py" and "tests" not in file.parts]
    long = {
        str(file.relative_to(ROOT)): count
        for file in sources
        if "migrations" not in file.parts and (count := len(file.read_text().splitlines())) > 400
    }
    assert long == {}, "split these by concept"


def test_nothing_unfinished_is_called_finished() -> None:
    unfinished = re.compile(
        r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error"]) + r")\b"
    )
    assert lines_matching(unfinished) == []


def test_whatever_a_text_names_as_module_and_object_is_there() -> None:
    """What is imported by name is found by no type checker."""
    texts = [file.read_text() for file in tracked_files() if file.suffix == ".py"]
    named = {name for text in texts for name in NAMED_OBJECT.findall(text)}
    assert len(named) >= 5
    for name in named:
        resolve_name(name)
