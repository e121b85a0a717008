"""Rows of the report: each measured in rounds in which ours and the stock way take turns, so that what the machine does
meanwhile falls on both.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from tests.runner import ROOT

REPORT: Final = ROOT / "var" / "bench.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, the median of its rounds. `ratio` is ours by stock's; `spread` the lowest and highest of the rounds,
    of the ratio where there is one.
    """

    name: str
    ours: float
    stock: float | None
    ratio: float | None
    aim: float | None
    met: bool | None
    unit: str
    spread: tuple[float, float]

    def line(self) -> str:
        """The row for people."""
        aim = "" if self.aim is None else f"aim {self.aim:g}: {'met' if self.met else 'MISSED'}"
        stock = "" if self.stock is None else f"stock {self.stock:g}"
        ratio = "" if self.ratio is None else f"ratio {self.ratio:g}"
        spread = f"({self.spread[0]:g} to {self.spread[1]:g})"
        return f"{self.name:48} {self.ours:10g} {self.unit:4} {stock:15} {ratio:11} {spread:20} {aim}"


def alone(
    name: str,
    rounds: Sequence[float],
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> Row:
    """A figure without a stock way; the aim is a bound of it."""
    ours = statistics.median(rounds)
    met = None if at_most is None and at_least is None else _holds(ours, at_most, at_least)
    aim = at_least if at_most is None else at_most
    return Row(name, _round(ours), None, None, aim, met, unit, (_round(min(rounds)), _round(max(rounds))))


def compared(
    name: str,
    rounds: Sequence[tuple[float, float]],
    unit: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Row:
    """Ours and stock of each round; the aim is a bound of the ratio."""
    ratios = [ours / stock for ours, stock in rounds]
    ratio = statistics.median(ratios)
    met = None if at_most is None and at_least is None else _holds(ratio, at_most, at_least)
    ours, stock = (statistics.median(column) for column in zip(*rounds, strict=True))
    spread = (_round(min(ratios)), _round(max(ratios)))
    aim = at_least if at_most is None else at_most
    return Row(name, _round(ours), _round(stock), _round(ratio), aim, met, unit, spread)


def _holds(value: float, at_most: float | None, at_least: float | None) -> bool:
    return (at_most is None or value <= at_most) and (at_least is None or value >= at_least)


def _round(value: float) -> float:
    """Three digits, which is more than any of these figures is good for."""
    return float(f"{value:.3g}")


def write(rows: Sequence[Row], path: Path = REPORT) -> None:
    """Put the rows into the report, in the place of those of the same name."""
    known = json.loads(path.read_text()) if path.exists() else []
    names = {row.name for row in rows}
    kept = [row for row in known if row["name"] not in names]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([*kept, *map(asdict, rows)], indent=1) + "\n")


def per_second(call: Callable[[], object], seconds: float) -> float:
    """How often a second it can be done, one after the other."""
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        call()
        done += 1
    return done / (time.perf_counter() - began)


def centile(values: Sequence[float], at: int) -> float:
    """The value below which so many in a hundred are."""
    return statistics.quantiles(values, n=100)[at - 1]
