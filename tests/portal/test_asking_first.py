"""What staff cannot take back is asked about on a page of its own before it happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.runner import ROOT

TEMPLATES: Final = sorted((ROOT / "portal/templates").rglob("*.html"))
ENDS_SOMETHING: Final = re.compile(r"withdraw|renew|end|delete|revoke|erase|remove", re.IGNORECASE)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.stem)
def test_a_button_that_ends_something_stands_on_a_page_that_asks(template: Path) -> None:
    text = template.read_text()
    for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
        target = re.search(r'action="([^"]*)"', form)
        if target and ENDS_SOMETHING.search(target[1]):
            raise AssertionError(f"{template.name} ends something at once: {target[1]}")
        if target is None:
            assert "Leave it as it is" in form, f"{template.name} offers no way to leave it"
