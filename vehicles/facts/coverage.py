"""Which of a grant's permissions work, as far as Tesla's scopes decide, and why the others do not."""

from __future__ import annotations

from vehicles.diagnosis import Consent, MissingReason
from vehicles.models import Integration, TeslaAccount, VehicleGrant
from vehicles.permissions import PERMISSIONS, covered_by


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


def signed_over_fleet(grant: VehicleGrant) -> frozenset[str]:
    """Of a legacy grant, the permissions whose signed commands the person's consent to the Fleet API covers."""
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
