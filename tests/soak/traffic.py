"""Light traffic that goes on whatever happens, and notes what each request came to."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, Self

import urllib3

NOBODY: Final = 0
"""The status of a request that got no answer: nobody listened, or the connection was cut."""
Ask = Callable[[], int]
"""Makes one request and returns the status of its answer."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A caller that asks the same again and again, `every` so many seconds, one request at a time."""

    name: str
    every: float
    ask: Ask


@dataclass
class Traffic(AbstractContextManager["Traffic"]):
    """Streams that flow until the end of the `with` block. `answers` counts by stream and status."""

    streams: Sequence[Stream]
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)
    """What a caller itself tripped over; each is a fault."""

    def __post_init__(self) -> None:
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._flow, args=(each,)) for each in self.streams]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _flow(self, stream: Stream) -> None:
        while not self._ended.wait(stream.every):
            began = time.monotonic()
            try:
                status = stream.ask()
            except urllib3.exceptions.HTTPError:
                status = NOBODY
            except Exception as failure:  # noqa: BLE001 - told at the end, and the others go on meanwhile
                with self._lock:
                    self.failures.append(f"{stream.name}: {failure!r}")
                continue
            with self._lock:
                self.answers[stream.name, status] += 1
                self.slowest = max(self.slowest, time.monotonic() - began)

    def by_status(self) -> Counter[int]:
        """How many answers of each status."""
        counted: Counter[int] = Counter()
        for (_, status), number in self.answers.items():
            counted[status] += number
        return counted

    def told(self) -> str:
        """The figures in a line."""
        total, by_status = self.answers.total(), self.by_status()
        well = sum(number for status, number in by_status.items() if 200 <= status < 400)
        share = well / total if total else 0.0
        counted = dict(sorted(by_status.items()))
        return f"{total} requests, {share:.1%} of them answered well, {counted}, slowest {self.slowest:.1f} s"
