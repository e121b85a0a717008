"""Where a diagnosis is told beside its own endpoint: the error of a call, the grant's staff page, the fix-it page."""

from __future__ import annotations

import re
from html import unescape
from typing import Any, Final

from tests.journeys.people import Answer
from tests.journeys.situations import DECLINED, KEY, NEVER_ASKED, VIN, Scene
from tests.portal.screens import page_of
from vehicles.models import Integration, VehicleGrant

_CALLS: Final = {
    KEY: lambda scene: scene.application.lock(VIN),
    "read_battery": lambda scene: scene.application.get(VIN, "battery"),
    DECLINED: lambda scene: scene.application.post(VIN, "navigation/destination", latitude=1, longitude=1),
    NEVER_ASKED: lambda scene: scene.application.get(VIN, "tires/pressure"),
}
"""A call for each permission that a scene asks about."""
_TELLS_NOTHING_OF_THE_CAR: Final = "PERMISSION:null"


def call(scene: Scene) -> Answer:
    """What the application gets that uses the permission which the scene is about."""
    answer: Answer = _CALLS[scene.asked](scene)
    return answer


def tell_alike(scene: Scene) -> None:
    """Whatever the diagnosis hands to somebody, the other edges hand to them as well, and nothing else."""
    error = call(scene)
    asked = scene.application.diagnosis(VIN, scene.asked)
    if error.cure and error.error != _TELLS_NOTHING_OF_THE_CAR:
        assert error.cure in [action["url"] for action in asked["actions"]], (error.body, asked)
    told = scene.application.diagnosis(VIN)
    assert _on_staff_page(scene) == [
        (action["actor"].capitalize(), action["text"], action["url"] or "") for action in told["actions"]
    ]
    assert set(_on_fix_page(scene)) == {
        action["url"] for action in told["actions"] if action["actor"] == _role(scene) and _stays(action)
    }


def _role(scene: Scene) -> str:
    return "driver" if scene.is_driver else "owner"


def _stays(action: dict[str, Any]) -> bool:
    """Not through the application's Connect, for there a page of ours stands in: signing in ends on it."""
    return bool(action["url"]) and "/oauth/" not in action["url"]


def _grant(scene: Scene) -> VehicleGrant:
    grants = VehicleGrant.objects.active().filter(connection__public_id=scene.vehicle_id)
    return grants.filter(integration=Integration.FLEET).first() or grants.get()


def _on_staff_page(scene: Scene) -> list[tuple[str, str, str]]:
    """Actor, sentence and address of each action."""
    text = scene.staff.get(page_of(_grant(scene))).content.decode()
    found = re.search(r'<ol class="cp-actions">(.*?)</ol>', text, re.DOTALL)
    rows = re.findall(r"<li>(.*?)</li>", found[1], re.DOTALL) if found else []
    return [(_part("strong", row), _part("span", row), _part("a", row)) for row in rows]


def _part(tag: str, row: str) -> str:
    found = re.search(rf"<{tag}[^>]*>(.*?)(?:<em>.*?</em>)?</{tag}>", row, re.DOTALL)
    return unescape(found[1]).strip() if found else ""


def _on_fix_page(scene: Scene) -> list[str]:
    answer = scene.application.post(VIN, "tesla/fix")
    text = scene.person.browser.open(answer.body["url"]).text
    found = re.findall(r'href="([^"]+)" (?:target="_blank" rel="noopener noreferrer"|data-share)', text)
    return [unescape(each) for each in found if "/oauth/" not in each]
