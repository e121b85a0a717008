"""The sample application shows cars, and every error with what the person can do about it."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import smartcar
import smartcar.config

from tests.conftest import SignIn
from tests.factories import AccessTokenFactory, ApplicationFactory
from tests.runner import ROOT
from vehicles import grants
from vehicles.models import Vehicle
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, ScenarioPerson


@pytest.fixture
def sample(portal_url: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setattr(smartcar.config, "API_ORIGIN", portal_url)
    spec = importlib.util.spec_from_file_location(
        "sample_application", ROOT / "docs" / "sample_application.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "sample_application", module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def visit(sample: ModuleType, sign_in: SignIn, anna: ScenarioPerson, now: datetime) -> Any:
    """Anna's browser, with her Model 3 connected for reading the battery and for locking."""
    account, application = sign_in(anna), ApplicationFactory()
    asked = ["read_vehicle_info", "read_vin", "read_battery", "control_security"]
    grants.give(
        application=application, account=account, vehicles=[Vehicle.objects.get(vin=ANNAS_MODEL_3)],
        requested=asked, approved=asked, now=now,
    )  # fmt: skip
    token = AccessTokenFactory(application=application, user=account.person)
    later = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)
    return sample.Visit(access=SimpleNamespace(access_token=token.raw, expiration=later))


def test_a_stranger_is_offered_to_connect(sample: ModuleType) -> None:
    assert 'href="/connect"' in sample.home(sample.Visit())


@pytest.mark.usefixtures("live_server")
def test_a_car_shows_what_may_be_read_and_the_cure_for_what_may_not(sample: ModuleType, visit: Any) -> None:
    shown = sample.home(visit)
    assert ANNAS_MODEL_3 in shown
    assert "Battery</dt><dd>49%" in shown
    assert 'Odometer</dt><dd><div class="fault"' in shown
    assert "Connect again</a>" in shown


@pytest.mark.usefixtures("live_server")
def test_a_refused_lock_leads_to_the_page_that_adds_the_key(sample: ModuleType, visit: Any) -> None:
    vehicle_id = smartcar.get_vehicles(visit.access.access_token).vehicles[0]
    sample.act(visit, vehicle_id, "lock")
    assert f"?vin={ANNAS_MODEL_3}" in visit.notice
    assert "Add the key to this car</a>" in visit.notice


def test_an_answer_that_was_not_asked_for_is_refused(sample: ModuleType) -> None:
    visit = sample.Visit(pending=["ours"])
    sample.finish(visit, {"code": "stolen", "state": "theirs"})
    assert visit.access is None
    assert "not asked for" in visit.notice


def test_what_connect_says_is_shown_as_text(sample: ModuleType) -> None:
    visit = sample.Visit(pending=["ours"])
    sample.finish(visit, {"error": "access_denied", "error_description": "<b>no</b>", "state": "ours"})
    assert "&lt;b&gt;no&lt;/b&gt;" in visit.notice


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMARTCAR_CLIENT_ID", "id")
    monkeypatch.setenv("SMARTCAR_CLIENT_SECRET", "secret")
    monkeypatch.setenv("SMARTCAR_REDIRECT_URI", "http://localhost:8002/callback")


def state_in(address: str) -> str:
    return parse_qs(urlsplit(address).query)["state"][0]


@pytest.mark.usefixtures("credentials")
def test_several_tabs_are_on_their_way_and_each_answer_is_taken_once(sample: ModuleType) -> None:
    visit = sample.Visit()
    first, second = (state_in(sample.connect_url(visit)) for _ in range(2))

    for state in (first, second):
        sample.finish(visit, {"error": "access_denied", "error_description": "Said no.", "state": state})
        assert "Said no." in sample.taken_notice(visit)

    sample.finish(visit, {"code": "once more", "state": first})
    assert visit.notice == "" and visit.access is None
    assert visit.pending == []


@pytest.mark.usefixtures("credentials")
def test_what_nobody_came_back_from_is_forgotten_one_day(sample: ModuleType) -> None:
    visit = sample.Visit()
    states = [state_in(sample.connect_url(visit)) for _ in range(100)]

    assert visit.pending == states[-sample.MOST_PENDING :]
