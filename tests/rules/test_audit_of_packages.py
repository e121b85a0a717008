"""`make check` asks an index of known faults: it fails on a fault, and says so where no index can be reached."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.portal.serving import free_port
from tests.runner import ROOT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("pip_audit"), reason="pip-audit is not installed"),
]

FAULT = "GHSA-test-only-0001"


@contextmanager
def index(faulty: str = "", status: int = 200) -> Iterator[str]:
    """An index that knows one fault of one package, or answers with this status alone."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = json.dumps(
                {"vulns": [fault_of(faulty)]} if asked["package"]["name"] == faulty else {}
            ).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
        finally:
            server.shutdown()
            thread.join()


def fault_of(package: str) -> dict[str, object]:
    return {
        "id": FAULT,
        "summary": "Anybody may do anything.",
        "published": "2026-01-01T00:00:00Z",
        "affected": [
            {
                "package": {"name": package, "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.1"}]}],
            }
        ],
    }


def audit(url: str, ignored: str | Path = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OSV_URL": url} | ({"AUDIT_IGNORED": str(ignored)} if ignored else {})
    command = [sys.executable, ".ci/audit.py"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_known_fault_fails_the_check_and_says_what_to_do() -> None:
    with index("django") as url:
        done = audit(url)
    assert done.returncode == 1
    assert f": {FAULT}, mended in 99.1" in done.stderr
    assert done.stderr.startswith("django 5")
    assert "audit-ignored.txt" in done.stderr


def test_without_a_known_fault_it_passes() -> None:
    with index() as url:
        done = audit(url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "packages, no known fault." in done.stdout


def test_a_fault_is_passed_over_for_a_reason_only(tmp_path: Path) -> None:
    ignored = tmp_path / "ignored.txt"
    with index("django") as url:
        ignored.write_text(f"# why\n{FAULT} only with a setting that we do not have\n")
        assert audit(url, ignored).returncode == 0
        ignored.write_text(f"{FAULT}\n")
        done = audit(url, ignored)
    assert done.returncode == 1
    assert "has no reason" in done.stderr


def test_where_no_index_can_be_reached_one_line_says_so() -> None:
    done = audit(f"http://127.0.0.1:{free_port()}/v1/query")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("NOT AUDITED: the index of known faults cannot be reached")
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize("status", [403, 404, 503])
def test_an_index_that_refuses_is_no_all_clear(status: int) -> None:
    with index(status=status) as url:
        done = audit(url)
    assert done.returncode == 0
    assert done.stdout.startswith("NOT AUDITED")
