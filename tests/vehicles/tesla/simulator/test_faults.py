"""Faults on demand: which requests they hit, and what becomes of those."""

from __future__ import annotations

import time
from typing import Any

import pytest
from urllib3.exceptions import HTTPError

from tests.vehicles.tesla.simulator.visitors import Application, Control
from vehicles.tesla import paths
from vehicles.tesla.simulator.control.faults import Fault, Target
from vehicles.tesla.simulator.samples.scenarios import BERNDS_MODEL_S

BERND = "bernd@owners.example"


@pytest.fixture
def bernd(application: Application) -> Application:
    return application.connect(BERND)


def fault(control: Control, **description: Any) -> None:
    control("POST", "/faults", description)


def executed(control: Control) -> list[str]:
    return [row["command"] for row in control("GET", f"/vehicles/{BERNDS_MODEL_S}/executed")]


def test_a_fault_answers_instead_of_tesla_so_many_times(bernd: Application, control: Control) -> None:
    fault(
        control,
        match={"path": paths.VEHICLES},
        status=503,
        headers={"Retry-After": "7"},
        body={"error": "x"},
        times=2,
    )
    answers = [bernd.call("GET", paths.VEHICLES) for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert (answers[0].headers["Retry-After"], answers[0].json()) == ("7", {"error": "x"})


def test_a_body_may_be_html_or_nothing(bernd: Application, control: Control) -> None:
    fault(control, status=502, body="<html>bad gateway</html>", times=1)
    fault(control, status=423, times=1)
    html, nothing = bernd.call("GET", paths.VEHICLES), bernd.call("GET", paths.VEHICLES)
    assert (html.status, html.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert (nothing.status, nothing.data) == (423, b"")


def test_by_default_a_refused_command_was_not_carried_out(bernd: Application, control: Control) -> None:
    fault(control, match={"vin": BERNDS_MODEL_S}, status=500)
    assert bernd.command(BERNDS_MODEL_S, "door_unlock").status == 500
    control("DELETE", "/faults")
    assert executed(control) == []
    assert bernd.command(BERNDS_MODEL_S, "door_lock").status == 200


def test_an_answer_can_be_lost_after_the_command_was_carried_out(
    bernd: Application, control: Control
) -> None:
    fault(control, match={"path": "*/command/*"}, cut=True, effect_happens=True, times=1)
    with pytest.raises(HTTPError):
        bernd.command(BERNDS_MODEL_S, "door_unlock")
    assert executed(control) == ["door_unlock"]
    assert control("GET", "/calls")[-1]["status"] == 0


def test_a_connection_can_be_cut_before_anything_happens(bernd: Application, control: Control) -> None:
    fault(control, match={"method": "POST"}, cut=True, times=1)
    with pytest.raises(HTTPError):
        bernd.command(BERNDS_MODEL_S, "door_unlock")
    assert executed(control) == []


def test_a_delay_only_delays(bernd: Application, control: Control) -> None:
    fault(control, match={"email": BERND}, delay_ms=150, times=1)
    started = time.monotonic()
    assert bernd.call("GET", paths.VEHICLES).status == 200
    assert time.monotonic() - started >= 0.15


def test_a_rotation_can_happen_without_its_answer_arriving(bernd: Application, control: Control) -> None:
    fault(control, match={"path": paths.TOKEN, "email": BERND}, status=502, effect_happens=True, times=1)
    lost = bernd.tokens["refresh_token"]
    assert bernd.refresh().status == 502
    assert bernd.refresh(lost).status == 200


def test_a_fault_for_one_car_or_person_spares_the_others(
    bernd: Application, application: Application, control: Control
) -> None:
    fault(control, match={"email": "anna@owners.example"}, status=500)
    fault(control, match={"vin": BERNDS_MODEL_S}, status=500)
    assert bernd.call("GET", paths.VEHICLES).status == 200
    assert bernd.call("POST", paths.FLEET_STATUS, {"vins": [BERNDS_MODEL_S]}).status == 500


def test_chance_decides_where_a_probability_is_given(bernd: Application, control: Control) -> None:
    fault(control, status=500, probability=0)
    assert bernd.call("GET", paths.VEHICLES).status == 200
    fault(control, status=500, probability=0.5)
    assert {bernd.call("GET", paths.VEHICLES).status for _ in range(64)} == {200, 500}


@pytest.mark.parametrize(
    "description",
    [
        {"status": 1000},
        {"probability": 2},
        {"match": {"colour": "red"}},
        {"colour": "red"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(control: Control, description: dict[str, Any]) -> None:
    assert control.ask("POST", "/faults", description).status == 400


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        ({}, True),
        ({"path": "/api/1/vehicles"}, True),
        ({"path": "/api/*/wake_up"}, True),
        ({"path": "/api/*/command"}, False),
        ({"method": "post"}, True),
        ({"method": "GET"}, False),
        ({"vin": "V1"}, True),
        ({"vin": "V2"}, False),
        ({"email": "a@example.org"}, True),
        ({"email": "b@example.org"}, False),
    ],
)
def test_paths_match_by_beginning_or_pattern_and_all_else_exactly(match: dict[str, str], hits: bool) -> None:
    target = Target("POST", "/api/1/vehicles/V1/wake_up", ("V1",), "a@example.org")
    assert Fault(match=match, status=500).hits(target) is hits
