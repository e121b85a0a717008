"""What can happen, by name."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What can happen: subject, then what became of it."""

    ACCOUNT_CONNECTED = "account:connected"
    ACCOUNT_ERASED = "account:erased"
    CONSENT_CHANGED = "consent:changed"
    SCOPES_CHANGED = "scopes:changed"
    LEGACY_LOGIN_CHANGED = "legacy_login:changed"
    TOKENS_SUPERSEDED = "tokens:superseded"
    TOKENS_RESTORED = "tokens:restored"
    DATABASE_RESTORED = "database:restored"
    VEHICLE_APPEARED = "vehicle:appeared"
    VEHICLE_DISAPPEARED = "vehicle:disappeared"
    ACCESS_CHANGED = "access:changed"
    KEY_CHANGED = "key:changed"
    VEHICLE_CHANGED = "vehicle:changed"
    GRANT_GIVEN = "grant:given"
    GRANT_MOVED = "grant:moved"
    GRANT_COVERED = "grant:covered"
    GRANT_REVOKED = "grant:revoked"
    IDS_RESERVED = "ids:reserved"
    IDS_GIVEN_BACK = "ids:given_back"
    COMMAND_ENDED = "command:ended"
    CONNECT_STARTED = "connect:started"
    CONNECT_ENDED = "connect:ended"
    OWNER_SIGNED_IN = "connect:owner_signed_in"
    FIX_LINK_MADE = "fix_link:made"
    FIX_LINK_WITHDRAWN = "fix_link:withdrawn"
    CODE_REUSED = "authorization_code:reused"
    REFRESH_TOKEN_REUSED = "refresh_token:reused"  # noqa: S105  (a name, no secret)
    INCIDENT_BEGAN = "incident:began"
    INCIDENT_ENDED = "incident:ended"
    APPLICATION_CHANGED = "application:changed"
    STAFF_VIEWED = "staff:viewed"
    STAFF_ACTED = "staff:acted"
    STAFF_SIGNED_IN = "staff:signed_in"
    STAFF_SIGN_IN_REFUSED = "staff:sign_in_refused"
    STAFF_SIGNED_OUT = "staff:signed_out"
