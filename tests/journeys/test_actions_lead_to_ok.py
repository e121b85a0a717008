"""Whoever does what a diagnosis says, through the link it names, ends with a car that works; whatever was wrong.

Every cause that the rules know, as one person, one car and one application bring it about. From the first diagnosis on
nobody pulls strings at Tesla but for what a person does in the car (`ways_out.IN_THE_CAR`) and what ends a wait
(`ways_out.BY_ITSELF`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from tests.factories import UserFactory
from tests.journeys.people import EVERYTHING, Consumer, Owner
from tests.journeys.situations import NEVER_ASKED, SITUATIONS, VIN, Scene, bring_about
from tests.journeys.ways_out import BY_ITSELF, PLAYS, first_playable
from vehicles.diagnosis import RULES
from vehicles.diagnosis.actions import ACTIONS

MOST_ROUNDS: Final = 6
Pair = tuple[str, ...]


@pytest.fixture
def scene(
    owner: Callable[[str], Owner],
    consumer: Callable[..., Consumer],
    control: Any,
    request: pytest.FixtureRequest,
) -> Iterator[Scene]:
    """Anna owns one car, Clara drives it."""
    causes = request.node.callspec.params["causes"]
    is_legacy = any(SITUATIONS[cause].is_legacy for cause in causes)
    application = consumer(
        integration="legacy" if is_legacy else "fleet", permissions=[*EVERYTHING, NEVER_ASKED]
    )
    user = UserFactory(username="operator-of-this-test")
    user.groups.add(Group.objects.get(name="operator"))
    staff = Client()
    staff.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    control("PATCH", "/accounts/anna@owners.example", {"vehicles": [{"vin": VIN, "access_type": "OWNER"}]})
    with time_machine.travel(timezone.now(), tick=True) as clock:
        yield Scene(owner("anna"), owner("clara"), application, control, staff, clock)


def follow(scene: Scene) -> list[set[str]]:
    """Do the first thing that can be done, again and again; returns the causes that stood in each round."""
    rounds: list[set[str]] = []
    while True:
        told = scene.application.diagnosis(VIN, scene.asked)
        rounds.append({cause["code"] for cause in told["causes"]})
        if not told["actions"]:
            assert (told["verdict"], told["error"]) == ("ok", None), (scene.played, told)
            return rounds
        assert len(rounds) <= MOST_ROUNDS, (scene.played, told)
        _act(scene, told["actions"])
        scene.clock.shift(11)
        scene.use()


def _act(scene: Scene, actions: list[dict[str, Any]]) -> None:
    action = first_playable(actions)
    if action:
        PLAYS[action["code"]](scene, action)
    else:
        action = actions[0]
        BY_ITSELF[action["code"]][1](scene)
    scene.played.append(action["code"])


def works(scene: Scene) -> bool:
    scene.clock.shift(11)
    return scene.application.lock(VIN).status == scene.application.get(VIN, "battery").status == 200


@pytest.mark.parametrize("causes", [(cause,) for cause in SITUATIONS], ids=lambda causes: causes[0])
def test_every_fault_has_a_way_out(scene: Scene, causes: Pair) -> None:
    bring_about(scene, causes)
    assert set(causes) <= follow(scene)[0]
    assert works(scene)


def test_a_new_rule_or_action_needs_a_way_out_here() -> None:
    assert set(SITUATIONS) == set(ACTIONS) == {rule.code for rule in RULES} | {"not_requested"}
    codes = {row.code for rows in ACTIONS.values() for row in rows}
    assert codes == {*PLAYS, *BY_ITSELF, "ask_owner"}
