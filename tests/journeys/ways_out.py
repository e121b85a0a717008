"""How each action of a diagnosis is carried out, by its actor, through the link that it names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.test import Client

from tests.journeys.browser import PageReader
from tests.journeys.people import Owner
from tests.journeys.situations import NEVER_ASKED, VIN, Scene
from vehicles import tasks

Action = dict[str, Any]
Play = Callable[[Scene, Action], object]


def _adds_the_car(scene: Scene) -> None:
    scene.give_cars(VIN)
    scene.clock.shift(60)


IN_THE_CAR: Final[dict[str, Callable[[Scene], object]]] = {
    "a key is deleted": lambda scene: scene.car(key_slots_used=19),
    "mobile access is switched on": lambda scene: scene.car(mobile_access=True),
    "the car is fetched from service": lambda scene: scene.car(in_service=False),
    "the car is added in the Tesla app": _adds_the_car,
}
"""All that a person does outside of any page: with the car's own screen, or in the Tesla app."""


def _wakes(scene: Scene) -> None:
    scene.car(state="online")
    scene.clock.shift(60)


def _operator_pays(scene: Scene) -> None:
    scene.control("DELETE", "/faults")
    tasks.watch_accounts()


BY_ITSELF: Final[dict[str, tuple[str, Callable[[Scene], object]]]] = {
    "wait": (
        "Tesla answers normally again",
        lambda scene: scene.control("PATCH", "/provider", {"mass_revocation_fault": 0}),
    ),
    "check_developer_account": (
        "the operator puts its developer account at Tesla in order, which the portal notices within a minute",
        _operator_pays,
    ),
    "retry_later": (
        "somebody opens or drives the car, which wakes it",
        _wakes,
    ),
}
"""Waits: actions that nobody here can carry out or hurry, with what ends them."""


def _connects_again(scene: Scene, action: Action) -> None:
    _through_connect(scene, scene.person, action["url"])


def _through_connect(scene: Scene, person: Owner, url: str) -> None:
    """Allow everything, at Tesla and here. Where something else stands in the way the page says so, and that is it."""
    browser = person.to_permissions(scene.application, url=url)
    if browser.has("approval-button") or browser.query.get("code") or browser.has("skip-button"):
        person.finish(scene.application)
    else:
        assert browser.status in (200, 409, 422, 502, 503), (browser.status, browser.text[:3000])


def _signs_in_again(scene: Scene, action: Action) -> None:
    """By car: back at the application, without a code. By make: a page of ours is the end."""
    browser = scene.person.browser.open(action["url"]).press("continue-button")
    scene.person.at_tesla()
    if browser.has("approval-button"):
        browser.press("approval-button")
    while browser.has("skip-button"):
        browser.press("skip-button")
    assert browser.status in (0, 200), (browser.address, browser.text[:3000])


def _removes_access(scene: Scene, action: Action) -> None:
    scene.person.browser.open(action["url"])
    assert scene.person.sign_in().press("remove-access-button").has("access-removed")


def _adds_the_key(scene: Scene, action: Action) -> None:
    """The owner in person: through Tesla's page, or behind the link that a driver passed on."""
    if "/connect/owner/" in action["url"]:
        page = scene.owner.browser.open(action["url"])
        if page.has("continue-button"):
            page.press("continue-button")
            scene.owner.at_tesla()
        action = {"url": page.page.links["pairing-link"]}
    assert scene.owner.add_key(action["url"]).has("pairing-done"), scene.owner.browser.text


def _application_asks(scene: Scene, action: Action) -> None:
    """A new link, with the permission in its scope."""
    scene.scope = (*scene.scope, NEVER_ASKED)
    _through_connect(scene, scene.person, scene.application.authorize_url(scene.scope))


def _resumes(scene: Scene, action: Action) -> None:
    path = _path(action["url"])
    form = PageReader(scene.staff.get(path).content.decode())
    sent = next(dict(found.fields) for found in form.forms.values() if "paused" in dict(found.fields))
    fields = {name: value for name, value in sent.items() if name != "paused"}
    assert scene.staff.post(path, fields).status_code == 302


def _releases(scene: Scene, action: Action) -> None:
    """As it says there, once Tesla answers normally."""
    BY_ITSELF["wait"][1](scene)
    for link in _links(scene.staff, _path(action["url"])):
        if "/incident/" in link and link.endswith("/change/"):
            assert scene.staff.post(link.replace("/change/", "/end/")).status_code == 302


def _links(staff: Client, path: str) -> list[str]:
    text = staff.get(path).content.decode()
    return [part.partition('"')[0] for part in text.split('href="')[1:]]


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _in_the_car(act: str) -> Play:
    return lambda scene, action: IN_THE_CAR[act](scene)


PLAYS: Final[dict[str, Play]] = {
    "connect_again": _connects_again,
    "reconnect": _signs_in_again,
    "sign_in_again": _signs_in_again,
    "remove_access_at_tesla": _removes_access,
    "add_key": _adds_the_key,
    "connect_and_add_key": _adds_the_key,
    "ask_for_permission": _application_asks,
    "resume": _resumes,
    "release_brake": _releases,
    "remove_a_key": _in_the_car("a key is deleted"),
    "allow_mobile_access": _in_the_car("mobile access is switched on"),
    "wait_for_service": _in_the_car("the car is fetched from service"),
    "check_vehicle_in_account": _in_the_car("the car is added in the Tesla app"),
}
"""Every action that somebody here can carry out. `ask_owner` is not among them: the owner's own action follows it."""


def first_playable(actions: list[Action], played: list[str]) -> Action | None:
    """The first action that somebody here carries out; what a driver passes on to the owner, the owner does.

    Whoever has just removed access at Tesla goes on with the next step, as the sentence says, seen or not.
    """
    removed = "remove_access_at_tesla"
    done = {removed} if played[-1:] == [removed] else set()
    return next((each for each in actions if each["code"] in PLAYS and each["code"] not in done), None)
