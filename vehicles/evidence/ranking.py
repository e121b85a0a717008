"""The key axis from what every source last said of a car: ranking in, state out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from vehicles.diagnosis import Key
from vehicles.facts.sources import SOURCES, Reliability, Source
from vehicles.tesla import vin as vins

_NOBODY: Final = Reliability("")
_LISTS: Final = frozenset({Source.FLEET_STATUS, Source.FLEET_STATUS_OF_DRIVER})
_NO_PROOF_OF_ABSENCE: Final = frozenset({Source.FLEET_STATUS_OF_DRIVER})
"""Sources that may confirm a key but cannot tell that there is none; alone they leave the key unknown."""

_TESLAS_LIST: Final = frozenset({Source.FLEET_STATUS, Source.FLEET_STATUS_OF_DRIVER})


@dataclass(frozen=True, slots=True)
class Word:
    """What one source last said of a car: whether our key is on it, and whether commands must be signed.

    `at` is when it was last said, `since` when the source changed its mind to this; None for its first word.
    """

    source: str
    at: datetime
    paired: bool | None = None
    signing: bool | None = None
    since: datetime | None = None

    @property
    def reliability(self) -> Reliability:
        return SOURCES.get(self.source, _NOBODY)

    def counts(self, now: datetime) -> bool:
        """Whether it is young enough to count at all."""
        limit = self.reliability.age_limit
        return limit is None or now - self.at < limit

    def weight(self, now: datetime) -> tuple[int, datetime]:
        """Words compare by this: by rank while they hold, by time once they no longer do."""
        return (self.reliability.rank if now - self.at < self.reliability.holds else 0), self.at

    def repeated(self, earlier: Word | None) -> Word:
        """This word, with the moment at which its source came to say so.

        That Tesla's list has a key is news also when it is asked for the first time: somebody was just told to add it.
        That it has none may be an old list.
        """
        if earlier is None or earlier.paired is None:
            return replace(self, since=self.at) if self.paired and self.source in _LISTS else self
        since = earlier.since if earlier.paired == self.paired else self.at
        return Word(self.source, self.at, self.paired, self.signing, since)


@dataclass(frozen=True, slots=True)
class KeyState:
    """The key axis of a car, and the observation it rests on."""

    key: Key
    source: str
    observed_at: datetime | None
    protocol_required: bool


def resolve(words: Iterable[Word], vin: str, now: datetime) -> KeyState:
    """The state that follows from what was said, whatever the order in which it was heard."""
    counted = [word for word in words if word.counts(now)]
    required = _must_be_signed(counted, vin, now)
    told = [word for word in counted if word.paired is not None]
    if not told:
        return _silent(required, now)
    best = max(told, key=lambda word: word.weight(now))
    against = [word for word in told if word.paired != best.paired and word.at > best.at]
    news = [word for word in against if _is_news(word, best)]
    if news:
        # A source that changed its mind after the better one spoke does not lag: it knows of something later.
        best, against = max(news, key=lambda word: word.at), []
    return _state(best, told, required, in_conflict=bool(against))


def _is_news(word: Word, best: Word) -> bool:
    """Whether a word against a better one knows of something later, rather than lagging behind.

    A source changed its mind since. Or it is asked for the first time and finds the key: what lags shows a key late,
    never early, and a key that was taken off a moment ago the car itself will miss at the next command.
    """
    if word.since is None:
        return bool(word.paired) and word.source in _TESLAS_LIST
    return word.since > best.at


def _must_be_signed(counted: list[Word], vin: str, now: datetime) -> bool:
    """Tesla now and then says that a car takes unsigned commands which does not, so there the VIN has the last word."""
    by_vin = vins.takes_keys(vin)
    told = [word for word in counted if word.signing is not None and _is_trusted(word, by_vin)]
    return bool(max(told, key=lambda word: word.weight(now)).signing) if told else by_vin


def _is_trusted(word: Word, by_vin: bool) -> bool:
    return word.signing is True or not by_vin or word.source == Source.PROTOCOL


def _silent(required: bool, now: datetime) -> KeyState:
    if required:
        return KeyState(Key.UNKNOWN, "", None, protocol_required=True)
    return KeyState(Key.NOT_REQUIRED, Source.VIN, now, protocol_required=False)


def _state(best: Word, told: list[Word], required: bool, *, in_conflict: bool) -> KeyState:
    agreeing = [word for word in told if word.paired == best.paired]
    latest = max(agreeing, key=lambda word: word.at)
    if in_conflict:
        return KeyState(Key.CONFLICT, best.source, max(word.at for word in told), required)
    if best.paired:
        return KeyState(Key.PRESENT, latest.source, latest.at, required)
    if not required:
        return KeyState(Key.NOT_REQUIRED, latest.source, latest.at, required)
    if all(word.source in _NO_PROOF_OF_ABSENCE for word in agreeing):
        return KeyState(Key.UNKNOWN, latest.source, latest.at, required)
    return KeyState(Key.ABSENT, latest.source, latest.at, required)


def was_told(stored: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether anybody who can tell has ever said whether the key is on the car."""
    return any(
        entry["paired"] is not None for source, entry in stored.items() if source not in _NO_PROOF_OF_ABSENCE
    )


def parse_words(stored: dict[str, dict[str, Any]]) -> dict[str, Word]:
    """The words as they are kept on the car, by source."""
    return {source: _word(source, entry) for source, entry in stored.items()}


def _word(source: str, entry: dict[str, Any]) -> Word:
    since = entry.get("since")
    return Word(
        source=source,
        at=datetime.fromisoformat(entry["at"]),
        paired=entry.get("paired"),
        signing=entry.get("signing"),
        since=datetime.fromisoformat(since) if since else None,
    )


def written(words: Iterable[Word]) -> dict[str, dict[str, Any]]:
    """The words as they are kept on the car: plain values that JSON holds."""
    return {
        word.source: {
            "at": word.at.isoformat(),
            "paired": word.paired,
            "signing": word.signing,
            "since": word.since.isoformat() if word.since else None,
        }
        for word in words
    }
