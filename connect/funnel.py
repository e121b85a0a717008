"""The funnel: how many runs came to each step, where they left, and how long they stayed. Counted by the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import Count, Q

from connect.models import RunStep, Step

STEPS: Final = (Step.PREAMBLE, Step.BRAND, Step.TESLA, Step.PERMISSIONS, Step.KEYS, Step.DONE)
"""The journey. Not every run comes to each: the make may be given, and cars may need no key."""
MOST_APPLICATIONS: Final = 50

# One pass over the steps of the window. `stay`: seconds until the run's next step; of a finished run its whole time.
# The median is the middle one or the mean of the middle two, which SQLite and PostgreSQL both compute this way.
_SQL: Final = """
WITH visited AS (
    SELECT step, seconds,
        LEAD(step) OVER (PARTITION BY session_id ORDER BY seconds, id) AS next_step,
        LEAD(seconds) OVER (PARTITION BY session_id ORDER BY seconds, id) AS next_seconds
    FROM connect_runstep
    WHERE mode = %s AND began_at >= %s {of_application}
), stays AS (
    SELECT step,
        CASE WHEN next_step = 'ended' THEN 1 ELSE 0 END AS has_left,
        CASE WHEN step = 'done' THEN seconds WHEN next_step <> 'ended' THEN next_seconds - seconds END AS stay
    FROM visited
), ranked AS (
    SELECT step, has_left, stay,
        ROW_NUMBER() OVER (PARTITION BY step, stay IS NULL ORDER BY stay) AS place,
        COUNT(stay) OVER (PARTITION BY step) AS stays
    FROM stays
)
SELECT step, COUNT(*), SUM(has_left), MAX(stays),
    AVG(CASE WHEN stay IS NOT NULL AND place IN ((stays + 1) / 2, (stays + 2) / 2) THEN stay END)
FROM ranked GROUP BY step
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the funnel. `seconds` is the median stay of those who went on; of `done`, of the whole run."""

    step: Step
    reached: int = 0
    left: int = 0
    went_on: int = 0
    seconds: float | None = None

    @property
    def still_there(self) -> int:
        return self.reached - self.left - self.went_on


@dataclass(frozen=True, slots=True)
class Share:
    """How many runs of one application were begun and finished."""

    application_id: int
    name: str
    begun: int
    finished: int


def stages(*, mode: str, since: datetime, application_id: int | None = None) -> list[Stage]:
    """The funnel of the runs begun since then, of one application or of all, in the order of the journey."""
    parameters: list[str | int | None] = [str(mode), connection.ops.adapt_datetimefield_value(since)]
    if application_id is not None:
        parameters.append(application_id)
    sql = _SQL.format(of_application="AND application_id = %s" if application_id is not None else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    return [_stage(step, *found[step]) if step in found else Stage(step) for step in STEPS]


def _stage(step: Step, reached: int, left: int, went_on: int, seconds: object) -> Stage:
    return Stage(step, reached, int(left), went_on, None if seconds is None else float(str(seconds)))


def shares(*, mode: str, since: datetime) -> list[Share]:
    """Every application's runs begun since then, the most used first."""
    rows = RunStep.objects.filter(mode=mode, began_at__gte=since)
    counted = rows.values("application_id", "application__name").annotate(
        begun=Count("pk", filter=Q(step=Step.PREAMBLE)), finished=Count("pk", filter=Q(step=Step.DONE))
    )
    return [
        Share(row["application_id"], row["application__name"], row["begun"], row["finished"])
        for row in counted.order_by("-begun", "application_id")[:MOST_APPLICATIONS]
    ]
