"""How many rows one network address may make in a minute, at pages that anybody can open.

Counted in the database, so that all processes share it. Of an address only a checksum is kept that nobody else can
make; of IPv6 the network counts that one customer gets.
"""

from __future__ import annotations

import ipaddress
import uuid
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.crypto import salted_hmac

from vehicles.db import compiled_queries

_CUSTOMER_OF_IPV6: Final = 64
# The row is reused minute by minute. A minute in the future is that of a clock that was wrong.
_COUNT: Final = """
    INSERT INTO connect_addressbudget AS budget (address, minute, used) VALUES (%(address)s, %(minute)s, 1)
    ON CONFLICT (address) DO UPDATE SET
        used = CASE WHEN budget.minute = excluded.minute THEN budget.used + 1 ELSE 1 END,
        minute = excluded.minute
    WHERE budget.minute <> excluded.minute OR budget.used < %(limit)s
"""


class TooMany(Exception):
    """This address made enough rows for now."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many from one address")
        self.retry_after = retry_after


def count(address: str, now: datetime) -> None:
    """Count one row that this address is about to make. Raises `TooMany` with the seconds to wait."""
    seconds = int(now.timestamp())
    given = {
        "address": _checksum(address),
        "minute": minute_of(now),
        "limit": settings.STARTS_PER_ADDRESS_AND_MINUTE,
    }
    if not compiled_queries.run(_COUNT, **given):
        raise TooMany(60 - seconds % 60)


def _checksum(address: str) -> uuid.UUID:
    digest = salted_hmac("connect.run.address_limits", network_of(address), algorithm="sha256").digest()
    return uuid.UUID(bytes=digest[:16])


def network_of(address: str) -> str:
    """What one caller can choose addresses from: of IPv6 the network that one customer gets.

    Callers without an address, such as those over a local socket, are one: empty.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    size = _CUSTOMER_OF_IPV6 if found.version == 6 else 32
    return str(ipaddress.ip_network((found, size), strict=False))


def minute_of(now: datetime) -> int:
    """The minute, as the rows name it."""
    return int(now.timestamp()) // 60
