"""Which of Tesla's interfaces a run goes over: the application's, as long as a person can finish that way.

The legacy API cannot serve a run where it is closed or not offered, nor for a person whose cars have moved: what
stands in their way is mended at the Fleet API alone.
"""

from __future__ import annotations

from connect.models import ConnectSession
from connect.problems.catalogue import LEGACY_CLOSED, LEGACY_LEFT, LEGACY_NOT_OFFERED, Problem
from vehicles import facts, grants
from vehicles.models import Integration
from vehicles.upstream import legacy_api


def for_new_run(wanted: str, mode: str) -> Integration:
    """The interface of a run that is to begin."""
    is_legacy = wanted == Integration.LEGACY and legacy_api.is_open(mode)
    return Integration.LEGACY if is_legacy else Integration.FLEET


def hindrance(session: ConnectSession) -> Problem | None:
    """Why a run that began over the legacy API cannot be finished there; None where it can."""
    if session.integration != Integration.LEGACY:
        return None
    if not legacy_api.is_open(session.mode):
        return LEGACY_CLOSED if facts.offers_legacy(session.mode) else LEGACY_NOT_OFFERED
    has_left = session.account and grants.have_moved(session.application, session.account)
    return LEGACY_LEFT if has_left else None
