"""What each fact of a grant rests on: by whom it was observed, since when it holds, when it was last seen."""

from __future__ import annotations

from datetime import datetime

from vehicles.diagnosis import MissingReason, Observed
from vehicles.facts.condition import held_since
from vehicles.facts.incidents import CAUSES, ActiveIncidents
from vehicles.facts.sources import Source
from vehicles.models import Integration, Vehicle, VehicleGrant
from vehicles.permissions import PERMISSIONS


def observed(grant: VehicleGrant, incidents: ActiveIncidents) -> dict[str, Observed]:
    """The observation behind each axis, and behind each cause that has one of its own."""
    account, vehicle, access = grant.account, grant.connection.vehicle, grant.own_access
    consent = _consent(grant)
    listed = Observed(Source.VEHICLE_LIST, grant.approved_at, access.seen_at if access else None)
    return {
        "consent": consent,
        "permissions": Observed(Source.TOKEN, grant.approved_at, account.consent_observed_at),
        "key": Observed(vehicle.key_source, vehicle.key_since, vehicle.key_observed_at),
        "provider": listed,
        "vehicle_missing": Observed(
            Source.VEHICLE_LIST, access.missing_since if access else None, account.vehicles_listed_at
        ),
        "paused": Observed(Source.STAFF, _paused_since(grant)),
        "remote_access_disabled": _condition(vehicle, "remote_access_disabled"),
        "in_service": _condition(vehicle, "in_service"),
        "asleep": Observed(Source.VEHICLE_STATE, None, vehicle.state_observed_at),
        **{CAUSES[kind]: Observed(Source.INCIDENT, at, at) for kind, at in incidents.items()},
    }


def _consent(grant: VehicleGrant) -> Observed:
    account = grant.account
    if grant.integration == Integration.LEGACY:
        lost = account.legacy_login_lost_at
        return Observed(Source.TOKEN, lost or grant.approved_at, lost)
    return Observed(account.consent_source, account.consent_since, account.consent_observed_at)


def _condition(vehicle: Vehicle, name: str) -> Observed:
    return Observed(Source.VEHICLE_LIST, held_since(vehicle, name), vehicle.listed_at)


def _paused_since(grant: VehicleGrant) -> datetime | None:
    if grant.connection.vehicle.paused:
        return held_since(grant.connection.vehicle, "paused")
    return grant.connection.application.paused_since


def missing_observed(grant: VehicleGrant, missing: dict[str, MissingReason]) -> dict[str, Observed]:
    """Since when, and by which source, each missing permission is missing."""
    return {name: _missing(grant, name, why) for name, why in missing.items()}


def _missing(grant: VehicleGrant, name: str, why: MissingReason) -> Observed:
    if why is MissingReason.DECLINED_IN_CONNECT:
        return Observed(Source.CONNECT, grant.approved_at, grant.approved_at)
    seen = grant.account.consent_observed_at
    if why is MissingReason.NOT_GRANTED_AT_TESLA:
        since = (name in grant.not_granted and grant.moved_at) or grant.approved_at
        return Observed(Source.TOKEN, since, seen)
    lost = grant.account.scopes_lost.get(PERMISSIONS[name].tesla_scope)
    if lost is None:
        return Observed(Source.TOKEN, None, seen)
    return Observed(lost["source"], datetime.fromisoformat(lost["since"]), seen)
