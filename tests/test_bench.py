"""How the figures of `make bench` are put together; the figures themselves are not a matter of tests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.rows import alone, compared, write


def test_ratio_and_spread_come_from_rounds_in_which_both_took_turns() -> None:
    row = compared("reads", [(500, 100), (300, 50), (80, 20)], "1/s", at_least=5)
    assert (row.ours, row.stock, row.ratio, row.spread) == (300, 50, 5, (4, 6))
    assert (row.aim, row.met) == (5, True)


@pytest.mark.parametrize(("bound", "met"), [({"at_most": 4}, True), ({"at_most": 2}, False), ({}, None)])
def test_a_figure_without_a_stock_way_is_held_against_its_bound(
    bound: dict[str, float], met: bool | None
) -> None:
    row = alone("latency", [1, 9, 3], "ms", **bound)
    assert (row.ours, row.spread, row.aim, row.met) == (3, (1, 9), bound.get("at_most"), met)


def test_the_report_keeps_the_rows_of_other_runs(tmp_path: Path) -> None:
    report = tmp_path / "bench.json"
    write([alone("one", [1], "ms"), alone("two", [2], "ms")], report)
    write([alone("one", [3], "ms")], report)
    written = json.loads(report.read_text())
    assert [(row["name"], row["ours"]) for row in written] == [("two", 2), ("one", 3)]
    assert set(written[0]) == {"name", "ours", "stock", "ratio", "aim", "met", "unit", "spread"}
