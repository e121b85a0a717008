"""A hundred thousand signed messages of random fields: the simulated cars answer each of them."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.soak.conftest import Report, size
from tests.vehicles.tesla.simulator.odd_messages import a_crowd_of_odd_messages

pytestmark = pytest.mark.soak

ODD_MESSAGES = size("ODD_MESSAGES", 100_000)
A_ROUND = 5_000


def test_no_signed_message_ends_a_car(report: Report) -> None:
    seen: Counter[str] = Counter()
    for seed in range(0, ODD_MESSAGES, A_ROUND):
        seen += a_crowd_of_odd_messages(min(A_ROUND, ODD_MESSAGES - seed), seed)
    report(f"{ODD_MESSAGES} odd messages: {dict(seen.most_common(12))}")
    assert seen["done"] > ODD_MESSAGES / 20
