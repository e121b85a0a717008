"""Tesla's names of paints in plain words, as an owner would say them."""

from __future__ import annotations

import re
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_WORDS: Final[dict[str, str | Promise]] = {
    "Black": _("black"),
    "White": _("white"),
    "Silver": _("silver"),
    "Grey": _("grey"),
    "Gray": _("grey"),
    "Blue": _("blue"),
    "Red": _("red"),
    "Green": _("green"),
    "Brown": _("brown"),
    "Quicksilver": _("silver"),
    "Cherry": _("red"),
    "Multicoat": _("red"),
}
_NAMES: Final[dict[str, str | Promise]] = {
    # By its name a silver, but a dark grey to everybody who sees it.
    "MidnightSilver": _("dark grey"),
    "SteelGrey": _("dark grey"),
    "StealthGrey": _("dark grey"),
    "DeepBlue": _("dark blue"),
}


def in_words(paint: str) -> str:
    """`MidnightSilver` becomes “dark grey”; a paint that names no colour we know is left out rather than guessed."""
    known = _NAMES.get(paint)
    parts = re.findall(r"[A-Z][a-z]*", paint)
    word = known or next((_WORDS[part] for part in parts if part in _WORDS), "")
    return str(word)
