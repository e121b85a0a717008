"""Check digits of vehicle identification numbers (ISO 3779, position 9)."""

from __future__ import annotations

from typing import Final

_LETTER_VALUES: Final = dict(
    zip(
        "ABCDEFGHJKLMNPRSTUVWXYZ",
        (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
        strict=True,
    )
)
_VALUES: Final = _LETTER_VALUES | {str(digit): digit for digit in range(10)}
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def with_check_digit(vin: str) -> str:
    """The number with its ninth character set to the right check digit; whatever stands there is ignored."""
    total = sum(_VALUES[letter] * weight for letter, weight in zip(vin, _WEIGHTS, strict=True) if weight)
    return f"{vin[:8]}{'0123456789X'[total % 11]}{vin[9:]}"


def is_valid(vin: str) -> bool:
    """Whether it is a complete number with the right check digit."""
    return len(vin) == 17 and all(letter in _VALUES for letter in vin) and with_check_digit(vin) == vin
