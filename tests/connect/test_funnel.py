"""The funnel counts every run once at each step, says where people left, and how long they stayed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connect.models import ConnectSession, Step
from connect.run import funnel
from tests.connect.conftest import Journey
from tests.factories import ApplicationFactory, ConnectSessionFactory, RunStepFactory
from vehicles.models import Application
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson

pytestmark = pytest.mark.django_db


def _run(application: Application, at: datetime, **steps: int) -> ConnectSession:
    """A run that came to these steps after so many seconds."""
    session = ConnectSessionFactory(application=application, created_at=at)
    for step, seconds in steps.items():
        funnel.note_step(session, Step(step), at + timedelta(seconds=seconds), key_queue=["a car"])
    return session


def _by_step(now: datetime, days: int = 7, application: Application | None = None) -> dict[str, funnel.Stage]:
    found = funnel.stages(
        mode="live", since=now - timedelta(days=days), now=now, application_id=application and application.pk
    )
    return {str(stage.step): stage for stage in found}


def test_it_tells_who_came_who_left_and_who_is_still_there(now: datetime, application: Application) -> None:
    _run(application, now, preamble=0, tesla=10, permissions=70, done=100)
    _run(application, now, preamble=0, tesla=20, ended=50)
    _run(application, now, preamble=0, tesla=30)
    _run(application, now, preamble=0, ended=5)

    stages = _by_step(now)

    assert [(str(stage.step), stage.reached) for stage in funnel.stages(mode="live", since=now, now=now)] == [
        ("preamble", 4), ("brand", 0), ("tesla", 3), ("permissions", 1), ("keys", 0), ("done", 1),
    ]  # fmt: skip
    assert [stages["preamble"].left, stages["tesla"].left, stages["permissions"].left] == [1, 1, 0]
    assert [stages["preamble"].still_there, stages["tesla"].still_there] == [0, 1]


def test_the_median_stay_is_that_of_those_who_went_on(now: datetime, application: Application) -> None:
    for seconds in (10, 20, 90):
        _run(application, now, preamble=0, tesla=seconds, permissions=seconds + 4, done=seconds + 100)
    _run(application, now, preamble=0, ended=3000)

    stages = _by_step(now)

    assert stages["preamble"].seconds == 20
    assert stages["tesla"].seconds == 4
    assert stages["done"].seconds == 120


def test_of_an_even_number_it_is_the_lower_of_the_middle_two(now: datetime, application: Application) -> None:
    for seconds in (10, 20, 30, 1000):
        _run(application, now, preamble=0, tesla=seconds)

    assert _by_step(now)["preamble"].seconds == 20


def test_steps_of_the_same_second_keep_their_order(now: datetime, application: Application) -> None:
    _run(application, now, preamble=0, brand=0, tesla=0, ended=0)

    stages = _by_step(now)

    assert [stages[step].left for step in ("preamble", "brand", "tesla")] == [0, 0, 1]


def test_it_counts_one_application_and_one_window(now: datetime, application: Application) -> None:
    _run(application, now, preamble=0)
    _run(application, now - timedelta(days=3), preamble=0)
    _run(ApplicationFactory(), now, preamble=0)

    assert _by_step(now, days=1, application=application)["preamble"].reached == 1
    assert _by_step(now, days=7, application=application)["preamble"].reached == 2
    assert _by_step(now, days=7)["preamble"].reached == 3


def test_live_and_simulated_runs_are_counted_apart(now: datetime, application: Application) -> None:
    RunStepFactory(session=ConnectSessionFactory(application=application, mode="simulated"))

    assert _by_step(now)["preamble"].reached == 0
    since = now - timedelta(days=1)
    assert funnel.stages(mode="simulated", since=since, now=now)[0].reached == 1


def test_applications_are_listed_by_use(now: datetime, application: Application) -> None:
    other = ApplicationFactory(name="Fleet Watch")
    _run(other, now, preamble=0, done=5)
    for _ in range(2):
        _run(application, now, preamble=0)

    found = funnel.shares(mode="live", since=now - timedelta(days=1))

    assert [(share.name, share.begun, share.finished) for share in found] == [
        ("Charge Planner", 2, 0),
        ("Fleet Watch", 1, 1),
    ]


def test_a_real_journey_is_in_it(journey: Journey, bernd: ScenarioPerson, now: datetime) -> None:
    journey.authorize(make="TESLA")
    journey.return_from_tesla(journey.tesla.connect(journey.post("begin").headers["Location"], bernd.email))
    journey.approve()

    stages = _by_step(now)

    reached = [step for step, stage in stages.items() if stage.reached]
    assert reached == [Step.PREAMBLE, Step.TESLA, Step.PERMISSIONS, Step.DONE]


def test_the_sdks_click_path_and_reauthentication_are_not(journey: Journey, now: datetime) -> None:
    journey.authorize(mode="test")

    assert funnel.shares(mode="simulated", since=now - timedelta(days=1)) == []
