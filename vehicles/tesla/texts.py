"""Texts from Tesla, cleaned where they come in: names that people typed, and the words of cars and servers.

What is taken out can be shown or stored nowhere: half surrogate pairs (no UTF-8), NUL (no PostgreSQL), other control
characters, and marks that turn the direction of the text around them.
"""

from __future__ import annotations

import re
from typing import Any, Final

MOST: Final = 65536
"""Characters of one text. A signed answer takes a few thousand; nothing of Tesla's comes near this."""
_NOTHING: Final = "<invalid>"
_UNFIT: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]+"
)
"""Control characters, line separators, marks of direction, noncharacters, half surrogate pairs."""
_BLANK: Final = re.compile("[\\t\\n\\r\\x0b\\x0c\\x85\u2028\u2029]")


def clean(text: str) -> str:
    """The text without what cannot be stored or shown; a line break or tab becomes a space. At most `MOST` long."""
    if len(text) > MOST:
        text = text[:MOST]
    if text.isascii() and text.isprintable():
        return text
    return _UNFIT.sub(_instead, text)


def _instead(found: re.Match[str]) -> str:
    return " " if _BLANK.search(found[0]) else ""


def cleaned(value: Any) -> Any:
    """A value read from JSON with every text in it clean, keys too."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): cleaned(each) for key, each in value.items()}
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    return value


def is_nothing(text: str) -> bool:
    """Whether the text is empty or Tesla's word for a value that the car does not have."""
    return text.strip().lower() in ("", _NOTHING)


def told(value: object, most: int) -> str:
    """The text in a field, cut to `most` characters; empty for none, for Tesla's word for nothing, and for anything
    that is neither text nor number.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value)
    return "" if is_nothing(text) else text[:most]
