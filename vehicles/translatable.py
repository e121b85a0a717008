"""A mark on sentences that are translated where they are shown; for modules that know no framework."""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """The text itself, marked so that `makemessages` finds it."""
    return text
