"""Facts: the stored rows of one grant as `diagnosis` wants them, and the verdict columns that repeat its answer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery

from vehicles.diagnosis import (
    Access,
    Consent,
    Diagnosis,
    Facts,
    Key,
    KeyReason,
    MissingReason,
    Observed,
    Provider,
    diagnose,
)
from vehicles.models import (
    Incident,
    IncidentKind,
    Integration,
    Mode,
    TeslaAccount,
    Vehicle,
    VehicleAccess,
    VehicleGrant,
)
from vehicles.permissions import PERMISSIONS, covered_by
from vehicles.sources import age_limit

MOST_KEYS: Final = 20
"""A car takes no more virtual keys than this (Fleet API: virtual keys)."""


Standing = Mapping[IncidentKind, datetime]
"""The incidents that stand, each with when it began."""


def facts_of(grant: VehicleGrant, access: VehicleAccess | None, now: datetime) -> Facts:
    """What is stored about the grant's account, car and permissions, as far as it is young enough to count.

    `access` is the account's relation to the car, None when the account never listed it.
    """
    vehicle = grant.connection.vehicle
    standing = _standing_incidents(grant)
    key, key_reason = key_of(vehicle, now)
    return Facts(
        granted=frozenset(grant.approved),
        missing=missing_permissions(grant),
        consent=_consent(grant),
        key=key,
        key_reason=key_reason,
        provider=_provider(grant, standing),
        fleet_signs=_fleet_signs(grant),
        access=Access(access.access_type) if access else Access.OWNER,
        vehicle_missing=access is not None and access.missing_since is not None,
        key_slots_full=key_slots_full(vehicle),
        remote_access_disabled=vehicle.remote_access_disabled,
        in_service=vehicle.in_service,
        paused=vehicle.paused or grant.connection.application.paused,
        **_incidents(grant, standing),
        observed=_observed(grant, access, standing),
    )


def key_of(vehicle: Vehicle, now: datetime) -> tuple[Key, KeyReason | None]:
    """The key axis of the car now: what was last observed, unless that is too old to count."""
    if is_stale(vehicle, now):
        return Key.UNKNOWN, KeyReason.STALE
    return Key(vehicle.key), KeyReason(vehicle.key_reason) if vehicle.key_reason else None


def is_stale(vehicle: Vehicle, now: datetime) -> bool:
    """Whether what was last observed of the key is too old to count. That a car needs none does not age."""
    limit, observed = age_limit(vehicle.key_source), vehicle.key_observed_at
    if vehicle.key in (Key.UNKNOWN, Key.NOT_REQUIRED) or limit is None or observed is None:
        return False
    return now - observed >= limit


def key_slots_full(vehicle: Vehicle) -> bool:
    """Whether the car holds as many keys as it takes."""
    return vehicle.total_keys is not None and vehicle.total_keys >= MOST_KEYS


def conditions(vehicle: Vehicle) -> dict[str, bool | None]:
    """What beside the key decides what the car takes, as history tells it."""
    return {
        "protocol_required": vehicle.protocol_required,
        "key_slots_full": key_slots_full(vehicle),
        "in_service": vehicle.in_service,
        "remote_access_disabled": vehicle.remote_access_disabled,
        "paused": vehicle.paused,
    }


def date_conditions(vehicle: Vehicle, before: Mapping[str, bool | None], now: datetime) -> None:
    """Note on the row since when each condition holds, given what held before. The caller saves it."""
    since = dict(vehicle.conditions_since)
    for name, holds in conditions(vehicle).items():
        if not holds:
            since.pop(name, None)
        elif not before[name]:
            since[name] = now.isoformat()
    vehicle.conditions_since = since


def _consent(grant: VehicleGrant) -> Consent:
    """The older login carries no consent to vehicle scopes: it lives or it does not."""
    if grant.integration == Integration.FLEET:
        return Consent(grant.account.consent)
    return Consent.SIGN_IN_NEEDED if grant.account.legacy_login_lost_at else Consent.ACTIVE


def _incidents(grant: VehicleGrant, standing: Standing) -> dict[str, bool]:
    """Whether an incident holds the grant up. Accounts that answer as ever are not touched by a mass revocation."""
    if grant.integration == Integration.LEGACY:
        return {}
    is_suspected = grant.account.consent == Consent.SUSPECTED
    return {
        "operator_fault": IncidentKind.OPERATOR_FAULT in standing,
        "provider_incident": is_suspected and IncidentKind.MASS_REVOCATION in standing,
    }


def _standing_incidents(grant: VehicleGrant) -> Standing:
    """The incidents that stand over the grant: from the columns that `with_incidents` adds, or asked for."""
    if grant._state.adding:
        return {}
    if hasattr(grant, _since(IncidentKind.LEGACY_CLOSED)):
        found = ((kind, getattr(grant, _since(kind))) for kind in IncidentKind)
        return {kind: began_at for kind, began_at in found if began_at}
    here = Incident.objects.standing().filter(mode=grant.mode, region__in=("", grant.account.region))
    return {IncidentKind(kind): began_at for kind, began_at in here.values_list("kind", "began_at")}


def with_incidents(grants: QuerySet[VehicleGrant]) -> QuerySet[VehicleGrant]:
    """The grants with what `facts_of` asks of incidents, in the same query."""
    here = Q(region="") | Q(region=OuterRef("account__region"))
    standing = Incident.objects.standing().filter(here, mode=OuterRef("mode"))
    return grants.annotate(
        **{_since(kind): Subquery(standing.filter(kind=kind).values("began_at")[:1]) for kind in IncidentKind}
    )


def _since(kind: IncidentKind) -> str:
    return f"{kind}_since"


def _provider(grant: VehicleGrant, standing: Standing) -> Provider:
    if grant.integration == Integration.FLEET:
        return Provider.FLEET
    is_served = offers_legacy(grant.mode) and IncidentKind.LEGACY_CLOSED not in standing
    return Provider.LEGACY if is_served else Provider.LEGACY_CLOSED


def offers_legacy(mode: str) -> bool:
    """Whether the operator serves the legacy API: live connections only where it was switched on."""
    return bool(settings.LEGACY_OWNER_API) or mode == Mode.SIMULATED


def _fleet_signs(grant: VehicleGrant) -> frozenset[str]:
    if grant.integration == Integration.FLEET:
        return frozenset()
    commands = (name for name in grant.approved if PERMISSIONS[name].needs_key)
    return frozenset(name for name in commands if fleet_covers(grant.account, PERMISSIONS[name].tesla_scope))


def fleet_covers(account: TeslaAccount, scope: str) -> bool:
    """Whether the person consented to this on the current interface, so that a legacy grant's command can be signed."""
    return scope in account.granted_scopes and account.consent not in (
        Consent.REVOKED,
        Consent.SIGN_IN_NEEDED,
    )


def missing_permissions(grant: VehicleGrant) -> dict[str, MissingReason]:
    """Why each permission that was asked for does not work; empty when all do.

    Legacy tokens carry no vehicle scopes, so nothing can be missing at Tesla for a legacy grant.
    """
    missing = dict.fromkeys(grant.declined, MissingReason.DECLINED_IN_CONNECT)
    if grant.integration == Integration.FLEET:
        never = set(grant.requested) - set(grant.approved) - set(grant.declined)
        gone = set(grant.approved) - set(covered_by(grant.approved, grant.account.granted_scopes))
        missing |= dict.fromkeys(never, MissingReason.NOT_GRANTED_AT_TESLA)
        missing |= dict.fromkeys(gone, MissingReason.WITHDRAWN_AT_TESLA)
    return missing


def working_permissions(grant: VehicleGrant) -> list[str]:
    """The approved permissions that Tesla's scopes cover now, by name."""
    if grant.integration == Integration.LEGACY:
        return sorted(grant.approved)
    return sorted(covered_by(grant.approved, grant.account.granted_scopes))


def _observed(grant: VehicleGrant, access: VehicleAccess | None, standing: Standing) -> dict[str, Observed]:
    account, vehicle = grant.account, grant.connection.vehicle
    return {
        "consent": Observed(account.consent_source, account.consent_since, account.consent_observed_at),
        "permissions": Observed("scp", account.consent_since, account.consent_observed_at),
        "key": Observed(vehicle.key_source, vehicle.key_since, vehicle.key_observed_at),
        "provider": _provider_observed(grant, access, standing),
    }


def _provider_observed(grant: VehicleGrant, access: VehicleAccess | None, standing: Standing) -> Observed:
    """That the legacy API is closed was seen once for all; else Tesla's list of the account's cars is what is known."""
    closed = standing.get(IncidentKind.LEGACY_CLOSED)
    if grant.integration == Integration.LEGACY and closed:
        return Observed("incident", closed, closed)
    if access is None:
        return Observed("vehicle_list", grant.approved_at, None)
    return Observed("vehicle_list", access.missing_since, access.seen_at)


def with_rows(grants: QuerySet[VehicleGrant]) -> QuerySet[VehicleGrant]:
    """The grants with everything that `facts_of` and `access_of` read, in two queries however many there are."""
    accesses = Prefetch("connection__vehicle__accesses", queryset=VehicleAccess.objects.order_by("pk"))
    return (
        with_incidents(grants)
        .select_related("account", "connection__vehicle", "connection__application")
        .prefetch_related(accesses)
    )


def access_of(grant: VehicleGrant) -> VehicleAccess | None:
    """The relation of the grant's own account to the car (prefetched by `with_rows`)."""
    return grant.own_access


def grants_of_account(account: TeslaAccount) -> QuerySet[VehicleGrant]:
    """The account's grants that have not ended."""
    return VehicleGrant.objects.filter(account=account, revoked_at=None)


def grants_of_vehicles(vehicle_ids: Collection[UUID]) -> QuerySet[VehicleGrant]:
    """The grants on these cars that have not ended, whoever gave them."""
    return VehicleGrant.objects.filter(connection__vehicle__in=vehicle_ids, revoked_at=None)


def refresh_verdicts(grants: QuerySet[VehicleGrant], now: datetime) -> int:
    """Rewrite the verdict columns of these grants where they changed; returns how many rows changed.

    One UPDATE per distinct verdict, not per row. Call it in the transaction that changed a fact.
    """
    groups: dict[tuple[str, str, str], list[UUID]] = defaultdict(list)
    for grant in with_rows(grants):
        groups[verdict_columns(diagnose(facts_of(grant, access_of(grant), now)))].append(grant.pk)
    return sum(_write(columns, ids, now) for columns, ids in groups.items())


def verdict_columns(diagnosis: Diagnosis) -> tuple[str, str, str]:
    """Verdict, main cause and next actor, as they are kept on the grant."""
    return str(diagnosis.verdict), diagnosis.main_cause, diagnosis.next_actor


def _write(columns: tuple[str, str, str], ids: Iterable[UUID], now: datetime) -> int:
    verdict, cause, actor = columns
    same = Q(verdict=verdict, main_cause=cause, next_actor=actor, verdict_since__isnull=False)
    changed = VehicleGrant.objects.filter(pk__in=list(ids)).exclude(same)
    return changed.update(verdict=verdict, main_cause=cause, next_actor=actor, verdict_since=now)
