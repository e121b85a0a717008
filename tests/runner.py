"""`manage.py test` through pytest: Django's labels and options in, pytest's reporting and exit code out."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
LEFT_OUT: Final = ("soak", "slow")
"""Run only when asked for by `--tag`, as `addopts` in pyproject.toml says too."""


class PytestRunner:
    """Django's TEST_RUNNER. Takes labels (dotted or paths) and the options of Django's own runner."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add the options that Django's own runner has and pytest can honour."""
        parser.add_argument(
            "-k", action="append", dest="patterns", help="Only tests whose name contains this."
        )
        parser.add_argument("--failfast", action="store_true", help="Stop at the first failure.")
        parser.add_argument("--keepdb", action="store_true", help="Reuse the test database of the last run.")
        parser.add_argument("--parallel", nargs="?", const="auto", default="", metavar="N", help="Processes.")
        parser.add_argument("--tag", action="append", dest="tags", help="Only tests with this marker.")
        parser.add_argument(
            "--exclude-tag", action="append", dest="exclude_tags", help="No tests with this marker."
        )
        parser.add_argument("--durations", metavar="N", help="Show the N slowest tests.")
        parser.add_argument("--pdb", action="store_true", help="Start the debugger on a failure.")

    def run_tests(self, test_labels: Sequence[str], **_: Any) -> int:
        """Run the tests and return pytest's exit code: 0 when all passed, not 0 also when none was found.

        Without labels every core takes part.
        """
        locations = [locate(label) for label in test_labels] or [str(ROOT / "tests")]
        arguments = [f"--rootdir={ROOT}", f"--config-file={ROOT / 'pyproject.toml'}", "--ds=tests.settings"]
        if not test_labels and not any(self.options.get(name) for name in ("parallel", "pdb", "keepdb")):
            self.options["parallel"] = "auto"
        started_in = Path.cwd()
        # Test modules are imported as `tests.…`, wherever the command was started.
        os.chdir(ROOT)
        try:
            return int(pytest.main([*arguments, *pytest_options(self.options), *locations]))
        finally:
            os.chdir(started_in)


def locate(label: str) -> str:
    """The pytest node of a Django label: `tests.a.test_b.Class.test_c` or a path, from here or from the root."""
    file, separator, node = label.partition("::")
    for base in (Path.cwd(), ROOT):
        if (base / file).exists():
            return f"{base / file}{separator}{node}"
    parts = label.split(".")
    for length in range(len(parts), 0, -1):
        path = ROOT.joinpath(*parts[:length])
        found = path if path.is_dir() else path.with_suffix(".py")
        if found.exists():
            return "::".join([str(found), *parts[length:]])
    return label


def pytest_options(options: dict[str, Any]) -> list[str]:
    """Django's options as pytest spells them."""
    flags = {"failfast": "-x", "keepdb": "--reuse-db", "pdb": "--pdb"}
    values = {"parallel": "--numprocesses", "durations": "--durations"}
    spelled = [flag for name, flag in flags.items() if options.get(name)]
    spelled += ["--dist=worksteal"] if options.get("parallel") else []
    spelled += [f"{flag}={options[name]}" for name, flag in values.items() if options.get(name)]
    spelled += _verbosity(int(options.get("verbosity", 1)))
    names = " or ".join(_pattern(each) for each in options.get("patterns") or ())
    markers = _markers(options.get("tags") or (), options.get("exclude_tags") or ())
    return [*spelled, *(["-k", names] if names else []), *(["-m", markers] if markers else [])]


def _verbosity(level: int) -> list[str]:
    return ["-q"] if level == 0 else ["-v"] * (level - 1)


def _pattern(pattern: str) -> str:
    """Django's `-k` takes `*`; pytest's takes words joined by `and`."""
    words = [word for word in pattern.split("*") if word]
    return words[0] if len(words) == 1 else "(" + " and ".join(words) + ")"


def _markers(wanted: Sequence[str], excluded: Sequence[str]) -> str:
    """Naming no marker that is wanted leaves out the long tests, as naming no marker at all does."""
    left_out = [*(() if wanted else LEFT_OUT), *excluded] if wanted or excluded else []
    either = [f"({' or '.join(wanted)})"] if wanted else []
    return " and ".join([*either, *(f"not {marker}" for marker in dict.fromkeys(left_out))])
