"""Grants: giving, moving and taking back what a person allows an application, holding it back, and erasing a person."""

from vehicles.grants.giving import (
    application_user,
    give,
    have_moved,
    move_to_fleet,
    revoke,
    revoke_all,
    stand,
    used,
    widen,
)

__all__ = [
    "application_user",
    "give",
    "have_moved",
    "move_to_fleet",
    "revoke",
    "revoke_all",
    "stand",
    "used",
    "widen",
]
