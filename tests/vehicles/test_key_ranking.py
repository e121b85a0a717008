"""Which source is believed about the key: news beats lag, the car beats lists, and nobody's word lasts for ever."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vehicles.diagnosis import Key
from vehicles.evidence.ranking import Word, resolve
from vehicles.facts.sources import SOURCES, Source

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MODEL_3, OLD_MODEL_S = "5YJ3E7EA7KF000101", "5YJSA1E25JF000303"
KEY_SOURCES = [name for name, reliability in SOURCES.items() if reliability.rank and name != Source.PROTOCOL]
"""Those that say whether the key is there; Tesla's gateway tells of signing only."""


def said(source: str, paired: bool | None, minutes_ago: float, since: float | None = None) -> Word:
    changed = NOW - timedelta(minutes=since) if since is not None else None
    return Word(source, NOW - timedelta(minutes=minutes_ago), paired, since=changed)


def key(*words: Word, vin: str = MODEL_3) -> Key:
    return resolve(words, vin, NOW).key


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Key.UNKNOWN),
        ([said("fleet_status", True, 5)], Key.PRESENT),
        ([said("fleet_status", False, 5)], Key.ABSENT),
        # Tesla's list was asked, then the car carried a command out: the car is right, the list lags.
        ([said("fleet_status", False, 30), said("command", True, 5)], Key.PRESENT),
        ([said("command", True, 30), said("fleet_status", False, 5)], Key.CONFLICT),
        # The list said otherwise before: it has news, the key was taken off since.
        ([said("command", True, 30), said("fleet_status", False, 5, since=5)], Key.ABSENT),
        ([said("command", True, 30), said("fleet_status", False, 5, since=45)], Key.CONFLICT),
        # The car refused, then the owner added the key.
        ([said("handshake", False, 30), said("fleet_status", True, 1, since=1)], Key.PRESENT),
        # The first to find the key has news too, whoever asked: a list that lags shows a key late, never early.
        ([said("handshake", False, 30), said("fleet_status", True, 1)], Key.PRESENT),
        ([said("handshake", False, 30), said("fleet_status_driver", True, 1)], Key.PRESENT),
        ([said("fleet_status", False, 9), said("fleet_status_driver", True, 1)], Key.PRESENT),
        ([said("handshake", False, 30), said("fleet_status", True, 31)], Key.ABSENT),
        # A person's word is no more than worth a try, first or not.
        ([said("handshake", False, 30), said("person", True, 1)], Key.CONFLICT),
        # The car's word no longer holds against a newer one.
        ([said("command", True, 61), said("fleet_status", False, 5)], Key.ABSENT),
        # Of the car's own words the newer counts.
        ([said("command", True, 30), said("handshake", False, 5)], Key.ABSENT),
        ([said("handshake", False, 30), said("command", True, 5)], Key.PRESENT),
        # A person's word is worth a try.
        ([said("fleet_status", False, 5), said("person", True, 1)], Key.CONFLICT),
        ([said("person", True, 5), said("fleet_status", False, 1)], Key.ABSENT),
        ([said("fleet_status", False, 90), said("person", True, 1)], Key.PRESENT),
        # A driver's account can confirm the key, but not tell that there is none.
        ([said("fleet_status_driver", True, 1)], Key.PRESENT),
        ([said("fleet_status_driver", False, 1)], Key.UNKNOWN),
        ([said("fleet_status", False, 500), said("fleet_status_driver", False, 1)], Key.ABSENT),
        ([said("fleet_status", True, 500), said("fleet_status_driver", False, 1)], Key.UNKNOWN),
    ],
)
def test_the_state_follows_from_rank_time_and_news(words: list[Word], expected: Key) -> None:
    assert key(*words) == expected


@pytest.mark.parametrize("source", KEY_SOURCES)
def test_a_word_past_its_age_counts_for_nothing(source: str) -> None:
    limit = SOURCES[source].age_limit
    assert limit is not None
    old = Word(source, NOW - limit, paired=True)
    young = Word(source, NOW - limit + timedelta(seconds=1), paired=True)
    assert (key(old), key(young)) == (Key.UNKNOWN, Key.PRESENT)


def test_a_car_that_needs_no_key_is_known_by_its_vin_before_tesla_was_asked() -> None:
    assert resolve([], OLD_MODEL_S, NOW).source == Source.VIN
    assert key(vin=OLD_MODEL_S) == Key.NOT_REQUIRED


def test_that_signing_is_not_required_is_believed_of_tesla_only_where_the_vin_agrees() -> None:
    unsigned = Word(Source.FLEET_STATUS, NOW, paired=False, signing=False)
    assert key(unsigned) == Key.ABSENT
    assert key(unsigned, vin=OLD_MODEL_S) == Key.NOT_REQUIRED


@pytest.mark.parametrize(("signing", "vin"), [(False, MODEL_3), (True, OLD_MODEL_S)])
def test_what_teslas_gateway_said_of_signing_outranks_list_and_vin(signing: bool, vin: str) -> None:
    listed = Word(Source.FLEET_STATUS, NOW, paired=False, signing=not signing)
    refused = Word(Source.PROTOCOL, NOW - timedelta(days=30), signing=signing)
    assert resolve([listed, refused], vin, NOW).protocol_required is signing
    assert key(listed, refused, vin=vin) == (Key.ABSENT if signing else Key.NOT_REQUIRED)


WORDS = st.lists(
    st.builds(
        said,
        st.sampled_from(KEY_SOURCES),
        st.sampled_from([True, False, None]),
        st.integers(0, 60 * 24 * 40),
        st.none() | st.integers(0, 60 * 24),
    ),
    unique_by=lambda word: word.source,
    max_size=4,
)


@given(WORDS)
def test_the_order_in_which_words_were_heard_does_not_matter(words: list[Word]) -> None:
    distinct = {word.at for word in words}
    if len(distinct) == len(words):
        states = {resolve(order, MODEL_3, NOW) for order in itertools.permutations(words)}
        assert len(states) == 1


@given(WORDS)
def test_nothing_is_claimed_that_no_source_says(words: list[Word]) -> None:
    state = resolve(words, MODEL_3, NOW)
    paired = {word.paired for word in words if word.counts(NOW)} - {None}
    claims = {Key.PRESENT: {True}, Key.ABSENT: {False}, Key.CONFLICT: {True, False}}
    assert claims.get(state.key, set()) <= paired


@given(WORDS, st.booleans())
def test_what_the_car_itself_says_now_is_what_holds(words: list[Word], paired: bool) -> None:
    others = [word for word in words if word.source not in (Source.COMMAND, Source.HANDSHAKE)]
    source = Source.COMMAND if paired else Source.HANDSHAKE
    state = resolve([*others, Word(source, NOW, paired)], MODEL_3, NOW)
    assert state.key == (Key.PRESENT if paired else Key.ABSENT)


@pytest.mark.parametrize(("paired", "expected"), [(True, Key.PRESENT), (False, Key.CONFLICT)])
def test_the_first_word_of_teslas_list_is_news_where_it_has_the_key(paired: bool, expected: Key) -> None:
    """A car refused for lack of the key; the list is asked for the first time after somebody was told to add it."""
    refused = Word(Source.HANDSHAKE if paired else Source.COMMAND, NOW, paired=not paired)
    first = Word(Source.FLEET_STATUS, NOW + timedelta(minutes=2), paired=paired, signing=True).repeated(None)
    state = resolve([refused, first], "5YJ3E7EA7KF000101", NOW + timedelta(minutes=2))
    assert state.key == expected
