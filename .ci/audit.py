"""Asks an index of known faults about every locked package; part of `make check`.

A fault that is known fails the check. An index that cannot be reached does not: then one line says that nothing was
looked at. `OSV_URL` names another index than OSV's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
IGNORED: Final = Path(os.environ.get("AUDIT_IGNORED", Path(__file__).with_name("audit-ignored.txt")))
TIMEOUT_SECONDS: Final = 10


def main() -> int:
    """Returns the exit status."""
    try:
        ignored = ignored_faults(IGNORED.read_text())
    except ValueError as fault:
        return _say(f"{IGNORED.name}: {fault}", 1)
    # What the lock files hold is read first, so that whatever fails afterwards is the index.
    read = _pip_audit("--dry-run")
    if read.returncode:
        return _say(f"The lock files cannot be read: {_last_line(read.stderr)}", 1)
    options = [option for fault in ignored for option in ("--ignore-vuln", fault)]
    if url := os.environ.get("OSV_URL"):
        options += ["--osv-url", url]
    asked = _pip_audit(*options)
    try:
        packages = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _say("NOT AUDITED: the index of known faults cannot be reached, or answers with an error.", 0)
    return _report(packages, ignored)


def ignored_faults(text: str) -> dict[str, str]:
    """The faults that are not counted, with the reason why. Raises `ValueError` for one without a reason."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    found = {name: reason.strip() for name, _, reason in (line.partition(" ") for line in lines if line)}
    for name, reason in found.items():
        if not reason:
            raise ValueError(f"{name} has no reason; write it behind the name.")
    return found


def _pip_audit(*options: str) -> subprocess.CompletedProcess[str]:
    files = [option for file in sorted(ROOT.glob("requirements*.txt")) for option in ("-r", str(file))]
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", *files]
    command += ["--vulnerability-service", "osv", "--timeout", str(TIMEOUT_SECONDS)]
    command += ["--format", "json", "--progress-spinner", "off", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - our own


def _report(packages: list[dict[str, Any]], ignored: dict[str, str]) -> int:
    skipped = sorted({package["name"] for package in packages if "skip_reason" in package})
    faults = {
        f"{package['name']} {package['version']}: {fault['id']}, mended in {_versions(fault)}"
        for package in packages
        for fault in package.get("vulns", [])
    }
    for line in sorted(faults):
        _say(line, 1)
    if faults:
        return _say(
            "Raise these in the lock files, or name them in .ci/audit-ignored.txt with the reason.", 1
        )
    if skipped:
        return _say(f"NOT AUDITED: the index does not know {', '.join(skipped)}.", 0)
    beside = f", beside {len(ignored)} that are ignored for a reason" if ignored else ""
    return _say(f"{len({package['name'] for package in packages})} packages, no known fault{beside}.", 0)


def _versions(fault: dict[str, Any]) -> str:
    return ", ".join(fault["fix_versions"]) or "no version yet"


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip()[:200] if lines else "it said nothing"


def _say(line: str, status: int) -> int:
    print(line, file=sys.stderr if status else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
