"""The facts of one grant: its stored rows as `diagnosis` wants them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Prefetch, QuerySet

from vehicles.diagnosis import Access, Consent, Facts, MissingReason, Provider
from vehicles.facts import condition, incidents
from vehicles.facts.incidents import Standing
from vehicles.facts.observed import missing_observed, observed
from vehicles.models import IncidentKind, Integration, Mode, TeslaAccount, VehicleAccess, VehicleGrant
from vehicles.permissions import PERMISSIONS, covered_by


def facts_of(grant: VehicleGrant, access: VehicleAccess | None, now: datetime) -> Facts:
    """What is stored about the grant's account, car and permissions, as far as it is young enough to count.

    `access` is the account's relation to the car, None when the account never listed it.
    """
    vehicle = grant.connection.vehicle
    standing = incidents.standing_over(grant)
    key, key_reason = condition.key_of(vehicle, now)
    missing = missing_permissions(grant)
    is_listed = condition.was_listed_lately(vehicle, now)
    return Facts(
        granted=frozenset(grant.granted),
        missing=missing,
        consent=_consent(grant),
        key=key,
        key_reason=key_reason,
        provider=_provider(grant, standing),
        fleet_signs=_fleet_signs(grant),
        protocol_required=vehicle.protocol_required,
        region=grant.account.region,
        access=Access(access.access_type) if access else None,
        owner_connected=_owner_connected(grant, access),
        vehicle_missing=access is not None and access.missing_since is not None,
        key_slots_full=condition.key_slots_full(vehicle),
        remote_access_disabled=is_listed and vehicle.remote_access_disabled,
        in_service=is_listed and vehicle.in_service,
        asleep=condition.is_asleep(vehicle, now),
        paused=vehicle.paused or grant.connection.application.paused,
        **incidents.faults(grant, standing),
        observed=observed(grant, access, standing),
        missing_observed=missing_observed(grant, missing),
    )


def _consent(grant: VehicleGrant) -> Consent:
    """The older login carries no consent to vehicle scopes: it lives or it does not."""
    if grant.integration == Integration.FLEET:
        return Consent(grant.account.consent)
    return Consent.SIGN_IN_NEEDED if grant.account.legacy_login_lost_at else Consent.ACTIVE


def _owner_connected(grant: VehicleGrant, access: VehicleAccess | None) -> bool:
    """Whether an owner's account is attached to the car here: the person's own, or for a driver another's."""
    if access is None or access.access_type == Access.OWNER:
        return True
    relations = grant.connection.vehicle.accesses.all()
    return any(row.access_type == Access.OWNER and row.missing_since is None for row in relations)


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
        gone = set(grant.granted) - set(covered_by(grant.granted, grant.account.granted_scopes))
        missing |= dict.fromkeys(never.union(grant.not_granted), MissingReason.NOT_GRANTED_AT_TESLA)
        missing |= dict.fromkeys(gone, MissingReason.WITHDRAWN_AT_TESLA)
    return missing


def working_permissions(grant: VehicleGrant) -> list[str]:
    """The approved permissions that Tesla's scopes cover now, by name."""
    if grant.integration == Integration.LEGACY:
        return sorted(grant.approved)
    return sorted(covered_by(grant.granted, grant.account.granted_scopes))


def with_rows(grants: QuerySet[VehicleGrant]) -> QuerySet[VehicleGrant]:
    """The grants with everything that `facts_of` and `access_of` read, in two queries however many there are."""
    accesses = Prefetch("connection__vehicle__accesses", queryset=VehicleAccess.objects.order_by("pk"))
    return (
        incidents.with_incidents(grants)
        .select_related("account", "connection__vehicle", "connection__application")
        .prefetch_related(accesses)
    )


def access_of(grant: VehicleGrant) -> VehicleAccess | None:
    """The relation of the grant's own account to the car (prefetched by `with_rows`)."""
    return grant.own_access


def grants_of_account(account: TeslaAccount) -> QuerySet[VehicleGrant]:
    """The account's grants that have not ended."""
    return VehicleGrant.objects.standing().filter(account=account)


def grants_of_vehicles(vehicle_ids: Collection[UUID]) -> QuerySet[VehicleGrant]:
    """The grants on these cars that have not ended, whoever gave them."""
    return VehicleGrant.objects.standing().filter(connection__vehicle__in=vehicle_ids)
