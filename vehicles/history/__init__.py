"""The append-only trail: what happened, and how things stood at any time.

`record` and `record_all` alone write it; call them in the transaction of the change. A change on an axis is an event
that names the actor, what was before and after, and the source that showed it.
"""

from vehicles.history.forgetting import RUNS, STAFF_VIEWS, forget
from vehicles.history.kinds import Kind
from vehicles.history.past import as_of
from vehicles.history.writing import (
    SYSTEM,
    application_actor,
    difference,
    event,
    person,
    record,
    record_all,
    staff,
)

__all__ = [
    "RUNS",
    "STAFF_VIEWS",
    "SYSTEM",
    "Kind",
    "application_actor",
    "as_of",
    "difference",
    "event",
    "forget",
    "person",
    "record",
    "record_all",
    "staff",
]
