"""Past charging as far as Tesla tells it: sessions at its public chargers, what they took and what they cost.

What a car took at home or elsewhere is in no history that applications may read (Fleet API: charging_history). It is
null here, and so is a day's total; days without a session at a public charger are left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from vehicles import access, errors
from vehicles.errors import invalid
from vehicles.models import Integration, VehicleGrant
from vehicles.permissions import PERMISSIONS
from vehicles.reads.asking import Reading
from vehicles.reads.values import Section, mapping, number_or_none, text_or_none, wire_time
from vehicles.upstream import calls

PERMISSION: Final = "read_charge_records"
PAGE_SIZE: Final = 10
"""Sessions on one of Tesla's pages. Larger pages were seen to come back empty."""
MOST_PAGES: Final = 50
FIRST_DAY: Final = date(2012, 1, 1)
"""No public charger of Tesla's is older than that year."""
USUAL_DAYS: Final = 30
LONGEST_DAYS: Final = 366
_CHARGING: Final = "CHARGING"
_USAGE: Final = ("usageBase", "usageTier1", "usageTier2", "usageTier3", "usageTier4")
_EARLIEST_DAY_BEGINS: Final = timedelta(hours=14)
_LATEST_DAY_ENDS: Final = timedelta(hours=12)
"""How far the days of the world's time zones reach before and after the same day in UTC."""


@dataclass(frozen=True, slots=True)
class Period:
    """The first and the last day asked for, as they are counted where the car was charged."""

    first: date
    last: date

    @property
    def query(self) -> dict[str, str]:
        """The period for Tesla, wide enough for every time zone."""
        begins = datetime.combine(self.first, time(), UTC) - _EARLIEST_DAY_BEGINS
        ends = datetime.combine(self.last + timedelta(days=1), time(), UTC) + _LATEST_DAY_ENDS
        return {"startTime": begins.isoformat(), "endTime": ends.isoformat()}

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def period(grant: VehicleGrant, first: date | None, last: date | None, today: date) -> Period:
    """The period asked for; without a first day 30 days, or less if the car was connected later than that.

    `today` is in UTC; it may be tomorrow already where the caller is. Raises VALIDATION.
    """
    last = last or today
    if not FIRST_DAY <= last <= today + timedelta(days=1):
        raise invalid("endDate", f"must be a day from {FIRST_DAY} until today")
    connected = grant.connection.created_at.date()
    first = first or min(max(last - timedelta(days=USUAL_DAYS), connected), last)
    if not FIRST_DAY <= first <= last:
        raise invalid("startDate", f"must be a day from {FIRST_DAY} until endDate")
    if last - first > timedelta(days=LONGEST_DAYS):
        raise invalid("startDate", f"must not be more than {LONGEST_DAYS} days before endDate")
    return Period(first, last)


def records(grant: VehicleGrant, asked: Period, now: datetime) -> Reading:
    """kWh at Tesla's public chargers a day, newest first; null for a day with a session that was not sold by kWh.

    Raises `CatalogueError`: what stands in the way, UPSTREAM errors, and VALIDATION for more sessions than are read.
    """
    _require(grant)
    taken: defaultdict[date, list[float | None]] = defaultdict(list)
    for session in _sessions(_every_page(grant, asked), grant, asked):
        taken[session.day].append(session.energy)
    days = [_day(day, taken[day]) for day in sorted(taken, reverse=True)]
    return Reading({"records": days}, data_age=None, fetched_at=now, unit_system=None)


def billing(grant: VehicleGrant, asked: Period, page: int, now: datetime) -> Reading:
    """One of Tesla's pages of sessions with their cost; page 1 has the newest. A page may be empty and not the last.

    Raises `CatalogueError`: what stands in the way, and UPSTREAM errors.
    """
    _require(grant)
    told, total = _page(grant, asked, page)
    sessions = sorted(_sessions([told], grant, asked), key=lambda each: each.began, reverse=True)
    body = {
        "records": [_bill(session) for session in sessions],
        "hasMoreData": page * PAGE_SIZE < total,
    }
    return Reading(body, data_age=None, fetched_at=now, unit_system=None)


@dataclass(frozen=True, slots=True)
class _Session:
    """One of Tesla's sessions, with the moment at which it began in the time zone of the charger."""

    told: Section
    began: datetime

    @property
    def day(self) -> date:
        return self.began.date()

    @property
    def fees(self) -> list[Section]:
        fees = self.told.get("fees")
        return [mapping(fee) for fee in fees] if isinstance(fees, list) else []

    @property
    def energy(self) -> float | None:
        """kWh; None where energy was not what was sold."""
        sold = [
            fee
            for fee in self.fees
            if fee.get("feeType") == _CHARGING and str(fee.get("uom")).lower() == "kwh"
        ]
        return _sum(number_or_none(fee, field) for fee in sold for field in _USAGE)

    def cost(self, *, charging: bool) -> float | None:
        return _sum(
            number_or_none(fee, "totalDue")
            for fee in self.fees
            if (fee.get("feeType") == _CHARGING) is charging
        )


def _require(grant: VehicleGrant) -> None:
    access.require(grant, PERMISSION)
    if grant.integration == Integration.LEGACY:
        raise access.refuse(
            grant, errors.PLATFORM_NOT_CAPABLE, reason="the Owner API has no charging history"
        )


def _page(grant: VehicleGrant, asked: Period, page: int) -> tuple[list[dict[str, Any]], int]:
    query = asked.query | {"pageNo": str(page), "pageSize": str(PAGE_SIZE)}
    return calls.charging_history(grant, query, PERMISSIONS[PERMISSION].tesla_scope)


def _every_page(grant: VehicleGrant, asked: Period) -> Iterator[list[dict[str, Any]]]:
    for page in range(1, MOST_PAGES + 1):
        told, total = _page(grant, asked, page)
        if total > MOST_PAGES * PAGE_SIZE:
            raise invalid("startDate", f"more than {MOST_PAGES * PAGE_SIZE} sessions: ask for a shorter time")
        yield told
        if page * PAGE_SIZE >= total or not told:
            return


def _sessions(
    pages: Iterable[list[dict[str, Any]]], grant: VehicleGrant, asked: Period
) -> Iterator[_Session]:
    """The sessions of this car and period; one without a usable beginning belongs to no day."""
    for told in (each for page in pages for each in page if each.get("vin") == grant.connection.vehicle.vin):
        began = _moment(told, "chargeStartDateTime")
        if began and began.date() in asked:
            yield _Session(told, began)


def _day(day: date, taken: list[float | None]) -> dict[str, Any]:
    return {
        "date": day.isoformat(),
        "home": None,
        "other": None,
        "superCharger": None if None in taken else _sum(taken),
        "total": None,
    }


def _bill(session: _Session) -> dict[str, Any]:
    ended = _moment(session.told, "chargeStopDateTime")
    number = session.told.get("sessionId")
    return {
        "chargeStart": wire_time(session.began),
        "chargeEnd": wire_time(ended) if ended else None,
        "energyConsumed": session.energy,
        "cost": {
            "currency": next((text_or_none(fee, "currencyCode") for fee in session.fees), None),
            "energy": session.cost(charging=True),
            "other": session.cost(charging=False),
        },
        "location": text_or_none(session.told, "siteLocationName"),
        "recordId": None if number is None else str(number),
    }


def _moment(section: Section, field: str) -> datetime | None:
    """The moment with the offset in which Tesla tells it; without one it is UTC."""
    try:
        moment = datetime.fromisoformat(text_or_none(section, field) or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum of the values that are there; None where there is none."""
    known = [value for value in values if value is not None]
    return round(sum(known), 4) if known else None
