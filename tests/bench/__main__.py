"""`python -m tests.bench [--rounds N] [WHAT ...]`: run the benchmarks, all or those named, and write `var/bench.json`.

On SQLite, or on the `DATABASE_URL` given.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from pathlib import Path
from typing import Final

import django

from tests.bench import rows

_PREFIX: Final = "bench_"


def main() -> int:
    """The exit status: 0, whether aims are met or not; the machine decides that as well."""
    names = sorted(file.stem.removeprefix(_PREFIX) for file in Path(__file__).parent.glob(f"{_PREFIX}*.py"))
    arguments = argparse.ArgumentParser(prog="python -m tests.bench")
    arguments.add_argument("what", nargs="*", metavar="WHAT", help=", ".join(names))
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    if unknown := set(given.what) - set(names):
        arguments.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
    django.setup()
    for name in given.what or names:
        for row in importlib.import_module(f"tests.bench.{_PREFIX}{name}").measure(given.rounds):
            sys.stdout.write(row.line() + "\n")
            sys.stdout.flush()
            rows.write([row])
    return 0


if __name__ == "__main__":
    sys.exit(main())
