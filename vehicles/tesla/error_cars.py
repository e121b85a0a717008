"""Cars of simulated people with which every call, or Connect, ends in one error: their VINs, which name the error.

Both sides need to know them: the simulated Tesla gives such a car to whoever signs in with an error's e-mail address,
and the API answers with the error when it sees the car.
"""

from __future__ import annotations

import zlib
from typing import Final

TYPES: Final = (
    *("AUTHENTICATION", "BILLING", "COMPATIBILITY", "CONNECTED_SERVICES_ACCOUNT", "PERMISSION", "RATE_LIMIT"),
    *("RESOURCE_NOT_FOUND", "SERVER", "UPSTREAM", "VALIDATION", "VEHICLE_STATE"),
)
"""The types of errors that have logins: all."""


def vin_of(error: str) -> str:
    """The VIN of the car for this error, by its name or as Connect names it. A Model S that takes no key."""
    return f"5YJSA1E20JE{zlib.crc32(error.encode()) % 1_000_000:06d}"
