"""A link that tells one person what to do for which car; each step is ticked when it is seen to be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import urllib3
from django.utils import timezone

from connect.links import fix_link
from connect.models import FixLink
from tests.journeys.people import EVERYTHING, Consumer, Owner
from vehicles.models import Event, VehicleGrant
from vehicles.tesla.simulator.samples.scenarios import ANNAS_MODEL_3, ANNAS_MODEL_Y, DIETERS_MODEL_3


@pytest.fixture
def anna(owner: Callable[[str], Owner]) -> Owner:
    """Two cars, no key on either."""
    return owner("anna")


@pytest.fixture
def application(consumer: Callable[..., Consumer], anna: Owner) -> Consumer:
    """Connected to both of Anna's cars."""
    registered = consumer(name="Charging")
    anna.connect(registered)
    return registered


def link_from(application: Consumer, vin: str) -> str:
    answer = application.post(vin, "tesla/fix")
    assert answer.status == 200, answer.body
    assert answer.body["expiresAt"].endswith("Z")
    return str(answer.body["url"])


def open_steps(person: Owner, url: str) -> list[str]:
    person.browser.open(url)
    return re.findall(r'data-step="[^"]*:(\w+)" data-seen="false"', person.browser.text)


def links(person: Owner) -> list[str]:
    found = re.findall(
        r'href="([^"]+)" (?:target="_blank" rel="noopener noreferrer"|data-share)>', person.browser.text
    )
    return [link.replace("&amp;", "&") for link in found]


def test_an_owner_follows_it_until_every_car_takes_commands(
    anna: Owner, application: Consumer, later: Any
) -> None:
    url = link_from(application, ANNAS_MODEL_3)
    assert open_steps(anna, url) == ["add_key", "add_key"]
    for link in links(anna):
        assert anna.add_key(link).has("pairing-done")
    with later(seconds=11):
        assert open_steps(anna, url) == []
        assert anna.browser.text.count("Everything works.") == 2
        assert anna.browser.text.count('data-seen="true"') == 2
        assert application.lock(ANNAS_MODEL_3).status == application.lock(ANNAS_MODEL_Y).status == 200


def test_removed_access_is_mended_without_being_sent_to_the_application(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer]
) -> None:
    dieter, application = owner("dieter"), consumer()
    dieter.connect(application)
    dieter.remove_access()
    assert application.lock(DIETERS_MODEL_3).status == 400
    url = link_from(application, DIETERS_MODEL_3)
    assert open_steps(dieter, url) == ["connect_again"]
    dieter.browser.open(links(dieter)[0]).press("continue-button")
    dieter.at_tesla()
    if dieter.browser.has("approval-button"):
        dieter.browser.press("approval-button")
    assert application.lock(DIETERS_MODEL_3).status == 200
    assert open_steps(dieter, url) == []


def test_a_driver_passes_a_link_on_by_which_the_application_gets_nothing_of_the_owners(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer], anna: Owner
) -> None:
    clara, application = owner("clara"), consumer()
    clara.connect(application)
    url = link_from(application, ANNAS_MODEL_3)
    assert open_steps(clara, url) == ["ask_owner"]
    [passed_on] = links(clara)
    assert "/connect/owner/" in passed_on
    assert "Link for the owner" in clara.browser.text and ">Open<" not in clara.browser.text
    assert anna.browser.open(passed_on).has("continue-button")
    assert "gets nothing of yours" in anna.browser.text


def test_a_driver_who_connected_long_ago_has_a_link_to_pass_on_as_well(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer], anna: Owner, later: Any
) -> None:
    clara, application = owner("clara"), consumer()
    clara.connect(application)
    with later(days=30):
        clara.browser.open(fix_link.address(_link_for_the_person_behind(VehicleGrant.objects.get())))
        [passed_on] = links(clara)
        anna.browser.open(passed_on).press("continue-button")
        anna.at_tesla(["vehicle_device_data"])
        assert anna.add_key(anna.browser.page.links["pairing-link"]).has("pairing-done")


def _link_for_the_person_behind(grant: VehicleGrant) -> FixLink:
    """As staff make one."""
    return fix_link.make(
        grant.connection.application, grant.account.person, actor="staff:1", now=timezone.now()
    )


def test_nothing_can_be_read_from_the_address(application: Consumer) -> None:
    url = link_from(application, ANNAS_MODEL_3)
    assert ANNAS_MODEL_3 not in url and "anna" not in url
    assert application.ids[ANNAS_MODEL_3] not in url


def test_it_shows_only_what_was_granted_to_the_application_that_made_it(
    anna: Owner, application: Consumer, consumer: Callable[..., Consumer]
) -> None:
    small = consumer(name="Small")
    vehicles = application.ids
    anna.to_permissions(small, EVERYTHING)
    one, *_ = re.findall(r'name="vehicles" value="([^"]+)"', anna.browser.text)
    anna.finish(small, vehicles=[one])
    [vin] = small.ids
    other = next(each for each in vehicles if each != vin)
    anna.browser.open(link_from(small, vin))
    assert vin[-4:] in anna.browser.text
    assert other[-4:] not in anna.browser.text


def test_a_token_for_one_car_makes_a_link_for_that_car_only(anna: Owner, application: Consumer) -> None:
    url = application.authorize_url(
        single_select="true", single_select_vin=ANNAS_MODEL_Y, approval_prompt="force"
    )
    anna.to_permissions(application, url=url)
    anna.finish(application)
    assert list(application.ids) == [ANNAS_MODEL_Y]
    anna.browser.open(link_from(application, ANNAS_MODEL_Y))
    assert ANNAS_MODEL_Y in anna.browser.text
    assert ANNAS_MODEL_3[-4:] not in anna.browser.text


def test_a_car_that_the_application_may_not_know_is_not_named(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer]
) -> None:
    dieter, narrow = owner("dieter"), consumer()
    dieter.connect(narrow, ["read_odometer", "control_security"])
    [vehicle] = narrow.call("GET", "/v2.0/vehicles").body["vehicles"]
    url = narrow.call("POST", f"/v2.0/vehicles/{vehicle}/tesla/fix").body["url"]
    dieter.browser.open(url)
    assert "Your car" in dieter.browser.text
    assert DIETERS_MODEL_3[-4:] not in dieter.browser.text


def test_an_altered_an_expired_and_a_withdrawn_link_show_nothing(
    anna: Owner, application: Consumer, later: Any
) -> None:
    url = link_from(application, ANNAS_MODEL_3)
    assert anna.browser.open(url[:-1] + ("a" if url[-1] != "a" else "b")).status == 404
    with later(days=8):
        assert anna.browser.open(url).status == 410
        assert ANNAS_MODEL_3[-4:] not in anna.browser.text
    FixLink.objects.update(withdrawn_at=FixLink.objects.get().created_at)
    assert anna.browser.open(url).status == 410
    assert anna.browser.open(f"{url}/state").status == 404


def test_the_page_carries_a_support_code_and_cannot_be_framed(anna: Owner, application: Consumer) -> None:
    url = link_from(application, ANNAS_MODEL_3)
    anna.browser.open(url)
    code = FixLink.objects.get().support_code
    assert f"{code[:4]}-{code[4:]}" in anna.browser.text
    answer = urllib3.request("GET", url)
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert anna.browser.has("check-button")
    assert "csrf" not in anna.browser.text


def manage(application: Consumer, body: dict[str, str], token: str) -> Any:
    headers = urllib3.make_headers(basic_auth=f"default:{token}")
    return urllib3.request(
        "POST", f"{application.portal_url}/v2.0/management/fix-links", json=body, headers=headers
    )


def test_an_application_makes_one_for_any_of_its_users(
    anna: Owner, application: Consumer, consumer: Callable[..., Consumer]
) -> None:
    from portal import application_credentials
    from vehicles.models import Application

    row = Application.objects.get(client_id=application.client_id)
    token = application_credentials.new_management_token(row).management_token
    user = application.call("GET", "/v2.0/user").body["id"]
    by_user = manage(application, {"userId": user}, token)
    assert by_user.status == 200
    by_vehicle = manage(application, {"vehicleId": application.ids[ANNAS_MODEL_3]}, token)
    assert len(open_steps(anna, by_vehicle.json()["url"])) == 2
    assert manage(application, {}, token).status == 400
    assert manage(application, {"userId": application.ids[ANNAS_MODEL_3]}, token).status == 400
    assert manage(application, {"userId": user}, "wrong").status == 401
    assert Event.objects.filter(kind="fix_link:made").count() == 2


def test_what_pauses_as_well_is_named_to_the_person_and_to_nobody_else(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer]
) -> None:
    dieter, application = owner("dieter"), consumer(name="Charging")
    dieter.connect(application, tick=["vehicle_device_data"])
    dieter.connect(consumer(name="Night Watch"), ["read_odometer"])
    url = link_from(application, DIETERS_MODEL_3)

    assert "remove_access_at_tesla" in open_steps(dieter, url)
    assert "This pauses as well: Night Watch" in dieter.browser.text
    stranger = owner("anna")
    assert "remove_access_at_tesla" in open_steps(stranger, url)
    assert "Night Watch" not in stranger.browser.text
    assert "This pauses everything that you connected through" in stranger.browser.text


def test_two_devices_that_open_the_page_at_once_forget_no_step(
    anna: Owner, application: Consumer, now: datetime
) -> None:
    anna.browser.open(link_from(application, ANNAS_MODEL_3))
    one, other = FixLink.objects.get(), FixLink.objects.get()
    FixLink.objects.update(steps={}, opened_at=None)
    one.steps, one.opened_at, other.steps, other.opened_at = {}, None, {}, None
    fix_link.cars(one, now)
    FixLink.objects.update(
        steps={**FixLink.objects.get().steps, "done": {"grant": "", "text": "", "phone": False}}
    )
    fix_link.cars(other, now)
    assert "done" in FixLink.objects.get().steps


def test_what_is_done_for_the_account_stands_there_once(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer]
) -> None:
    anna, application = owner("anna"), consumer(name="Charging")
    anna.connect(application)
    anna.remove_access()
    assert application.get(ANNAS_MODEL_3, "odometer").status == 400
    url = fix_link.address(_link_for_the_person_behind(VehicleGrant.objects.all()[0]))
    assert open_steps(anna, url).count("connect_again") == 1
    assert anna.browser.text.count("counts for this car as well") == 1
    assert "Everything works" not in anna.browser.text
    anna.browser.open(links(anna)[0]).press("continue-button")
    anna.at_tesla()
    if anna.browser.has("approval-button"):
        anna.browser.press("approval-button")
    assert "connect_again" not in open_steps(anna, url)
