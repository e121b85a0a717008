"""What sample people and cars are like, in percent, and dice that always fall the same."""

from __future__ import annotations

import hashlib
from typing import Final, TypeVar

from vehicles.tesla import scopes
from vehicles.tesla.simulator.samples.scenarios import Region, State

T = TypeVar("T")

MODELS: Final = (
    ("5YJ3E7EA_K", 18),
    ("5YJ3E1EB_N", 14),
    ("LRW3E7FA_P", 8),
    ("7SAYGDEE_N", 20),
    ("XP7YGCES_R", 14),
    ("5YJSA1E2_J", 9),
    ("5YJSA1E5_N", 5),
    ("5YJXCAE2_K", 6),
    ("7SAXCDE5_P", 4),
    ("7G2CEHED_R", 2),
)
STATES: Final[tuple[tuple[State, int], ...]] = (("asleep", 50), ("online", 42), ("offline", 8))
REGIONS: Final[tuple[tuple[Region, int], ...]] = (("na", 60), ("eu", 40))
FIRMWARES: Final = (("2026.32.6", 55), ("2026.26.11", 30), ("2025.44.3", 10), ("2024.20.9", 5))
_FULL: Final = (
    *scopes.SIGN_IN,
    scopes.USER_DATA,
    scopes.VEHICLE_DEVICE_DATA,
    scopes.VEHICLE_LOCATION,
    scopes.VEHICLE_CMDS,
    scopes.VEHICLE_CHARGING_CMDS,
)
CONSENTS: Final[tuple[tuple[tuple[str, ...] | None, int], ...]] = (
    (_FULL, 78),
    (tuple(scope for scope in _FULL if scope != scopes.VEHICLE_LOCATION), 8),
    (tuple(scope for scope in _FULL if scope != scopes.VEHICLE_CMDS), 5),
    ((*scopes.SIGN_IN, scopes.VEHICLE_DEVICE_DATA), 4),
    (scopes.SIGN_IN, 2),
    (None, 3),
)
FIRST_NAMES: Final = (
    "Alex",
    "Billie",
    "Casey",
    "Devon",
    "Elliot",
    "Frankie",
    "Gabriel",
    "Harper",
    "Jamie",
    "Kim",
)
LAST_NAMES: Final = (
    "Ash",
    "Birch",
    "Cedar",
    "Elm",
    "Fir",
    "Hazel",
    "Juniper",
    "Linden",
    "Maple",
    "Oak",
    "Pine",
    "Rowan",
)


class Dice:
    """Numbers that look random and are the same for the same seed, kind and index."""

    def __init__(self, seed: int, kind: str, index: int) -> None:
        digest = hashlib.blake2b(f"{seed}:{kind}:{index}".encode(), digest_size=16).digest()
        self._left = int.from_bytes(digest, "big")

    def below(self, limit: int) -> int:
        """A number from 0 to below `limit`."""
        self._left, number = divmod(self._left, limit)
        return number

    def happens(self, percent: int) -> bool:
        """True in so many of a hundred cases."""
        return self.below(100) < percent

    def pick(self, weighted: tuple[tuple[T, int], ...]) -> T:
        """One of the values, as often as their weights say; these add up to 100.

        Raises `ValueError` where they do not.
        """
        number = self.below(100)
        for value, weight in weighted:
            number -= weight
            if number < 0:
                return value
        raise ValueError("the weights do not add up to 100")
