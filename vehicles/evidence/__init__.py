"""Evidence: how an observation becomes state. Each axis is changed here and nowhere else.

A change, its history event and the verdicts that follow from it are one transaction.
"""

from vehicles.evidence.consent import (
    apply_brake,
    consent_seen,
    legacy_login_seen,
    scopes_seen,
    suspects,
)
from vehicles.evidence.key import (
    key_refused,
    key_seen,
    key_told,
    key_used,
    keys_expired,
    keys_not_told,
    keys_reconsidered,
    keys_seen,
    keys_unanswered,
    protocol_demanded,
    protocol_unsupported,
)
from vehicles.evidence.vehicles import (
    colour_seen,
    remote_access_refused,
    service_seen,
    state_seen,
    vehicle_gone,
    vehicle_seen,
    vehicles_listed,
)

__all__ = [
    "apply_brake",
    "colour_seen",
    "consent_seen",
    "key_refused",
    "key_seen",
    "key_told",
    "key_used",
    "keys_expired",
    "keys_not_told",
    "keys_reconsidered",
    "keys_seen",
    "keys_unanswered",
    "legacy_login_seen",
    "protocol_demanded",
    "protocol_unsupported",
    "remote_access_refused",
    "scopes_seen",
    "service_seen",
    "state_seen",
    "suspects",
    "vehicle_gone",
    "vehicle_seen",
    "vehicles_listed",
]
