"""QR codes, drawn here: no outside resource sees the address."""

from __future__ import annotations

from io import BytesIO

import segno
from django.utils.safestring import SafeString, mark_safe


def qr_code(address: str) -> SafeString:
    """The address as an SVG drawing, black on transparent, to be put into a page."""
    drawing = BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(
        drawing, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=1, svgclass=None, lineclass=None
    )
    # Drawn here from an address of ours; an address is no markup in it.
    return mark_safe(drawing.getvalue().decode())  # noqa: S308
