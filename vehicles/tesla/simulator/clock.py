"""The simulated Tesla's clock: real time plus whatever was added."""

from __future__ import annotations

import time


class Clock:
    """Seconds since the epoch. Runs by itself and can be moved ahead to make tokens expire and cars wake."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """The simulated time."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move ahead; negative seconds move back."""
        self._ahead += seconds

    def reset(self) -> None:
        """Back to real time."""
        self._ahead = 0.0
