"""The guide through removing access at Tesla: when it comes, whom it names, and that it ticks only what was seen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from connect.models import Step
from tests.connect.conftest import Journey, answer_of, query_of
from tests.factories import EVERY_SCOPE, ApplicationFactory, VehicleGrantFactory
from vehicles.models import TeslaAccount, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ScenarioPerson
from vehicles.tesla.simulator.server import SimulatorServer

FEW = ["vehicle_device_data"]


@pytest.fixture
def missing(journey: Journey, bernd: ScenarioPerson, simulator: SimulatorServer) -> Journey:
    """A required permission is missing, and Tesla will not ask for it again."""
    simulator.world.provider.asks_for_missing_scopes = False
    journey.authorize(scope="required:control_security read_odometer read_location")
    journey.sign_in(bernd.email, FEW)
    return journey


@pytest.fixture
def at_the_guide(missing: Journey) -> Journey:
    """The short way was tried, and failed."""
    missing.return_from_tesla(missing.tesla.open(missing.post("sign-in").headers["Location"]))
    return missing


def state_of(journey: Journey) -> dict[str, Any]:
    return dict(journey.client.get(f"{journey.page}/removal/state").json())


def remove_access(simulator: SimulatorServer, person: ScenarioPerson) -> None:
    world = simulator.world
    account = world.accounts[person.email]
    assert world.operator is not None and world.remove_consent(account, world.operator.client_id)


def later(seconds: float = 6) -> Any:
    return time_machine.travel(timezone.now() + timedelta(seconds=seconds), tick=True)


def test_the_short_way_comes_first_and_asks_tesla_for_what_is_missing(missing: Journey) -> None:
    page = missing.look()
    assert 'id="tesla-button"' in page and "Tesla brought you back" not in page

    again = query_of(missing.post("sign-in").headers["Location"])
    assert again["prompt_missing_scopes"] == ["true"] and "vehicle_cmds" in again["scope"][0]


def test_the_guide_comes_by_itself_when_tesla_brings_back_the_same(at_the_guide: Journey) -> None:
    assert at_the_guide.run.asked_in_vain
    assert at_the_guide.client.get(at_the_guide.page).headers["Location"] == f"{at_the_guide.page}/removal"


def test_a_return_with_more_is_not_in_vain(missing: Journey, simulator: SimulatorServer) -> None:
    simulator.world.provider.asks_for_missing_scopes = True
    again = missing.post("sign-in").headers["Location"]
    missing.return_from_tesla(missing.tesla.allow(again, [*FEW, "vehicle_location"]))

    assert not missing.run.asked_in_vain and "tesla-button" in missing.look()


def test_another_account_with_the_same_boxes_is_not_in_vain(missing: Journey, anna: ScenarioPerson) -> None:
    again = missing.post("another-account").headers["Location"]
    missing.return_from_tesla(missing.tesla.connect(again, anna.email, FEW))

    assert not missing.run.asked_in_vain


def test_where_the_rest_can_be_approved_the_guide_is_offered_and_not_forced(
    journey: Journey, bernd: ScenarioPerson, simulator: SimulatorServer
) -> None:
    simulator.world.provider.asks_for_missing_scopes = False
    journey.authorize()
    journey.sign_in(bernd.email, FEW)
    journey.return_from_tesla(journey.tesla.open(journey.post("sign-in").headers["Location"]))

    page = journey.look()
    assert "approval-button" in page and "Show the three steps" in page
    assert "code" in answer_of(journey.approve())


def test_nothing_is_ticked_before_it_was_seen(at_the_guide: Journey) -> None:
    with later():
        page = at_the_guide.client.get(f"{at_the_guide.page}/removal").content.decode()
        assert page.count('data-seen="false"') == 3 and 'data-seen="true"' not in page
        assert state_of(at_the_guide) == {
            "removed": False,
            "text": "Waiting until Tesla says that access was removed.",
        }


def test_the_steps_tick_once_tesla_refuses_the_login(
    at_the_guide: Journey, simulator: SimulatorServer, bernd: ScenarioPerson
) -> None:
    remove_access(simulator, bernd)
    with later():
        assert state_of(at_the_guide)["removed"] is True
        page = at_the_guide.client.get(f"{at_the_guide.page}/removal").content.decode()

    assert page.count('data-seen="true"') == 3 and "check-button" not in page
    assert TeslaAccount.objects.get().consent == "revoked"


def test_a_tesla_that_does_not_answer_ticks_nothing(
    at_the_guide: Journey, simulator: SimulatorServer, bernd: ScenarioPerson
) -> None:
    remove_access(simulator, bernd)
    simulator.world.faults.add({"match": {"path": "/oauth2/v3/token"}, "status": 503})
    with later():
        assert state_of(at_the_guide)["removed"] is False


def test_looking_costs_tesla_one_token_refresh_every_few_seconds_and_no_other_call(
    at_the_guide: Journey, simulator: SimulatorServer
) -> None:
    before = len(simulator.world.calls.since(0))
    with later():
        for _ in range(5):
            state_of(at_the_guide)

    calls = simulator.world.calls.since(0)[before:]
    assert [call["path"] for call in calls] == ["/oauth2/v3/token"]


def test_the_applications_that_pause_are_named_before_anything_is_removed(
    at_the_guide: Journey,
) -> None:
    account = TeslaAccount.objects.get()
    VehicleGrantFactory(
        account=account, application=ApplicationFactory(name="Diary"), approved=["read_odometer"]
    )
    VehicleGrantFactory(
        account=account, application=ApplicationFactory(name="Old Book"), integration="legacy"
    )
    VehicleGrantFactory(application=ApplicationFactory(name="Of somebody else"))

    page = at_the_guide.client.get(f"{at_the_guide.page}/removal").content.decode()

    assert "This pauses as well: Diary<" in page
    assert page.index('id="pausing"') < page.index('class="numbered guide"')
    assert "Old Book" not in page and "Of somebody else" not in page


def test_the_link_leads_to_the_operators_consent_and_back_to_the_guide(
    at_the_guide: Journey, settings: Any
) -> None:
    page = at_the_guide.client.get(f"{at_the_guide.page}/removal").content.decode()
    link = page.split('id="tesla-apps-link" href="')[1].split('"')[0].replace("&amp;", "&")

    assert "/user/revoke/consent?" in link
    assert query_of(link) == {
        "revoke_client_id": [settings.TESLA_CLIENT_ID],
        "back_url": [f"{settings.PUBLIC_URL}{at_the_guide.page}/removal"],
    }


def test_every_drawing_is_described_for_those_who_cannot_see_it(at_the_guide: Journey) -> None:
    page = at_the_guide.client.get(f"{at_the_guide.page}/removal").content.decode()

    assert page.count('role="img" aria-label="Drawing: ') == 3


def test_after_the_removal_the_run_sends_the_person_to_tesla_and_nothing_can_be_approved(
    at_the_guide: Journey, simulator: SimulatorServer, bernd: ScenarioPerson
) -> None:
    remove_access(simulator, bernd)
    with later():
        state_of(at_the_guide)
    assert "Tesla no longer gives us access" in at_the_guide.look()
    at_the_guide.post("approve", vehicles=["x"], permissions=["read_odometer"])
    assert not VehicleGrant.objects.exists()

    again = at_the_guide.post("sign-in").headers["Location"]
    at_the_guide.return_from_tesla(at_the_guide.tesla.allow(again, EVERY_SCOPE))

    assert not at_the_guide.run.asked_in_vain
    assert "code" in answer_of(at_the_guide.approve())
    assert VehicleGrant.objects.get().approved == ["control_security", "read_odometer", "read_location"]


def test_the_same_boxes_again_after_a_removal_were_asked_for_and_not_in_vain(
    at_the_guide: Journey, simulator: SimulatorServer, bernd: ScenarioPerson
) -> None:
    remove_access(simulator, bernd)
    with later():
        state_of(at_the_guide)
    again = at_the_guide.post("sign-in").headers["Location"]
    at_the_guide.return_from_tesla(at_the_guide.tesla.allow(again, FEW))

    assert not at_the_guide.run.asked_in_vain and "tesla-button" in at_the_guide.look()


@pytest.mark.parametrize("path", ["removal", "removal/state"])
def test_another_browser_sees_nothing(at_the_guide: Journey, path: str) -> None:
    assert Client().get(f"{at_the_guide.page}/{path}").status_code == 403


def test_a_run_that_moved_on_has_no_guide(journey: Journey, bernd: ScenarioPerson) -> None:
    journey.authorize()
    journey.post("begin")
    assert journey.client.get(f"{journey.page}/removal").headers["Location"] == journey.page
    journey.sign_in(bernd.email)
    journey.approve()

    assert journey.run.step == Step.DONE
    assert journey.client.get(f"{journey.page}/removal").headers["Location"] == journey.page
    assert journey.client.get(f"{journey.page}/removal/state").status_code == 404
