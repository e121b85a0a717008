"""Texts from Tesla are cleaned where they come in, whatever field they stand in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vehicles.api.answering_tesla import AnsweringTesla
from vehicles.tesla import client, errors, texts, transport

ODD = "Bo\ud800b\x00\x07\u202e\u2066 \x9f\ufeff!"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Red Baron", "Red Baron"),
        ("Rotkäppchen 🚗 赤", "Rotkäppchen 🚗 赤"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("half \ud83d", "half "),
        ("half \ude97 too", "half  too"),
        ("nul\x00", "nul"),
        ("two\r\nlines\tand tab\u2028", "two lines and tab "),
        ("abc\u202edcba\u202c", "abcdcba"),
        ("\x1b[31mred", "[31mred"),
        ("x" * 100_000, "x" * texts.MOST),
    ],
)
def test_what_cannot_be_stored_or_shown_is_taken_out(text: str, told: str) -> None:
    assert texts.clean(text) == told


ANYTHING = st.text(st.characters(categories=None))


@given(st.recursive(ANYTHING, lambda inner: st.lists(inner) | st.dictionaries(ANYTHING, inner)))
def test_any_text_can_be_sent_and_stored_once_it_is_in(value: object) -> None:
    sent = json.dumps(texts.cleaned(json.loads(json.dumps(value))), ensure_ascii=False)
    assert "\\u0000" not in sent
    assert sent.encode().decode() == sent


def test_every_answer_comes_through_that_door() -> None:
    with AnsweringTesla() as tesla:
        tesla.answers["/vehicles"] = (200, {"response": [{"vin": "V", "display_name": ODD, "state": ODD}]})
        car = client.vehicles(tesla.url, "t")[0]
        assert (car.display_name, car.state) == ("Bob !", "Bob !")
        tesla.answers["/me"] = (200, {"response": {"email": ODD, ODD: [ODD]}})
        assert client.profile(tesla.url, "t") == {"email": "Bob !", "Bob !": ["Bob !"]}
        tesla.answers["/lock"] = (200, {"response": {"result": False, "reason": ODD}})
        assert client.command(tesla.url, "t", "V", "lock", {}).reason == "Bob !"
        tesla.answers["/me"] = (400, {"error": ODD})
        with pytest.raises(errors.BadRequest) as refused:
            client.profile(tesla.url, "t")
        assert refused.value.text == "Bob !"
        tesla.answers["/me"] = (200, json.loads("[" * 500 + "]" * 500))
        with pytest.raises(errors.Unintelligible):
            client.profile(tesla.url, "t")


def test_a_refusal_that_is_no_json_is_cleaned_too() -> None:
    assert transport.words(None, b"<p>\x00no\x1b</p>") == "<p>no</p>"


@pytest.mark.parametrize(
    "body", [b"", b"[" * 200_000, b'{"a":' * 200_000, b"1" * 100_000, b"\xff\xfe", b"<p>"]
)
def test_a_body_that_no_reader_of_json_takes_is_none_and_no_crash(body: bytes) -> None:
    assert transport.read_json(body) is None
