"""A record of every call that applications made to the simulated Tesla."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final

MOST_CALLS: Final = 200_000


@dataclass(frozen=True, slots=True)
class Call:
    """One request and its answer; `status` 0 stands for a connection that was cut."""

    n: int
    method: str
    path: str
    vin: str
    email: str
    status: int
    at: float


class CallLog:
    """The latest calls, numbered from 1."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=MOST_CALLS)
        self._last = 0

    def add(self, *, method: str, path: str, vin: str, email: str, status: int, at: float) -> None:
        """Record one call."""
        self._last += 1
        self._calls.append(Call(self._last, method, path, vin, email, status, at))

    def since(self, number: int) -> list[dict[str, Any]]:
        """Every recorded call with a higher number, oldest first."""
        return [asdict(call) for call in self._calls if call.n > number]
