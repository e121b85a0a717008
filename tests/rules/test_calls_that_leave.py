"""Every call that leaves goes through a door with a deadline and a size: one to Tesla, one to applications."""

from __future__ import annotations

import ast

from tests.runner import ROOT

CLIENTS = frozenset(
    (
        "urllib3",
        "urllib.request",
        "http.client",
        "requests",
        "httpx",
        "aiohttp",
        "smtplib",
        "ftplib",
        "socket",
    )
)
DOORS = {
    "portal/web/gunicorn_worker.py": "answers clients of ours",
    "vehicles/tesla/connections.py": "the door itself",
    "vehicles/tesla/transport.py": "the door itself",
    "vehicles/webhooks/addresses.py": "looks up where an application is, and whether that is public",
    "vehicles/webhooks/sending.py": "the door to applications, with a deadline and a size as well",
    "portal/web/buffering_worker.py": "is the web server, which only listens",
    "portal/running/processes.py": "asks our own web server on loopback whether it is up",
    "portal/demo": "speaks to the simulated Tesla on loopback",
    "vehicles/tesla/simulator": "is the simulated Tesla",
    "vehicles/management/commands/run_tesla_simulator.py": "starts the simulated Tesla",
}


def imported(source: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
    return found


def test_only_the_doors_open_connections() -> None:
    opening = {
        str(file.relative_to(ROOT))
        for app in ("portal", "connect", "vehicles")
        for file in (ROOT / app).rglob("*.py")
        if any(
            name == client or name.startswith(f"{client}.")
            for name in imported(file.read_text())
            for client in CLIENTS
        )
    }
    assert {name for name in opening if not name.startswith(tuple(DOORS))} == set()
