"""Tesla's rate limits per car and account (Fleet API: billing and limits); off unless switched on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from vehicles.tesla.simulator.clock import Clock


@dataclass(frozen=True, slots=True)
class Limit:
    """How many requests there may be in how many seconds."""

    requests: int
    seconds: int


LIMITS: Final[dict[str, Limit]] = {
    "data": Limit(60, 60),
    "wakes": Limit(3, 60),
    "commands": Limit(30, 60),
    "auth": Limit(20, 1),
}


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit was reached; the next request may come in `retry_after` seconds."""

    kind: str
    limit: Limit
    retry_after: int

    @property
    def headers(self) -> dict[str, str]:
        """What Tesla sends along, the general headers and those of the class."""
        values = {"Limit": self.limit.requests, "Remaining": 0, "Reset": self.retry_after}
        named = {f"RateLimit-{name}-{self.kind.capitalize()}": str(value) for name, value in values.items()}
        general = {f"RateLimit-{name}": str(value) for name, value in values.items()}
        return {"Retry-After": str(self.retry_after)} | general | named


class RateLimits:
    """Counts requests in sliding windows. `limits` is empty while no limits are in force."""

    def __init__(self, clock: Clock) -> None:
        self.limits: dict[str, Limit] = {}
        self._clock = clock
        self._requests: dict[tuple[str, str], deque[float]] = {}

    def take(self, kind: str, whom: str) -> Excess | None:
        """Count one request of that class against a car, account or application; the excess if it is one too many."""
        limit = self.limits.get(kind)
        if limit is None:
            return None
        now = self._clock.now()
        window = self._requests.setdefault((kind, whom), deque())
        while window and window[0] <= now - limit.seconds:
            window.popleft()
        if len(window) >= limit.requests:
            return Excess(kind, limit, max(1, round(window[0] + limit.seconds - now)))
        window.append(now)
        return None
