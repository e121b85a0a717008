"""An application's colour stays readable, whatever it is."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from connect.views import theme
from tests.factories import ApplicationFactory

COLOURS = ["#000000", "#ffffff", "#ffff00", "#1f4fd8", "#0f766e", "#e11d48", "#777777", "#ff8800"]


def _parse(value: str) -> tuple[int, int, int]:
    return int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)


@pytest.mark.parametrize("colour", COLOURS)
def test_text_on_it_and_in_it_can_be_read_in_light_and_dark(colour: str) -> None:
    light, dark = theme.stylesheet(colour[1:]).split("@media")

    for sheet, ground in ((light, "#ffffff"), (dark, "#171c23")):
        found = {name: _parse(value) for name, value in re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", sheet)}
        assert theme.contrast(found["accent"], found["on-accent"]) >= 4.4
        assert theme.contrast(found["accent-text"], _parse(ground)) >= 4.5


def test_a_page_links_the_stylesheet_of_its_application(client: Client, db: None) -> None:
    application = ApplicationFactory(colour="#e11d48")
    query = f"response_type=code&client_id={application.client_id}&redirect_uri=https://example.com/auth"
    page = client.get(f"/oauth/authorize?{query}", follow=True).content.decode()

    assert 'href="/connect/colour/e11d48.css"' in page
    answer = client.get("/connect/colour/e11d48.css")
    assert answer["Content-Type"].startswith("text/css") and "#e11d48" in answer.content.decode()


def test_nothing_but_a_colour_makes_a_stylesheet(client: Client, db: None) -> None:
    assert client.get("/connect/colour/red}*{.css").status_code == 404
