"""Why a key does not arrive: what we know decides which reasons are told, and in which order."""

from __future__ import annotations

import pytest

from connect.keys.key_causes import CAUSES, Evidence, likely
from tests.connect.conftest import Journey, answer_of
from vehicles.models import Vehicle
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer


def _told(evidence: Evidence) -> list[str]:
    return [cause.code for cause in likely(evidence)]


def test_knowing_nothing_every_reason_is_told_that_can_be_and_the_app_comes_first() -> None:
    told = _told(Evidence())

    assert told[0] == "other_account"
    assert set(told) == {
        "other_account", "offline", "no_phone_key", "app_too_old", "keys_full", "not_the_owner", "not_registered",
    }  # fmt: skip
    assert told.index("no_phone_key") < told.index("keys_full")


@pytest.mark.parametrize(
    ("evidence", "only"),
    [
        (Evidence(keys=20), "keys_full"),
        (Evidence(offline=True), "offline"),
        (Evidence(remote_access_disabled=True), "remote_access_disabled"),
        (Evidence(cars=2, went_to="Yeti", paired_before=True), "went_to_another_car"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_certain_is_told_alone(evidence: Evidence, only: str) -> None:
    assert _told(evidence) == [only]


def test_what_is_known_not_to_be_is_not_told() -> None:
    told = _told(Evidence(keys=3, offline=False))

    assert not {"keys_full", "offline", "wrong_car", "in_service"} & set(told)


def test_another_car_in_the_app_is_a_reason_only_where_there_is_one() -> None:
    assert "wrong_car" in _told(Evidence(cars=3))
    assert "wrong_car" not in _told(Evidence(cars=1))


def test_where_another_car_was_paired_the_app_is_in_order_and_the_car_is_suspected() -> None:
    told = _told(Evidence(cars=2, paired_before=True, offline=False, keys=3))

    assert told[0] == "wrong_car"
    assert told.index("other_account") > told.index("no_phone_key")
    assert not {"app_too_old", "not_registered"} & set(told)


def test_a_car_in_service_is_suspected_first() -> None:
    assert _told(Evidence(in_service=True))[0] == "in_service"


def test_every_reason_says_what_to_do_next() -> None:
    words = {"car": "Kombi", "account": "a•••@example.com", "went_to": "Yeti", "operator": "Carport"}
    for cause in CAUSES:
        assert str(cause.title) and (str(cause.step) % words).endswith(".")


def test_an_old_model_s_is_not_asked_for_a_key_while_tesla_is_silent(
    journey: Journey, bernd: ScenarioPerson, simulator: SimulatorServer
) -> None:
    simulator.world.faults.add({"match": {"path": "/api/1/vehicles/fleet_status"}, "status": 503})
    journey.authorize()
    journey.sign_in(bernd.email)

    assert "code" in answer_of(journey.approve())
    assert Vehicle.objects.get().key == "not_required"


def test_a_model_3_is_while_tesla_is_silent(
    journey: Journey, anna: ScenarioPerson, simulator: SimulatorServer
) -> None:
    simulator.world.faults.add({"match": {"path": "/api/1/vehicles/fleet_status"}, "status": 503})
    journey.authorize()
    journey.sign_in(anna.email)
    journey.approve()

    assert "Tesla has not told us yet whether the key is on the car." in journey.look()
