"""What a Tesla's VIN tells by itself: model, year, and whether such a car takes virtual keys."""

from __future__ import annotations

from typing import Final

MODELS: Final[dict[str, str]] = {
    "S": "Model S",
    "X": "Model X",
    "3": "Model 3",
    "Y": "Model Y",
    "C": "Cybertruck",
    "R": "Roadster",
    "T": "Semi",
}
MANUFACTURERS: Final[dict[str, str]] = {
    "5YJ": "cars made in the United States",
    "7SA": "utility vehicles made in the United States",
    "7G2": "trucks made in the United States",
    "LRW": "made in China",
    "XP7": "made in Germany",
    "SFZ": "the Roadster of 2008, made in England",
}
"""Tesla's codes as a manufacturer: the first three characters (ISO 3780)."""
_YEAR_LETTERS: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
_FIRST_YEAR: Final = 2010
_KEYLESS_UNTIL: Final = 2020
"""The last model year of Model S and X without virtual keys."""


def is_tesla(vin: str) -> bool:
    """Whether Tesla made the car with this VIN."""
    return vin[:3] in MANUFACTURERS


def model(vin: str) -> str:
    """The model's name, for example `Model 3`; empty when the VIN is not a Tesla's."""
    return MODELS.get(vin[3:4], "") if len(vin) == 17 else ""


def year(vin: str) -> int | None:
    """The model year from the tenth character; None when it is no year letter."""
    place = _YEAR_LETTERS.find(vin[9:10]) if len(vin) == 17 else -1
    return _FIRST_YEAR + place if place >= 0 else None


def takes_keys(vin: str) -> bool:
    """Whether a car with this VIN can carry a virtual key and requires signed commands (Fleet API: virtual keys).

    All but the Model S and X before 2021; some early 2021 cars with the old motors count as before.
    """
    if vin[3:4] not in ("S", "X"):
        return True
    made = year(vin) or 0
    return made > _KEYLESS_UNTIL and not (made == _KEYLESS_UNTIL + 1 and vin[7:8] in ("1", "2", "3", "4"))
