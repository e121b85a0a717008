"""The decision: may this application use this car now, and if not, why, whose turn is it, and what exactly do they do?

Pure: facts in, `Diagnosis` out. No database, no clock, no network; links are names (`LINKS`) that the edges turn into
addresses. API errors, Connect pages and staff screens all read the same answer, so a rule is changed in one place: the
tables `RULES` (in `rules`) and `ACTIONS` (in `actions`).
"""

from vehicles.diagnosis.action_rows import LINKS, Action
from vehicles.diagnosis.actions import ACTIONS
from vehicles.diagnosis.decision import Cause, Diagnosis, diagnose
from vehicles.diagnosis.rules import RULES
from vehicles.diagnosis.states import (
    Access,
    Actor,
    Consent,
    Facts,
    Key,
    KeyReason,
    MissingReason,
    Observed,
    Provider,
    Verdict,
)
from vehicles.diagnosis.waiting import NOT_CONNECTED, not_connected
from vehicles.diagnosis.words import CAUSES, CauseWords

__all__ = [
    "ACTIONS",
    "CAUSES",
    "LINKS",
    "NOT_CONNECTED",
    "RULES",
    "Access",
    "Action",
    "Actor",
    "Cause",
    "CauseWords",
    "Consent",
    "Diagnosis",
    "Facts",
    "Key",
    "KeyReason",
    "MissingReason",
    "Observed",
    "Provider",
    "Verdict",
    "diagnose",
    "not_connected",
]
