"""The audit at scale: 20,000 sample cars, or as many as `SOAK_SAMPLE_CARS` says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sample_audit import audit_equals_truth
from tests.soak.conftest import size

pytestmark = [pytest.mark.soak, pytest.mark.django_db]


def test_the_audit_of_a_large_fleet_says_row_by_row_what_was_planted(tmp_path: Path) -> None:
    audit_equals_truth(size("SAMPLE_CARS", 20_000), tmp_path)
