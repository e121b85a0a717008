"""The table of facts: complete, and with the same answer in Python and in the database, whatever the rows hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import override_settings
from django.utils import timezone
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from tests.factories import (
    ApplicationFactory,
    ConnectionFactory,
    IncidentFactory,
    PersonFactory,
    TeslaAccountFactory,
    VehicleAccessFactory,
    VehicleFactory,
    VehicleGrantFactory,
)
from vehicles import facts
from vehicles.diagnosis import Access, Consent, Facts, Key, KeyReason, diagnose
from vehicles.facts import verdicts
from vehicles.facts.combination import with_combinations
from vehicles.facts.sources import SOURCES
from vehicles.facts.table import DECIDING, FACTS
from vehicles.models import (
    Connection,
    IncidentKind,
    Integration,
    Mode,
    TeslaAccount,
    Vehicle,
    VehicleAccess,
    VehicleGrant,
)
from vehicles.tesla import scopes

ASKED = ("read_vin", "read_location", "control_security")
REGIONS = ("eu", "na")
LIMITS = sorted({source.age_limit for source in SOURCES.values() if source.age_limit})
COLUMNS = ("verdict", "main_cause", "next_actor", "lacks_permissions")


def test_the_table_has_a_row_for_every_fact_and_no_other() -> None:
    names = [fact.name for fact in FACTS]
    assert sorted(names) == sorted(field.name for field in fields(Facts))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_every_fact_is_told_by_the_database_or_says_why_it_need_not_be(fact: Any) -> None:
    assert (fact.sql is None) == bool(fact.undecided), f"{fact.name}: either `sql`, or why it is `undecided`"


# Random rows -------------------------------------------------------------------------------------------------------

some = st.sampled_from
often = some((True, True, True, False))
seldom = some((False, False, False, True))
names = some(([], list(ASKED[1:]), list(ASKED)))
few_names = some(([], list(ASKED[2:])))
"""Few enough that of some dozen rows many are equal but for one thing."""
age = some((None, timedelta(), *LIMITS, *(limit - timedelta(microseconds=1) for limit in LIMITS)))
"""How long ago something was seen: exactly as long as it may be, and a moment less, are where mistakes would be."""


@dataclass(frozen=True)
class Row:
    """What decides about one grant."""

    account: dict[str, Any]
    vehicle: dict[str, Any]
    grant: dict[str, Any]
    own: tuple[Access, bool] | None
    other: tuple[Access, bool] | None
    """The relation of the grant's own account, and of another one, to the car: what kind, whether missing."""
    application: int


ROWS = st.lists(
    st.builds(
        Row,
        account=st.fixed_dictionaries(
            {
                "consent": some(list(Consent)),
                "granted_scopes": some(([], list(scopes.LABELS))),
                "region": some(REGIONS),
                "legacy_login_lost_at": seldom,
                "mode": some(list(Mode)),
            }
        ),
        vehicle=st.fixed_dictionaries(
            {
                "key": some(list(Key)),
                "key_reason": some(["", *KeyReason]),
                "key_source": some(["", *SOURCES]),
                "key_observed_at": age,
                "protocol_required": some((None, True, False)),
                "total_keys": some((None, 19, 20)),
                "in_service": seldom,
                "remote_access_disabled": seldom,
                "listed_at": age,
                "state": some(("asleep", "online")),
                "state_observed_at": age,
                "paused": seldom,
            }
        ),
        grant=st.fixed_dictionaries(
            {
                "integration": some(list(Integration)),
                "requested": names,
                "approved": names,
                "declined": few_names,
                "not_granted": few_names,
            }
        ),
        own=st.none() | st.tuples(some(list(Access)), seldom),
        other=st.none() | st.tuples(some(list(Access)), seldom),
        application=st.integers(0, 2),
    ),
    min_size=20,
    max_size=60,
)
INCIDENTS = st.sets(st.tuples(some(list(IncidentKind)), some(list(Mode)), some(("", *REGIONS))), max_size=3)


def plant(rows: list[Row], incidents: set[tuple[str, str, str]], now: datetime) -> None:
    """All the rows, a table at a time."""
    person = PersonFactory()
    applications = [ApplicationFactory(paused=paused) for paused in (False, False, True)]
    for kind, mode, region in incidents:
        IncidentFactory(kind=kind, mode=mode, region=region, began_at=now, ended_at=None)
    accounts, vehicles, accesses, connections, grants = [], [], [], [], []
    for row in rows:
        account, other = (
            TeslaAccountFactory.build(person=person, **dated(row.account, now)) for _ in range(2)
        )
        vehicle = VehicleFactory.build(mode=account.mode, **dated(row.vehicle, now))
        connection = ConnectionFactory.build(application=applications[row.application], vehicle=vehicle)
        for of, relation in ((account, row.own), (other, row.other)):
            if relation:
                kind, is_missing = relation
                accesses.append(
                    VehicleAccessFactory.build(
                        account=of,
                        vehicle=vehicle,
                        access_type=kind,
                        missing_since=now if is_missing else None,
                    )
                )
        accounts += [account, other]
        vehicles.append(vehicle)
        connections.append(connection)
        grants.append(VehicleGrantFactory.build(connection=connection, account=account, **row.grant))
    TeslaAccount.objects.bulk_create(accounts)
    Vehicle.objects.bulk_create(vehicles)
    VehicleAccess.objects.bulk_create(accesses)
    Connection.objects.bulk_create(connections)
    for grant in grants:
        grant.connection = grant.connection  # takes over the key that the database gave the connection
    VehicleGrant.objects.bulk_create(grants)


def dated(columns: dict[str, Any], now: datetime) -> dict[str, Any]:
    """How long ago something was becomes when."""
    since = {name: now - value for name, value in columns.items() if isinstance(value, timedelta)}
    lost = {name: now if columns[name] else None for name in columns if name == "legacy_login_lost_at"}
    return {**columns, **since, **lost}


def loaded(now: datetime) -> dict[Any, Facts]:
    """The facts of every grant, each read by itself."""
    grants = facts.with_rows(VehicleGrant.objects.all())
    return {grant.pk: facts.facts_of(grant, now) for grant in grants}


def each_fact_is_told_in_whole(known: dict[Any, Facts], now: datetime) -> None:
    """Where the database says the same of two grants, they have the same value: for every fact of its own."""
    for fact in DECIDING:
        told: dict[str, list[Any]] = defaultdict(list)
        grants = with_combinations(VehicleGrant.objects.all(), now, [fact])
        for pk, text in grants.values_list("pk", "combination"):
            told[text].append(getattr(known[pk], fact.name))
        for values in told.values():
            assert all(value == values[0] for value in values), (
                f"the database tells too little of {fact.name}"
            )


def sets_get_the_verdicts_of_each_alone(known: dict[Any, Facts], now: datetime, *, in_parts: bool) -> None:
    alone = {pk: facts.verdict_columns(diagnose(each)) for pk, each in known.items()}
    if in_parts:
        assert sum(part.seen for part in facts.refresh_in_parts(VehicleGrant.objects.all(), now)) == len(
            alone
        )
    else:
        with mock.patch.object(verdicts, "FEW", -1):
            facts.refresh_verdicts(VehicleGrant.objects.all(), now)
    stored = {row[0]: row[1:] for row in VehicleGrant.objects.values_list("pk", *COLUMNS)}
    assert stored == alone


def what_is_undecided_decides_nothing(all_known: Iterable[Facts]) -> None:
    others: dict[str, dict[str, Any]] = {
        "protocol_required": {"protocol_required": None},
        "asleep": {"asleep": True},
        "observed": {"observed": {}},
        "missing_observed": {"missing_observed": {}},
    }
    assert set(others) == {fact.name for fact in FACTS if fact.undecided}
    for known in all_known:
        columns = facts.verdict_columns(diagnose(known))
        for name, other in others.items():
            assert facts.verdict_columns(diagnose(replace(known, **other))) == columns, name


VARIED: set[str] = set()
"""The facts of which some random rows had two values."""
SELDOM = {"operator_fault", "provider_incident"}
"""Those that `INCIDENTS` brings about, so seldom that twenty examples may have none."""


def has_two_values(name: str, all_known: Iterable[Facts]) -> bool:
    values = [getattr(known, name) for known in all_known]
    return any(value != values[0] for value in values)


def decide(rows: list[Row], incidents: set[tuple[str, str, str]], is_offered: bool, in_parts: bool) -> None:
    now = timezone.now()
    with override_settings(LEGACY_OWNER_API=is_offered):
        plant(rows, incidents, now)
        known = loaded(now)
        VARIED.update(fact.name for fact in DECIDING if has_two_values(fact.name, known.values()))
        each_fact_is_told_in_whole(known, now)
        what_is_undecided_decides_nothing(known.values())
        sets_get_the_verdicts_of_each_alone(known, now, in_parts=in_parts)


RANDOM = given(rows=ROWS, incidents=INCIDENTS, is_offered=often, in_parts=st.booleans())
WITHOUT_SHRINKING: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    # Dozens of rows, written out, would hide which fact the failure names; making them fewer would take minutes.
    "verbosity": Verbosity.quiet,
    "phases": [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)],
}


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
class RandomRows(TestCase):
    @classmethod
    def tearDownClass(cls) -> None:
        super().tearDownClass()
        alike = {fact.name for fact in DECIDING} - VARIED - SELDOM
        assert not alike, (
            f"the same in all random rows, so nothing was compared: give ROWS columns of {alike}"
        )

    @settings(max_examples=20, **WITHOUT_SHRINKING)
    @RANDOM
    def test_a_thousand_rows_are_decided_alike_one_by_one_and_in_sets(self, **drawn: Any) -> None:
        decide(**drawn)

    @pytest.mark.slow
    @settings(max_examples=400, **WITHOUT_SHRINKING)
    @RANDOM
    def test_many_thousand_rows_are_decided_alike_one_by_one_and_in_sets(self, **drawn: Any) -> None:
        decide(**drawn)
