"""Limits on attempts to sign in, counted in the database by quarter of an hour.

An attempt is counted before the password is looked at, so that many at once get no further than one after the other;
one that works is taken off again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac

from connect.run.address_limits import network_of
from portal.models import SignInTally
from vehicles.db import compiled_queries

PERIOD_SECONDS: Final = 900
MOST_OF_ADDRESS: Final = 30
"""Attempts that one address may fail in a period, under whatever names."""
MOST_OF_NAME_AND_ADDRESS: Final = 10
MOST_TOLD: Final = 20
"""Refusals that the trail, which never forgets, keeps of one name in a period; of all unknown names likewise."""


@dataclass(eq=False)
class TooManyAttempts(Exception):
    """No attempt is left until the period is over."""

    retry_after: int


def count(name: str, address: str, now: datetime) -> None:
    """Count one attempt. Raises `TooManyAttempts`; then it counts for nobody."""
    period, passed = divmod(int(now.timestamp()), PERIOD_SECONDS)
    # The address first: behind a name that was made up stands an address that was not.
    limits = {_of_address(address): MOST_OF_ADDRESS, _of_both(name, address): MOST_OF_NAME_AND_ADDRESS}
    with transaction.atomic():
        if not all(_add(subject, period, most) for subject, most in limits.items()):
            raise TooManyAttempts(PERIOD_SECONDS - passed)


def give_back(name: str, address: str, now: datetime) -> None:
    """An attempt worked: it counts no more, and earlier ones under the name are forgiven."""
    period = int(now.timestamp()) // PERIOD_SECONDS
    with transaction.atomic():
        SignInTally.objects.filter(subject=_of_address(address), period=period, used__gt=0).update(
            used=F("used") - 1
        )
        SignInTally.objects.filter(subject=_of_both(name, address), period=period).delete()


def may_be_told(who: str, now: datetime) -> bool:
    """Whether one more refusal of this member of staff, or of unknown names, is written to the trail."""
    period = int(now.timestamp()) // PERIOD_SECONDS
    return _add(_hashed("told", who), period, MOST_TOLD)


def forget_old(now: datetime) -> None:
    """Drop the counts of periods that are over."""
    SignInTally.objects.filter(period__lt=int(now.timestamp()) // PERIOD_SECONDS).delete()


def _add(subject: str, period: int, most: int) -> bool:
    return bool(
        compiled_queries.run(
            """
            INSERT INTO portal_signintally AS tally (subject, period, used) VALUES (%(subject)s, %(period)s, 1)
            ON CONFLICT (subject, period) DO UPDATE SET used = tally.used + 1 WHERE tally.used < %(most)s
            """,
            subject=subject,
            period=period,
            most=most,
        )
    )


def _of_address(address: str) -> str:
    return _hashed("address", network_of(address))


def _of_both(name: str, address: str) -> str:
    return _hashed("name and address", f"{name.casefold()}\0{network_of(address)}")


def _hashed(what: str, text: str) -> str:
    return salted_hmac(f"portal.sign_in.{what}", text, algorithm="sha256").hexdigest()
