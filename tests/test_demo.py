"""The demo keeps what it made, and a second run goes on from the first."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.demo import environment, legacy_owner, returning, rows, run
from portal.demo.environment import Ports
from portal.demo.simulated_tesla import SimulatorRefused
from tests.conftest import SignIn
from vehicles.models import Application, Incident, TeslaAccount, User, Vehicle, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, ANNAS_MODEL_Y, ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.upstream import calls

PORTS = Ports(8000, 8001, 8002)


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(environment, "VAR", tmp_path)
    monkeypatch.setattr(environment, "SECRETS", tmp_path / "demo.env")
    monkeypatch.setattr(environment, "KEY_FILE", tmp_path / "key.pem")
    return tmp_path


def keep_rows() -> list[Application]:
    rows.keep_staff("a-password")
    staff = User.objects.get(username=rows.STAFF)
    return [rows.keep_application(each, staff) for each in rows.applications(PORTS, "seed")]


def test_secrets_are_drawn_once_and_readable_by_nobody_else(var: Path) -> None:
    first, key = environment.kept_secrets(), (var / "key.pem").read_text()
    assert environment.kept_secrets() == first
    assert (var / "key.pem").read_text() == key
    assert {oct(file.stat().st_mode & 0o777) for file in var.iterdir()} == {"0o600"}


def test_two_demos_share_no_secret(var: Path) -> None:
    first = environment.kept_secrets()
    (var / "demo.env").unlink()
    second = environment.kept_secrets()
    assert [name for name in first if first[name] == second[name]] == []


def test_a_secret_that_a_later_version_needs_is_added_to_the_file(var: Path) -> None:
    first = environment.kept_secrets()
    lines = (var / "demo.env").read_text().splitlines(keepends=True)
    (var / "demo.env").write_text("".join(line for line in lines if not line.startswith("DEMO_SEED")))
    assert {**environment.kept_secrets(), "DEMO_SEED": ""} == {**first, "DEMO_SEED": ""}


def test_ports_can_be_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9100")
    monkeypatch.delenv("SIM_PORT", raising=False)
    monkeypatch.delenv("SAMPLE_PORT", raising=False)
    assert Ports.from_environment() == Ports(9100, 8001, 8002)


@pytest.mark.django_db
def test_rows_are_kept_and_the_sample_application_comes_first() -> None:
    keep_rows()
    kept = keep_rows()
    assert Application.objects.count() == len(kept) == 3
    assert [application.integration for application in kept] == ["fleet", "fleet", "legacy"]
    assert kept[0].redirect_uris.split() == ["http://localhost:8002/callback", "https://example.com/auth"]
    assert all("https://example.com/auth" in application.redirect_uris for application in kept)


@pytest.mark.django_db
def test_the_secrets_that_are_told_are_those_that_work() -> None:
    from django.contrib.auth.hashers import check_password

    told = rows.applications(PORTS, "seed")
    for wanted, row in zip(told, keep_rows(), strict=True):
        assert row.client_id == wanted.client_id
        assert check_password(wanted.client_secret, row.client_secret)
    assert len({each.client_secret for each in told} | {each.management_token for each in told}) == 6


def beat() -> None:
    """Everything that the clock starts, once."""
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        import_string(entry["task"])()


def shown_to_staff() -> dict[str, Any]:
    told = ("verdict", "main_cause", "next_actor", "lacks_permissions", "verdict_since")
    return {
        "incidents": list(Incident.objects.active().values_list("kind", "mode", "region")),
        "verdicts": {row[0]: row[1:] for row in VehicleGrant.objects.values_list("pk", *told)},
        "keys": dict(Vehicle.objects.values_list("vin", "key")),
        "consents": dict(TeslaAccount.objects.values_list("sub", "consent")),
    }


@pytest.mark.django_db(transaction=True)
def test_a_fresh_demo_is_born_as_it_stays(simulator: SimulatorServer, now: datetime) -> None:
    applications = keep_rows()
    simulator.world.reset(vehicles=run.SAMPLE_VEHICLES)
    run._keep_sample_fleet(rows.applications(PORTS, "seed"))
    legacy_owner.connect_all(applications[-1], now)
    run.settle()
    born = shown_to_staff()

    assert born["incidents"] == []
    for minutes in (1, 2, 10, 70):
        with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True):
            beat()
        settled = shown_to_staff()
        for what, held in born.items():
            assert settled[what] == held, f"{what} after {minutes} minutes"


@pytest.mark.django_db
def test_owners_who_had_connected_are_connected_again(
    simulator: SimulatorServer, sign_in: SignIn, anna: ScenarioPerson
) -> None:
    account = sign_in(anna)
    Vehicle.objects.filter(vin=ANNAS_MODEL_3).update(key="present")
    simulator.world.reset()
    assert returning.restore_people(simulator.url) == 1
    account.refresh_from_db()
    keys = {
        status.vin: status.paired for status in calls.fleet_status(account, [ANNAS_MODEL_3, ANNAS_MODEL_Y])
    }
    assert keys == {ANNAS_MODEL_3: True, ANNAS_MODEL_Y: False}


@pytest.mark.django_db
def test_people_who_connected_live_and_simulated_are_connected_again_in_both(
    simulator: SimulatorServer, sign_in: SignIn, bernd: ScenarioPerson
) -> None:
    accounts = [sign_in(bernd, mode=mode) for mode in ("live", "simulated")]
    simulator.world.reset()
    assert returning.restore_people(simulator.url) == 2
    for account in accounts:
        account.refresh_from_db()
        assert calls.listed_vehicles(account)


@pytest.mark.django_db
def test_the_owner_of_old_is_connected_over_the_legacy_api_and_again_at_the_next_start(
    simulator: SimulatorServer, emma: ScenarioPerson, now: datetime
) -> None:
    application = keep_rows()[-1]
    for _ in range(2):
        simulator.world.reset()
        returning.restore_people(simulator.url)
        legacy_owner.connect_all(application, now)
        grants = VehicleGrant.objects.filter(integration="legacy", connection__application=application)
        assert len(grants) == len(emma.vehicles)
        assert all(calls.vehicle_data(grant, ["charge_state"]) for grant in grants)


@pytest.mark.django_db
@pytest.mark.parametrize("fails", [False, True])
def test_a_simulator_that_was_started_again_begins_once_it_was_told_and_even_if_that_fails(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def restore_people(url: str) -> int:
        assert simulator.world.provider.is_starting
        if fails:
            raise SimulatorRefused("no")
        return 0

    monkeypatch.setattr(returning, "restore_people", restore_people)
    simulator.world.provider.is_starting = True
    ports = Ports(8000, simulator.port, 8002)
    if fails:
        with pytest.raises(SimulatorRefused):
            run._restore(ports)
    else:
        run._restore(ports)
    assert not simulator.world.provider.is_starting


@pytest.mark.django_db
def test_owners_who_had_removed_access_stay_away(
    simulator: SimulatorServer, sign_in: SignIn, anna: ScenarioPerson
) -> None:
    sign_in(anna)
    TeslaAccount.objects.update(consent="revoked")
    simulator.world.reset()
    assert returning.restore_people(simulator.url) == 0


@pytest.mark.django_db
def test_sample_logins_work_after_every_start(simulator: SimulatorServer, settings: Any) -> None:
    call_command("load_sample_data", vehicles=20, verbosity=0)
    account = TeslaAccount.objects.filter(consent="active", tokens__integration="fleet").first()
    assert account is not None
    for _ in range(2):
        simulator.world.reset(vehicles=20)
        returning.restore_starting_logins()
        assert calls.listed_vehicles(account)
