"""The audit list: which grants and cars are out of order, by cause and by whose move it is. One query for all who ask.

Everything is answered from the verdict columns that `facts.refresh_verdicts` keeps, so a filter is an index, never a
loop over diagnoses. Staff screens, the command line, the API and exports all read it here.
"""

from vehicles.audit.conditions import (
    CONDITIONS,
    active_grants,
    matching,
    vehicles_matching,
    vehicles_of_account,
)
from vehicles.audit.listing import COLUMNS, AuditRow, rows
from vehicles.audit.numbers import Counts, counts
from vehicles.audit.of_application import connections_of, grants_of, page, waiting_of
from vehicles.audit.pending import pending_reservations, with_connections
from vehicles.audit.search import (
    find_accounts,
    find_commands,
    find_events,
    find_grants,
    find_refused_requests,
    find_request,
    find_reservations,
    find_vehicles,
    with_id,
)
from vehicles.audit.severity import worst, worst_first

__all__ = [
    "COLUMNS",
    "CONDITIONS",
    "AuditRow",
    "Counts",
    "active_grants",
    "connections_of",
    "counts",
    "find_accounts",
    "find_commands",
    "find_events",
    "find_grants",
    "find_refused_requests",
    "find_request",
    "find_reservations",
    "find_vehicles",
    "grants_of",
    "matching",
    "page",
    "pending_reservations",
    "rows",
    "vehicles_matching",
    "vehicles_of_account",
    "waiting_of",
    "with_connections",
    "with_id",
    "worst",
    "worst_first",
]
