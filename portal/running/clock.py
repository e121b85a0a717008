"""The clock that starts the regular tasks. It keeps no file, so there is none to be damaged.

Every task is due once when the clock starts, and after its interval from then on. Tasks are safe to start too often:
each finds in the database what there is to do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from celery import beat

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Scheduler(beat.Scheduler):
    """Celery's scheduler in memory, with every entry due at the start."""

    def setup_schedule(self) -> None:
        super().setup_schedule()
        for entry in self.schedule.values():
            entry.last_run_at = _LONG_AGO
