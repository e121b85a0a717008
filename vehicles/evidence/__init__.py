"""Evidence: how an observation becomes state. Each axis is changed here and nowhere else.

A change, its history event and the verdicts that follow from it are one transaction.
"""

from vehicles.evidence.consent import (
    API_ANSWER,
    API_DENIAL,
    LOGIN,
    TOKEN,
    consent_seen,
    legacy_login_seen,
    scopes_seen,
    stands,
    suspects,
)
from vehicles.evidence.key import (
    COMMAND,
    FLEET_STATUS,
    PROOF_OUTRANKS,
    key_refused,
    key_seen,
    key_used,
    keys_not_told,
    protocol_demanded,
    protocol_unsupported,
)
from vehicles.evidence.vehicles import colour_seen, vehicle_gone, vehicles_listed

__all__ = [
    "API_ANSWER",
    "API_DENIAL",
    "COMMAND",
    "FLEET_STATUS",
    "LOGIN",
    "PROOF_OUTRANKS",
    "TOKEN",
    "colour_seen",
    "consent_seen",
    "key_refused",
    "key_seen",
    "key_used",
    "keys_not_told",
    "legacy_login_seen",
    "protocol_demanded",
    "protocol_unsupported",
    "scopes_seen",
    "stands",
    "suspects",
    "vehicle_gone",
    "vehicles_listed",
]
