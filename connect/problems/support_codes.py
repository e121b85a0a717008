"""Support codes: short words that a person reads out from a page, and that staff search finds."""

from __future__ import annotations

import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32 signs: none that is taken for another when read out."""
_LENGTH: Final = 8
_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V", "-": None, " ": None})


def new() -> str:
    """A fresh code, as it is stored."""
    return "".join(secrets.choice(ALPHABET) for _ in range(_LENGTH))


def shown(code: str) -> str:
    """The code as a page shows it: `K7PM-3QXD`."""
    return f"{code[:4]}-{code[4:]}" if code else ""


def normalize(text: str) -> str:
    """The stored code that somebody typed or heard; empty when the text cannot be one."""
    code = text.strip().upper().translate(_MISREAD)
    return code if len(code) == _LENGTH and set(code) <= set(ALPHABET) else ""
