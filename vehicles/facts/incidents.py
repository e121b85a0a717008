"""The incidents that a grant is under: faults of Tesla's or the operator's that are nobody's account and no car."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db.models import OuterRef, Q, QuerySet, Subquery

from vehicles.diagnosis import Consent
from vehicles.models import Incident, IncidentKind, Integration, VehicleGrant

ActiveIncidents = Mapping[IncidentKind, datetime]
"""The incidents that go on, each with when it began."""

CAUSES: Final = {
    IncidentKind.OPERATOR_FAULT: "operator_fault",
    IncidentKind.MASS_REVOCATION: "provider_incident",
    IncidentKind.LEGACY_CLOSED: "legacy_closed",
}
"""What the diagnosis calls a fault that an incident is."""


def active_over(grant: VehicleGrant) -> ActiveIncidents:
    """The incidents that the grant is under: from the columns that `with_incidents` adds, or asked for.

    A row that is not stored yet is held up by none.
    """
    if grant._state.adding:
        return {}
    if hasattr(grant, _since(IncidentKind.LEGACY_CLOSED)):
        found = ((kind, getattr(grant, _since(kind))) for kind in IncidentKind)
        return {kind: began_at for kind, began_at in found if began_at}
    here = Incident.objects.active().filter(mode=grant.mode, region__in=("", grant.account.region))
    return {IncidentKind(kind): began_at for kind, began_at in here.values_list("kind", "began_at")}


def with_incidents(grants: QuerySet[VehicleGrant]) -> QuerySet[VehicleGrant]:
    """The grants with what `facts_of` asks of incidents, in the same query."""
    here = Q(region="") | Q(region=OuterRef("account__region"))
    active = Incident.objects.active().filter(here, mode=OuterRef("mode"))
    return grants.annotate(
        **{_since(kind): Subquery(active.filter(kind=kind).values("began_at")[:1]) for kind in IncidentKind}
    )


def _since(kind: IncidentKind) -> str:
    return f"{kind}_since"


def holds_up(kind: IncidentKind, grant: VehicleGrant, incidents: ActiveIncidents) -> bool:
    """Whether an incident of this kind holds the grant up. Legacy grants are not served by what broke.

    Accounts that answer as ever are not touched by a mass revocation.
    """
    if grant.integration == Integration.LEGACY or kind not in incidents:
        return False
    return kind is not IncidentKind.MASS_REVOCATION or grant.account.consent == Consent.SUSPECTED
