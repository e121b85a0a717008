"""Whatever is started: what it writes, and what earlier versions left, can be read by its own user alone."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.running.processes import web
from tests.portal.serving import free_port, running
from tests.runner import ROOT

MAKE_DATABASE = "from django.db import connection; connection.ensure_connection()"
STARTS = {
    "a command": ["manage.py", "shell", "--no-imports", "-c", MAKE_DATABASE],
    "the demo": ["-c", "from portal.demo.environment import kept_secrets; kept_secrets()"],
    "make serve": ["-m", "portal.serve", "--check"],
}
ENVIRONMENT = {"DEBUG": "on", "DJANGO_SETTINGS_MODULE": "portal.settings"}
for_linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product in a folder of its own, since `var/` is beside it."""
    folder = tmp_path_factory.mktemp("product")
    for name in ("portal", "connect", "vehicles", "static"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "manage.py", folder)
    return folder


@pytest.fixture
def var(tree: Path) -> Path:
    """As an earlier version left it."""
    var = tree / "var"
    shutil.rmtree(var, ignore_errors=True)
    var.mkdir()
    for name in ("carport.sqlite3", "demo.sqlite3", "virtual-key.pem", "worker.log"):
        (var / name).touch()
        (var / name).chmod(0o644)
    (var / "log").mkdir(mode=0o755)
    var.chmod(0o755)
    return var


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("arguments", STARTS.values(), ids=STARTS)
def test_nobody_else_reads_what_is_written_or_was_there(tree: Path, var: Path, arguments: list[str]) -> None:
    outside = var.parent / "outside"
    outside.touch()
    outside.chmod(0o644)
    (var / "link").symlink_to(outside)
    command = ["/bin/sh", "-c", 'umask 022; exec "$@"', "sh", sys.executable, *arguments]
    done = subprocess.run(
        command,
        cwd=tree,
        env=os.environ | ENVIRONMENT | {"DATABASE_URL": ""},
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert rights(var) == 0o700
    for path in var.rglob("*"):
        if not path.is_symlink():
            assert rights(path) == (0o700 if path.is_dir() else 0o600), path
    assert rights(outside) == 0o644


def umasks(pid: int) -> set[str]:
    """Of the process and its children, by its main thread."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = {line.split()[1] for line in status.splitlines() if line.startswith("Umask:")}
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return found.union(*(umasks(int(child)) for child in children))


@for_linux
@pytest.mark.slow
def test_the_web_server_writes_privately(tree: Path, var: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/healthz"
    with running(web(port), url, tree / "web.log", cwd=tree, **ENVIRONMENT) as pid:
        assert "0077" in umasks(pid)
