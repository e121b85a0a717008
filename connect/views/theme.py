"""The application's colour as a small stylesheet: the content security policy allows no inline style."""

from __future__ import annotations

from typing import Final

_WHITE: Final = (255, 255, 255)
_INK: Final = (20, 24, 31)
_LIGHT_SURFACE: Final = (255, 255, 255)
_DARK_SURFACE: Final = (23, 28, 35)
_READABLE: Final = 4.5
"""Contrast of text on its ground that WCAG 2.2 asks for at level AA."""

Colour = tuple[int, int, int]


def stylesheet(colour: str) -> str:
    """Custom properties for an application's colour (six hexadecimal digits), readable in light and dark."""
    accent = _parse(colour)
    light, dark = _toward(accent, (0, 0, 0), _LIGHT_SURFACE), _toward(accent, _WHITE, _DARK_SURFACE)
    return (
        f":root{{{_properties(accent, light)}}}\n"
        f"@media (prefers-color-scheme: dark){{:root{{{_properties(dark, dark)}}}}}\n"
    )


def contrast(one: Colour, other: Colour) -> float:
    """The contrast ratio of two colours, 1 to 21, as WCAG defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _properties(accent: Colour, text: Colour) -> str:
    on_accent = max((_WHITE, _INK), key=lambda ink: contrast(accent, ink))
    return f"--accent:{_hex(accent)};--on-accent:{_hex(on_accent)};--accent-text:{_hex(text)}"


def _toward(colour: Colour, goal: Colour, ground: Colour) -> Colour:
    """The colour, moved in steps toward black or white until it can be read on the ground."""
    for step in range(21):
        share = step / 20
        mixed = tuple(round(c + (g - c) * share) for c, g in zip(colour, goal, strict=True))
        if contrast((mixed[0], mixed[1], mixed[2]), ground) >= _READABLE:
            return (mixed[0], mixed[1], mixed[2])
    return goal


def _luminance(colour: Colour) -> float:
    red, green, blue = (_linear(channel / 255) for channel in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def _parse(colour: str) -> Colour:
    return int(colour[0:2], 16), int(colour[2:4], 16), int(colour[4:6], 16)


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
