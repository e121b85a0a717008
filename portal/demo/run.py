"""The demo's steps in order, each with a progress line, and what is told at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

from django.core.management import call_command
from django.db import connections
from django.utils import timezone
from rich.console import Console

from portal.demo import legacy_owner, returning, rows
from portal.demo.environment import ROOT, VAR, Ports
from portal.running.processes import Process, Supervisor, answers, clock, python, says, web, worker
from vehicles.models import Application, Integration, User
from vehicles.tesla.simulator.samples.scenarios import DEFAULT
from vehicles.upstream import recovery

SAMPLE_VEHICLES: Final = 200
WHERE: Final = VAR / "demo.json"
LOGS: Final = VAR / "log"


def run(console: Console, supervisor: Supervisor, ports: Ports, kept: dict[str, str]) -> None:
    """Bring everything up, tell where it is, and return when a stop was asked for. Raises `StartFailed`."""
    WHERE.unlink(missing_ok=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    wanted = rows.applications(ports, kept["DEMO_SEED"])
    for text, step in _preparations(wanted, kept):
        with console.status(text):
            step()
        console.print(f"[green]✓[/] {text}")
    connections.close_all()
    processes = _processes(ports, wanted[0])
    for process in processes:
        supervisor.launch(process)
    for process in processes:
        with console.status(f"Starting the {process.name}"):
            supervisor.wait_until_up(process)
        console.print(f"[green]✓[/] The {process.name} is up")
    people = returning.restore_people(ports.simulator_url)
    returning.let_simulator_begin(ports.simulator_url)
    if people:
        console.print(f"[green]✓[/] Connected again: {people} who had connected before")
    legacy = next(each for each in wanted if each.integration == Integration.LEGACY)
    legacy_owner.connect_all(Application.objects.get(client_id=legacy.client_id), timezone.now())
    console.print("[green]✓[/] Connected through the legacy API: its owner of old")
    settle()
    connections.close_all()
    told = _told(ports, wanted, kept)
    WHERE.touch(mode=0o600)
    WHERE.write_text(json.dumps(told, indent=2) + "\n")
    _announce(console, told, ports)
    try:
        supervisor.wait()
    finally:
        WHERE.unlink(missing_ok=True)
        console.print("\nStopping …")


def _preparations(
    wanted: list[rows.DemoApplication], kept: dict[str, str]
) -> list[tuple[str, Callable[[], Any]]]:
    return [
        ("Database is up to date", lambda: call_command("migrate", verbosity=0, interactive=False)),
        ("Static files are collected", lambda: call_command("collectstatic", verbosity=0, interactive=False)),
        ("Staff and applications", lambda: _keep_rows(wanted, kept)),
        (f"A fleet of {SAMPLE_VEHICLES} sample cars", lambda: _keep_sample_fleet(wanted)),
    ]


def _keep_rows(wanted: list[rows.DemoApplication], kept: dict[str, str]) -> None:
    rows.keep_staff(kept["DEMO_STAFF_PASSWORD"])
    staff = User.objects.get(username=rows.STAFF)
    for application in wanted:
        rows.keep_application(application, staff)


def _keep_sample_fleet(wanted: list[rows.DemoApplication]) -> None:
    client_ids = [application.client_id for application in wanted]
    call_command(
        "load_sample_data", vehicles=SAMPLE_VEHICLES, application=client_ids, legacy_served=True, verbosity=0
    )
    returning.restore_starting_logins()


def _processes(ports: Ports, sample: rows.DemoApplication) -> list[Process]:
    simulator = [
        "run_tesla_simulator",
        "--port",
        str(ports.simulator),
        "--vehicles",
        str(SAMPLE_VEHICLES),
        "--wait",
    ]
    worker_log, clock_log = LOGS / "worker.log", LOGS / "clock.log"
    sdk = {
        "SMARTCAR_API_ORIGIN": ports.portal_url,
        "SMARTCAR_CONNECT_ORIGIN": ports.portal_url,
        "SMARTCAR_AUTH_ORIGIN": f"{ports.portal_url}/oauth/token",
        "SMARTCAR_CLIENT_ID": sample.client_id,
        "SMARTCAR_CLIENT_SECRET": sample.client_secret,
        "SMARTCAR_REDIRECT_URI": sample.redirect_uri,
    }
    return [
        Process(
            "simulated Tesla",
            python(str(ROOT / "manage.py"), *simulator),
            answers(f"{ports.simulator_url}/_sim/calls"),
            LOGS / "simulator.log",
            restored=lambda: _restore(ports),
        ),
        Process("portal", web(ports.web), answers(f"{ports.portal_url}/healthz"), LOGS / "web.log"),
        Process("worker", worker(), says(" ready."), worker_log),
        Process("clock", clock(), says("beat: Starting"), clock_log),
        Process(
            "sample application",
            python(str(ROOT / "docs" / "sample_application.py")),
            answers(ports.sample_application_url),
            LOGS / "sample-application.log",
            sdk,
        ),
    ]


def settle() -> None:
    """What the first minutes would change is done before anybody looks: accounts in doubt are asked again."""
    recovery.ask_suspects_again(timezone.now() + recovery.ASK_AGAIN_AFTER)


def _restore(ports: Ports) -> None:
    """A simulated Tesla that was started again has forgotten what was agreed."""
    try:
        returning.restore_starting_logins()
        returning.restore_people(ports.simulator_url)
    finally:
        returning.let_simulator_begin(ports.simulator_url)
        connections.close_all()


def _told(ports: Ports, wanted: list[rows.DemoApplication], kept: dict[str, str]) -> dict[str, Any]:
    """What var/demo.json holds."""
    names = ("name", "client_id", "client_secret", "redirect_uri", "management_token", "integration")
    return {
        "portal_url": ports.portal_url,
        "simulator_url": ports.simulator_url,
        "staff": {"username": rows.STAFF, "password": kept["DEMO_STAFF_PASSWORD"]},
        "applications": [{name: asdict(each)[name] for name in names} for each in wanted],
        "people": [
            {
                "email": person.email,
                "password": person.password,
                "vehicles": [
                    {"vin": car.vin, "access_type": car.access_type, "key": car.key, "note": car.note}
                    for car in person.vehicles
                ],
            }
            for person in DEFAULT
        ],
    }


def _legacy_connect_url(told: dict[str, Any]) -> str:
    legacy = next(each for each in told["applications"] if each["integration"] == Integration.LEGACY)
    return f"{told['portal_url']}/oauth/authorize?response_type=code&client_id={legacy['client_id']}"


def _announce(console: Console, told: dict[str, Any], ports: Ports) -> None:
    staff = told["staff"]
    places = (
        ("Portal", told["portal_url"], "for owners, developers and staff"),
        ("Sample application", ports.sample_application_url, "connect a car here"),
        ("Staff", f"{told['portal_url']}/admin/", f"{staff['username']} / {staff['password']}"),
        ("Simulated Tesla", told["simulator_url"], "Tesla's login, keys and third-party apps"),
        ("Legacy application", _legacy_connect_url(told), "connect a car through Tesla's older interface"),
    )
    lines = ["", "[bold]Carport is up.[/]", ""]
    lines += [f"  {name:<20}{url:<31} {note}" for name, url, note in places]
    lines += ["", f"Owners' Tesla logins, each with the password {DEFAULT[0].password}:", ""]
    for person in told["people"]:
        for number, car in enumerate(person["vehicles"]):
            name = person["email"] if number == 0 else ""
            lines.append(
                f"  {name:<24}{car['vin']}  {car['access_type']:<7} key {car['key']:<13} {car['note']}"
            )
    for line in [*lines, "", "Ctrl-C stops everything."]:
        console.print(line, soft_wrap=True)
