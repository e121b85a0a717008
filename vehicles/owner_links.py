"""The address of the owner's link: what a driver passes on, so that the car's owner adds the key.

Only a signed word that names the driver's grant and when the link was made. What it opens, and for how long, is decided
where it is opened, in Connect.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.core import signing
from django.urls import reverse

from vehicles.models import VehicleGrant

_SALT: Final = "connect.owner"


def token(grant: VehicleGrant, made_at: datetime) -> str:
    """The signed word of the link that was made then; the same however often it is written."""
    return signing.Signer(salt=_SALT).sign_object([grant.pk.hex, int(made_at.timestamp())])


def address(grant: VehicleGrant, made_at: datetime) -> str:
    """The whole address of the link, to be passed on."""
    return str(settings.PUBLIC_URL) + reverse("connect:owner", args=[token(grant, made_at)])


def of_the_hour(grant: VehicleGrant, now: datetime) -> str:
    """The address of a link made in this hour: whoever asks again meanwhile gets the same one."""
    return address(grant, now.replace(minute=0, second=0, microsecond=0))


def unsigned(word: str) -> tuple[str, datetime]:
    """The grant's id and when the link was made. Raises `django.core.signing.BadSignature` for a forged word."""
    grant_id, made_at = signing.Signer(salt=_SALT).unsign_object(word)
    return str(grant_id), datetime.fromtimestamp(made_at, UTC)
