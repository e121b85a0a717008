"""Facts: the stored rows of one grant as `diagnosis` wants them, and the verdict columns that repeat its answer.

Each fact is a row of `table.FACTS`, from which both are made.
"""

from vehicles.facts.condition import (
    MOST_KEYS,
    conditions,
    date_conditions,
    is_stale,
    is_stale_q,
    key_of,
    key_slots_full,
    was_listed_lately,
)
from vehicles.facts.coverage import fleet_covers, missing_permissions, working_permissions
from vehicles.facts.gathering import facts_of, grants_of_account, grants_of_vehicles, with_rows
from vehicles.facts.incidents import CAUSES as CAUSE_OF_INCIDENT
from vehicles.facts.incidents import with_incidents
from vehicles.facts.table import offers_legacy
from vehicles.facts.verdicts import refresh_in_parts, refresh_verdicts, verdict_columns

__all__ = [
    "CAUSE_OF_INCIDENT",
    "MOST_KEYS",
    "conditions",
    "date_conditions",
    "facts_of",
    "fleet_covers",
    "grants_of_account",
    "grants_of_vehicles",
    "is_stale",
    "is_stale_q",
    "key_of",
    "key_slots_full",
    "missing_permissions",
    "offers_legacy",
    "refresh_in_parts",
    "refresh_verdicts",
    "verdict_columns",
    "was_listed_lately",
    "with_incidents",
    "with_rows",
    "working_permissions",
]
