"""How long Tesla asks to wait, in whichever of its headers and forms it says so.

Names: `Retry-After` (RFC 9110), `RateLimit-Reset` and its variants by class (Fleet API: rate limits), `RateLimit` as
one header and `X-RateLimit-Reset` (IETF drafts and what gateways add), and the body: "Retry in 37829 seconds".
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = 24 * 3600
"""Seconds. Tesla's longest limits are by the day; a longer wait is a mistake somewhere, and would lock a caller out."""
_EPOCH_SECONDS: Final = 10**9
"""From here on a number is a moment (2001 and later), since as a wait it would be over thirty years."""
_EPOCH_MILLISECONDS: Final = 10**11
_NUMBER: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_PARAMETER: Final = re.compile(r"(?:^|[;,\s])(?:reset|t)\s*=\s*\"?([0-9.]+)")
_IN_WORDS: Final = re.compile(r"retry (?:in|after) ([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(?:s\b|sec)", re.IGNORECASE)


def asked_for(headers: Mapping[str, str], text: str = "", *, now: float | None = None) -> int | None:
    """Whole seconds to wait, 1 to `LONGEST`; None where Tesla does not say, or says nothing that makes sense.

    `text` is the body's own words, and `now` in epoch seconds. The first name that tells something counts; of several
    values under it the longest.
    """
    now = time.time() if now is None else now
    told = {name.lower(): value for name, value in headers.items()}
    for values in _sources(told, text):
        waits = [wait for value in values if (wait := _seconds(value, now)) is not None]
        if waits:
            return min(LONGEST, max(1, math.ceil(max(waits))))
    return None


def _sources(told: Mapping[str, str], text: str) -> Iterator[Iterable[str]]:
    for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset"):
        if name in told:
            yield _values(told[name])
    yield [
        value
        for name, header in told.items()
        if name.startswith(("ratelimit-reset-", "x-ratelimit-reset-"))
        for value in _values(header)
    ]
    yield _PARAMETER.findall(told.get("ratelimit", "").lower())
    yield _IN_WORDS.findall(text)


def _values(header: str) -> list[str]:
    """The header as one value, and the parts of one that came several times; a date holds a comma of its own."""
    return [header, *header.split(",")] if "," in header else [header]


def _seconds(value: str, now: float) -> float | None:
    value = value.strip().strip('"').removesuffix("s").strip()
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _EPOCH_MILLISECONDS:
            return number / 1000 - now
        return number - now if number >= _EPOCH_SECONDS else number
    moment = _moment(value)
    return None if moment is None else moment - now


def _moment(value: str) -> float | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
