"""How long Tesla asks to wait is understood in every form in which it is said, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vehicles.tesla import errors, waits

NOW = 1_790_000_000.0
DATE = "Mon, 21 Sep 2026 14:13:25 GMT"
"""Five seconds after `NOW`."""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": " 7 "}, 7),
        ({"Retry-After": "6.2"}, 7),
        ({"Retry-After": DATE}, 5),
        ({"Retry-After": f"{NOW + 5:.0f}"}, 5),
        ({"RateLimit-Reset": "14692"}, 14692),
        ({"ratelimit-reset": f"{NOW + 5:.0f}"}, 5),
        ({"ratelimit-reset": f"{(NOW + 5) * 1000:.0f}"}, 5),
        ({"ratelimit-reset": f"{NOW + 4.5}"}, 5),
        ({"ratelimit-reset": "2026-09-21T14:13:25Z"}, 5),
        ({"ratelimit-reset": DATE}, 5),
        ({"X-RateLimit-Reset": "30"}, 30),
        ({"x-ratelimit-reset": f"{NOW + 30:.0f}"}, 30),
        ({"RateLimit-Reset-Commands": "12"}, 12),
        ({"RateLimit": "limit=30, remaining=0, reset=12"}, 12),
        ({"RateLimit": '"default";r=0;t=12'}, 12),
        ({"Retry-After": "7", "RateLimit-Reset": "30"}, 7),
        ({"Retry-After": "soon", "RateLimit-Reset": "30"}, 30),
        ({"Retry-After": "7, 9"}, 9),
        # Over already, or in no time: there is still something to wait for, or Tesla would have answered.
        ({"Retry-After": "0"}, 1),
        ({"ratelimit-reset": f"{NOW - 5:.0f}"}, 1),
        # Longer than any limit of Tesla's.
        ({"retry-after": "146092"}, waits.LONGEST),
        ({"ratelimit-reset": "9" * 19}, waits.LONGEST),
        ({}, None),
        ({"Retry-After": ""}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "NaN"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "\u0667"}, None),
        ({"RateLimit-Remaining": "0"}, None),
    ],
)
def test_each_form_of_a_wait_is_whole_seconds(headers: dict[str, str], seconds: int | None) -> None:
    assert waits.asked_for(headers, now=NOW) == seconds


def test_the_body_tells_it_too_where_no_header_does() -> None:
    assert waits.asked_for({}, "Retry in 37829 seconds") == 37829
    assert waits.asked_for({"Retry-After": "7"}, "Retry in 37829 seconds") == 7


@given(
    st.dictionaries(st.sampled_from(["Retry-After", "RateLimit-Reset", "RateLimit"]), st.text()), st.text()
)
def test_whatever_is_said_the_wait_is_sane_or_none(headers: dict[str, str], text: str) -> None:
    found = errors.refusal(429, text, headers).retry_after
    assert found is None or 1 <= found <= waits.LONGEST
