"""The funnel: how many runs came to each step, where they left, and how long they stayed. Counted by the database.

A run is kept with the first press in it. Who comes and presses nothing is only counted, by the hour.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError, connection
from django.db.models import Count, F, Q, QuerySet, Sum

from connect.models import Arrivals, ConnectSession, Entry, RunStep, Step
from vehicles.db import compiled_queries
from vehicles.models import Application

STEPS: Final = (Step.PREAMBLE, Step.BRAND, Step.TESLA, Step.PERMISSIONS, Step.KEYS, Step.DONE)
"""The journey. Not every run comes to each: the make may be given, and cars may need no key."""
MOST_APPLICATIONS: Final = 50
MAY_STILL_PRESS: Final = timedelta(hours=1)
"""Who has pressed nothing for so long counts as gone, as a run does."""
_ARRIVED: Final = """
    INSERT INTO connect_arrivals AS known (application_id, mode, entry, hour, number)
    VALUES (%(application)s, %(mode)s, %(entry)s, %(hour)s, 1)
    ON CONFLICT (application_id, mode, entry, hour) DO UPDATE SET number = known.number + 1
"""

log = logging.getLogger(__name__)

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
    """How many people one application sent, whether or not they pressed anything, and how many runs were finished."""

    application_id: int
    name: str
    begun: int
    finished: int


def count_arrival(session: ConnectSession, now: datetime) -> None:
    """Count somebody who is shown the first page of this run. Never fails: the page does not hang on the count."""
    given = {
        "application": session.application_id,
        "mode": str(session.mode),
        "entry": str(session.entry),
        "hour": _hour_of(now),
    }
    try:
        compiled_queries.run(_ARRIVED, **given)
    except DatabaseError:
        log.warning("an arrival could not be counted", exc_info=True)


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def note_step(
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


def stages(*, mode: str, since: datetime, now: datetime, application_id: int | None = None) -> list[Stage]:
    """The funnel of those who came since then, of one application or of all, in the order of the journey."""
    parameters: list[str | int | None] = [str(mode), connection.ops.adapt_datetimefield_value(since)]
    if application_id is not None:
        parameters.append(application_id)
    sql = _SQL.format(of_application="AND application_id = %s" if application_id is not None else "")
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    first, *others = [_stage(step, *found[step]) if step in found else Stage(step) for step in STEPS]
    return [_with_arrivals(first, mode, since, now, application_id), *others]


def _stage(step: Step, reached: int, left: int, went_on: int, seconds: int | None) -> Stage:
    # PostgreSQL sums whole numbers into decimals.
    return Stage(step, int(reached), int(left), int(went_on), seconds)


def _with_arrivals(
    first: Stage, mode: str, since: datetime, now: datetime, application_id: int | None
) -> Stage:
    """The first stage with those who came and pressed nothing. They left, unless they came a moment ago."""
    came, began = _arrivals(mode, since), RunStep.objects.filter(mode=mode, step=first.step)
    began = began.filter(began_at__gte=_hour_of(since))
    if application_id is not None:
        came, began = came.filter(application=application_id), began.filter(application=application_id)
    recent = _hour_of(now - MAY_STILL_PRESS)
    arrivals = came.aggregate(all=Sum("number"), early=Sum("number", filter=Q(hour__lt=recent)))
    runs = began.aggregate(all=Count("pk"), early=Count("pk", filter=Q(began_at__lt=recent)))
    silent, gone = (max(0, (arrivals[part] or 0) - runs[part]) for part in ("all", "early"))
    return replace(first, reached=first.reached + silent, left=first.left + min(silent, gone))


def _arrivals(mode: str, since: datetime) -> QuerySet[Arrivals]:
    """Those of the hour in which the window begins count whole."""
    return Arrivals.objects.filter(mode=mode, entry=Entry.CONNECT, hour__gte=_hour_of(since))


def shares(*, mode: str, since: datetime) -> list[Share]:
    """Every application's runs since then, those of the most arrivals first."""
    came = dict(
        _arrivals(mode, since).values_list("application_id").annotate(number=Sum("number")).order_by()
    )
    rows = RunStep.objects.filter(mode=mode, began_at__gte=since, step__in=(Step.PREAMBLE, Step.DONE))
    counted = rows.values_list("application_id").annotate(
        begun=Count("pk", filter=Q(step=Step.PREAMBLE)), finished=Count("pk", filter=Q(step=Step.DONE))
    )
    runs = {application: (begun, finished) for application, begun, finished in counted.order_by()}
    names = dict(Application.objects.filter(pk__in=came.keys() | runs.keys()).values_list("pk", "name"))
    found = []
    for application, name in names.items():
        begun, finished = runs.get(application, (0, 0))
        found.append(Share(application, name, max(begun, came.get(application, 0)), finished))
    return sorted(found, key=lambda share: (-share.begun, share.application_id))[:MOST_APPLICATIONS]
