"""An application's secrets: made here, readable only in the moment they are made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from vehicles import encryption
from vehicles.client_credentials import checksum
from vehicles.models import Application


@dataclass(frozen=True, slots=True)
class NewCredentials:
    """What was just made, to be shown once; an empty value was not made."""

    client_secret: str = field(default="", repr=False)
    management_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class KeptCredentials:
    """What an application has where it comes from and keeps; an empty value is made anew."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    management_token: str = field(default="", repr=False)


def issue(application: Application, kept: KeptCredentials | None = None) -> NewCredentials:
    """Give a new application its credentials and save it; returns those that were made, not those that were kept."""
    kept = kept or KeptCredentials()
    application.client_id = kept.client_id or application.client_id
    secret = application.client_secret = kept.client_secret or application.client_secret
    application.save()
    # A public client cannot keep a secret, so it is shown none.
    is_made = application.client_type == Application.CLIENT_CONFIDENTIAL and not kept.client_secret
    token = kept.management_token or secrets.token_urlsafe(32)
    keep_management_token(application, token)
    return NewCredentials(secret if is_made else "", "" if kept.management_token else token)


def new_client_secret(application: Application) -> NewCredentials:
    """Replace the client secret; the earlier one ends at once. Tokens that were issued stay valid."""
    secret = secrets.token_urlsafe(32)
    application.client_secret = secret
    application.save(update_fields=["client_secret", "updated"])
    return NewCredentials(client_secret=secret)


def new_management_token(application: Application) -> NewCredentials:
    """Replace the management token; the earlier one ends at once."""
    token = secrets.token_urlsafe(32)
    keep_management_token(application, token)
    return NewCredentials(management_token=token)


def keep_management_token(application: Application, token: str) -> None:
    """Store this management token: encrypted, since it also signs webhooks, and a checksum to find it by."""
    application.management_token_encrypted = encryption.encrypt(
        encryption.management_token_purpose(application.pk), token
    )
    application.management_token_checksum = checksum(token)
    application.save(update_fields=["management_token_encrypted", "management_token_checksum", "updated"])
