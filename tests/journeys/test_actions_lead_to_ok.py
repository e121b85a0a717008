"""Whoever does what a diagnosis says, through the link it names, ends with a car that works; whatever was wrong.

The cells are those of the fact matrix, as far as one person, one car and one application can bring them about: every
cause alone and every two that stand together there. From the first diagnosis on nobody pulls strings at Tesla but for
what a person does in the car (`ways_out.IN_THE_CAR`) and what ends a wait (`ways_out.BY_ITSELF`).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from tests.factories import UserFactory
from tests.journeys import edges
from tests.journeys.people import EVERYTHING, Consumer, Owner
from tests.journeys.situations import DECLINED, NEVER_ASKED, SITUATIONS, VIN, Scene, bring_about
from tests.journeys.ways_out import BY_ITSELF, PLAYS, first_playable
from tests.vehicles.test_diagnosis_matrix import EITHER, LOCK, READ, cells, few_cells
from vehicles.diagnosis import RULES, Access, Consent, MissingReason, diagnose
from vehicles.diagnosis.actions import ACTIONS
from vehicles.models import VehicleGrant

MOST_ROUNDS: Final = 6
ROLES: Final = ("owner", "driver")
Pair = tuple[str, ...]

_OF_FLEET_ONLY: Final = "What goes over the older interface rests neither on Tesla's boxes nor on a consent."
_NOT_HELD_UP: Final = "What goes over the older interface is not held up by an incident of the Fleet API."
_LEGACY: Final = ("legacy_cannot_sign", "legacy_closed")
UNREACHABLE: Final[dict[frozenset[str], str]] = {
    **{
        frozenset((cause, legacy)): _OF_FLEET_ONLY
        for cause in ("not_granted_at_tesla", "withdrawn_at_tesla", "consent_revoked")
        for legacy in _LEGACY
    },
    **{
        frozenset((cause, legacy)): _NOT_HELD_UP
        for cause in ("operator_fault", "provider_incident")
        for legacy in _LEGACY
    },
}
"""Pairs of the matrix that one person and one application cannot bring about or leave behind, with the reason."""


def pairs_of_matrix() -> list[Pair]:
    """Every two causes that stand together in some cell, for a call that asks for nothing or for one permission."""
    found = {cause: place for place, cause in enumerate(SITUATIONS)}
    pairs: set[Pair] = set()
    for facts, asleep, declines in itertools.product(few_cells(), EITHER, EITHER):
        more = {DECLINED: MissingReason.DECLINED_IN_CONNECT} if declines else {}
        given = replace(
            facts, asleep=asleep, missing={**facts.missing, **more}, granted=facts.granted - more.keys()
        )
        for asked in (None, READ, LOCK, DECLINED, NEVER_ASKED):
            causes = [cause.code for cause in diagnose(given, asked=asked).causes]
            pairs.update(itertools.combinations(sorted(causes, key=lambda code: found[code]), 2))
    return sorted(pairs)


PAIRS: Final = pairs_of_matrix()


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
    staff.force_login(user)
    control("PATCH", "/accounts/anna@owners.example", {"vehicles": [{"vin": VIN, "access_type": "OWNER"}]})
    is_driver = request.node.callspec.params.get("role") == "driver"
    with time_machine.travel(timezone.now(), tick=True) as clock:
        yield Scene(owner("anna"), owner("clara"), application, control, staff, clock, is_driver=is_driver)


def follow(scene: Scene) -> list[set[str]]:
    """Do the first thing that can be done, again and again; returns the causes that stood in each round."""
    rounds: list[set[str]] = []
    while True:
        told = scene.application.diagnosis(VIN, scene.asked)
        rounds.append({cause["code"] for cause in told["causes"]})
        if not told["actions"]:
            assert (told["verdict"], told["error"]) == ("ok", None), (scene.played, told)
            return rounds
        if len(rounds) > MOST_ROUNDS:
            pytest.fail(
                f"done {scene.played}, and still {rounds[-1]}. Where one thing was done again and again, its cause has "
                f"no row of _SECOND_LOOKS in vehicles/pairing.py. {told}"
            )
        edges.tell_alike(scene)
        _act(scene, told["actions"])
        scene.clock.shift(11)
        scene.use()


def _act(scene: Scene, actions: list[dict[str, Any]]) -> None:
    action = first_playable(actions, scene.played)
    if action:
        PLAYS[action["code"]](scene, action)
    else:
        action = actions[0]
        BY_ITSELF[action["code"]][1](scene)
    scene.played.append(action["code"])


def works(scene: Scene) -> bool:
    scene.clock.shift(11)
    return scene.application.lock(VIN).status == scene.application.get(VIN, "battery").status == 200


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("causes", [(cause,) for cause in SITUATIONS], ids=lambda causes: causes[0])
def test_every_fault_has_a_way_out(scene: Scene, causes: Pair, role: str) -> None:
    bring_about(scene, causes)
    assert set(causes) <= follow(scene)[0]
    assert works(scene)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "causes", [("not_requested",), ("declined_in_connect",)], ids=lambda causes: causes[0]
)
def test_the_link_of_a_permission_error_leads_to_the_permission(
    scene: Scene, causes: Pair, role: str
) -> None:
    bring_about(scene, causes)
    refused = edges.call(scene)
    assert refused.error == "PERMISSION:null"
    PLAYS["connect_again"](scene, {"url": refused.cure})
    assert edges.call(scene).error != "PERMISSION:null"


def test_nobody_is_sent_to_teslas_key_page_who_cannot_add_a_key_there() -> None:
    """It takes the owner only, and only who has consented."""
    for facts in cells():
        leads_nowhere = facts.access is Access.DRIVER or facts.consent is Consent.REVOKED
        if leads_nowhere:
            assert "pairing" not in {action.link for action in diagnose(facts).actions}, facts


@pytest.mark.slow
@pytest.mark.parametrize(
    "causes", [pair for pair in PAIRS if frozenset(pair) not in UNREACHABLE], ids=" and ".join
)
def test_every_two_faults_together_have_a_way_out(scene: Scene, causes: Pair) -> None:
    """While a call is refused for one of them Tesla is not asked, so that the other may be seen only later."""
    bring_about(scene, causes)
    assert set(causes) & follow(scene)[0]
    assert works(scene)


@pytest.mark.parametrize("causes", [("vehicle_missing",)], ids=["sold"])
def test_who_sold_the_car_disconnects_it_behind_the_link(scene: Scene, causes: Pair) -> None:
    bring_about(scene, causes)
    [action] = scene.application.diagnosis(VIN)["actions"]
    browser = scene.person.browser.open(action["url"]).press("continue-button")
    scene.person.at_tesla()
    grant = VehicleGrant.objects.get(connection__vehicle__vin=VIN)
    browser.post("/connect/account/take-away", grant=str(grant.pk)).press("confirm-button")
    assert scene.application.get(VIN, "battery").error == "PERMISSION:null"


def test_a_new_rule_or_action_needs_a_way_out_here() -> None:
    causes = {rule.code for rule in RULES} | {"not_requested"}
    assert set(ACTIONS) == causes, "a row of ACTIONS in vehicles/diagnosis/actions.py for each"
    assert set(SITUATIONS) == causes, "a row of SITUATIONS in tests/journeys/situations.py for each"
    codes = {row.code for rows in ACTIONS.values() for row in rows}
    played = {*PLAYS, *BY_ITSELF, "ask_owner"}
    assert codes == played, "a row of PLAYS or BY_ITSELF in tests/journeys/ways_out.py for each action"
    assert set(UNREACHABLE) <= set(map(frozenset, PAIRS))
