"""The funnel: how many runs came to each step, where they left, and how long they stayed. Counted by the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import connection
from django.db.models import Count, F, Q

from connect.models import ConnectSession, RunStep, Step

STEPS: Final = (Step.PREAMBLE, Step.BRAND, Step.TESLA, Step.PERMISSIONS, Step.KEYS, Step.DONE)
"""The journey. Not every run comes to each: the make may be given, and cars may need no key."""
MOST_APPLICATIONS: Final = 50

# One pass over the steps of the window. Stays are whole seconds, so that counting equal ones first leaves little to
# sort; the median is the first stay that half of them do not exceed.
_SQL: Final = """
WITH counted AS (
    SELECT step, next_step, CASE WHEN next_step = 'ended' THEN NULL ELSE stay END AS stay, COUNT(*) AS runs
    FROM connect_runstep
    WHERE mode = %s AND began_at >= %s {of_application}
    GROUP BY 1, 2, 3
), ranked AS (
    SELECT step, next_step, stay, runs,
        SUM(runs) OVER (PARTITION BY step, stay IS NULL ORDER BY stay, next_step) AS up_to_here,
        SUM(CASE WHEN stay IS NULL THEN 0 ELSE runs END) OVER (PARTITION BY step) AS stays
    FROM counted
)
SELECT step,
    SUM(runs),
    SUM(CASE WHEN next_step = 'ended' THEN runs ELSE 0 END),
    MAX(stays),
    MIN(CASE WHEN stay IS NOT NULL AND up_to_here * 2 >= stays THEN stay END)
FROM ranked GROUP BY step
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the funnel. `seconds` is the median stay of those who went on; of `done`, of the whole run."""

    step: Step
    reached: int = 0
    left: int = 0
    went_on: int = 0
    seconds: int | None = None

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


def note(
    session: ConnectSession, step: Step, now: datetime, *, key_queue: Sequence[str] | None = None
) -> None:
    """Note the first time the run comes to a step. A reauthentication and a `mode=test` are no journey, and nobody
    stands at the key step whose cars have their keys.
    """
    if (
        session.connection_id
        or session.moves_grants
        or session.any_login
        or (step == Step.KEYS and not (key_queue or session.key_queue))
    ):
        return
    seconds = max(0, round((now - session.created_at).total_seconds()))
    row, is_new = RunStep.objects.get_or_create(
        session=session,
        step=step,
        defaults={
            "application_id": session.application_id,
            "mode": session.mode,
            "began_at": session.created_at,
            "seconds": seconds,
            "stay": seconds if step == Step.DONE else None,
        },
    )
    if is_new:
        left = RunStep.objects.filter(session=session, next_step="").exclude(pk=row.pk)
        left.update(next_step=step, stay=seconds - F("seconds"))


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


def _stage(step: Step, reached: int, left: int, went_on: int, seconds: int | None) -> Stage:
    # PostgreSQL sums whole numbers into decimals.
    return Stage(step, int(reached), int(left), int(went_on), seconds)


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
