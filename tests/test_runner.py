"""`manage.py test` understands what Django's own runner understands."""

from __future__ import annotations

import pytest

from tests.runner import ROOT, locate, pytest_options


@pytest.mark.parametrize(
    ("label", "node"),
    [
        ("tests", "tests"),
        ("tests.vehicles", "tests/vehicles"),
        ("tests.test_runner", "tests/test_runner.py"),
        ("tests.test_runner.test_a", "tests/test_runner.py::test_a"),
        ("tests.test_runner.Case.test_a", "tests/test_runner.py::Case::test_a"),
        ("tests/test_runner.py", "tests/test_runner.py"),
        ("tests/test_runner.py::test_a", "tests/test_runner.py::test_a"),
    ],
)
def test_labels_may_be_dotted_or_paths(label: str, node: str) -> None:
    assert locate(label) == str(ROOT / node)


@pytest.mark.parametrize(
    ("options", "spelled"),
    [
        ({}, []),
        ({"verbosity": 0}, ["-q"]),
        ({"verbosity": 3}, ["-v", "-v"]),
        ({"failfast": True, "keepdb": True}, ["-x", "--reuse-db"]),
        ({"parallel": "2"}, ["--dist=worksteal", "--numprocesses=2"]),
        ({"patterns": ["lock"]}, ["-k", "lock"]),
        ({"patterns": ["lock", "*key*absent*"]}, ["-k", "lock or (key and absent)"]),
        ({"tags": ["slow"], "exclude_tags": ["browser"]}, ["-m", "(slow) and not browser"]),
        ({"exclude_tags": ["browser", "soak"]}, ["-m", "not soak and not slow and not browser"]),
    ],
)
def test_options_keep_their_meaning(options: dict[str, object], spelled: list[str]) -> None:
    assert pytest_options({"verbosity": 1} | options) == spelled
