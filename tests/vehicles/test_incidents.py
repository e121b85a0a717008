"""When many accounts flip at once, or Tesla refuses the operator: nobody's consent is judged by that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from tests.crowd import connected as connect_owner
from tests.crowd import heard, remove_consent
from tests.factories import TeslaAccountFactory
from vehicles import access, evidence
from vehicles.diagnosis import Consent
from vehicles.evidence import incidents
from vehicles.facts.sources import Source
from vehicles.models import Event, Incident, TeslaAccount, VehicleGrant
from vehicles.tesla import scopes
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.upstream import recovery

pytestmark = pytest.mark.django_db

CROWD = 60
SHARE = 0.5
"""Of the crowd, well over twenty accounts."""
Connected = Callable[[int], list[VehicleGrant]]


@pytest.fixture
def crowd(connected: Connected) -> list[VehicleGrant]:
    return connected(CROWD)


@pytest.fixture
def three(connected: Connected) -> list[VehicleGrant]:
    return connected(3)


@pytest.fixture
def connected(simulator: SimulatorServer, sign_in: Any) -> Connected:
    """`connected(n)`: so many owners of one Model S of 2018 each, all connected."""
    return lambda count: [connect_owner(simulator, sign_in, number) for number in range(count)]


def consents() -> Counter[str]:
    return Counter(TeslaAccount.objects.values_list("consent", flat=True))


def test_many_losses_at_once_pull_the_brake_once_and_no_account_counts_as_lost(
    simulator: SimulatorServer, crowd: list[VehicleGrant]
) -> None:
    simulator.world.provider.mass_revocation_fault = SHARE
    answers = Counter(heard(grant) for grant in crowd)
    incident = Incident.objects.get()
    assert incident.accounts == incidents.BRAKE_ACCOUNTS
    assert answers["CONNECTED_SERVICES_ACCOUNT:PERMISSION"] == incidents.BRAKE_ACCOUNTS - 1
    assert answers["UPSTREAM:KNOWN_ISSUE"] >= 5
    assert consents().keys() == {"active", "suspected"}
    assert not VehicleGrant.objects.filter(main_cause="consent_revoked").exists()
    assert Counter(heard(grant) for grant in crowd).keys() == {"ok", "UPSTREAM:KNOWN_ISSUE"}


def test_during_an_incident_owners_are_told_nothing(
    simulator: SimulatorServer, crowd: list[VehicleGrant]
) -> None:
    simulator.world.provider.mass_revocation_fault = SHARE
    for grant in crowd:
        heard(grant)
    hit = VehicleGrant.objects.filter(account__consent="suspected")
    assert hit.count() >= incidents.BRAKE_ACCOUNTS
    for grant in hit:
        diagnosis = access.diagnosis_of(grant)
        assert diagnosis.main_cause == "provider_incident"
        assert {action.actor for action in diagnosis.actions} == {"tesla", "staff"}
    assert set(hit.values_list("verdict", "main_cause", "next_actor")) == {
        ("blocked", "provider_incident", "tesla")
    }


@pytest.mark.slow
def test_accounts_in_doubt_clear_themselves_when_tesla_answers_again(
    simulator: SimulatorServer, crowd: list[VehicleGrant]
) -> None:
    simulator.world.provider.mass_revocation_fault = SHARE
    for grant in crowd:
        heard(grant)
    simulator.world.provider.mass_revocation_fault = 0
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        recovery.ask_suspects_again(timezone.now())
    assert consents().keys() == {"active"}
    assert set(VehicleGrant.objects.values_list("verdict", flat=True)) == {"ok"}


@pytest.mark.slow
def test_who_really_left_during_an_incident_is_found_after_staff_ended_it(
    simulator: SimulatorServer, crowd: list[VehicleGrant]
) -> None:
    simulator.world.provider.mass_revocation_fault = SHARE
    for grant in crowd:
        heard(grant)
    gone = VehicleGrant.objects.filter(account__consent="active").first()
    assert gone
    remove_consent(simulator, gone)
    assert heard(gone) == "UPSTREAM:KNOWN_ISSUE"
    simulator.world.provider.mass_revocation_fault = 0
    incidents.end(Incident.objects.get(), actor="staff:1", now=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        recovery.ask_suspects_again(timezone.now())
    assert consents() == {"active": CROWD - 1, "revoked": 1}
    assert heard(gone) == "CONNECTED_SERVICES_ACCOUNT:PERMISSION"


@pytest.mark.slow
def test_after_a_release_teslas_word_counts_however_many_are_gone(
    simulator: SimulatorServer, crowd: list[VehicleGrant]
) -> None:
    simulator.world.provider.mass_revocation_fault = SHARE
    for grant in crowd:
        heard(grant)
    incidents.end(Incident.objects.get(), actor="staff:1", now=timezone.now())
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        recovery.ask_suspects_again(timezone.now())
    assert consents()["suspected"] == 0
    assert consents()["revoked"] >= incidents.BRAKE_ACCOUNTS
    assert Incident.objects.count() == 1


def lose(accounts: list[TeslaAccount], now: datetime) -> None:
    for account in accounts:
        evidence.consent_seen(account, Consent.REVOKED, now=now, source=Source.API_DENIAL)
        evidence.apply_brake(account, now)


@pytest.mark.parametrize(("lost", "observed", "braked"), [(19, 0, False), (20, 180, True), (20, 181, False)])
def test_the_brake_needs_twenty_accounts_and_a_tenth_of_those_observed(
    now: datetime, lost: int, observed: int, braked: bool
) -> None:
    TeslaAccountFactory.create_batch(observed, consent_observed_at=now)
    lose(TeslaAccountFactory.create_batch(lost, consent_observed_at=now), now)
    assert Incident.objects.exists() is braked
    assert consents()["revoked"] == (0 if braked else lost)


def test_losses_spread_over_the_day_are_taken_as_they_are(now: datetime) -> None:
    for number, account in enumerate(TeslaAccountFactory.create_batch(30, consent_observed_at=now)):
        lose([account], now + timedelta(minutes=number))
    assert not Incident.objects.exists()


def test_the_two_modes_have_a_brake_each(now: datetime) -> None:
    lose(TeslaAccountFactory.create_batch(20, mode="simulated", consent_observed_at=now), now)
    live = TeslaAccountFactory()
    lose([live], now)
    assert (live.consent, Incident.objects.get().mode) == ("revoked", "simulated")


def test_scopes_that_vanish_from_many_tokens_at_once_are_kept(now: datetime) -> None:
    accounts = TeslaAccountFactory.create_batch(22, consent_observed_at=now)
    for account in accounts:
        evidence.scopes_seen(account, scopes.SIGN_IN, now=now)
        evidence.apply_brake(account, now)
    kept = TeslaAccountFactory.build().granted_scopes
    assert [sorted(account.granted_scopes) for account in TeslaAccount.objects.all()] == [sorted(kept)] * 22
    assert consents() == {"suspected": 22}


def test_what_a_person_unticks_at_a_login_counts_even_while_the_brake_is_on(now: datetime) -> None:
    lose(TeslaAccountFactory.create_batch(20, consent_observed_at=now), now)
    account = TeslaAccountFactory()
    evidence.scopes_seen(account, scopes.SIGN_IN, now=now, source=Source.LOGIN)
    assert account.granted_scopes == sorted(scopes.SIGN_IN)
    assert account.consent == "active"


def test_every_flip_that_was_taken_back_stands_in_history(now: datetime) -> None:
    accounts = TeslaAccountFactory.create_batch(20, consent_observed_at=now)
    lose(accounts, now)
    steps = Event.objects.filter(kind="consent:changed", account_id=accounts[0].pk).order_by("pk")
    assert [(step.data["before"], step.data["after"]) for step in steps] == [
        ("active", "revoked"),
        ("revoked", "suspected"),
    ]
    assert Event.objects.filter(kind="incident:began").count() == 1


def refuse_operator(simulator: SimulatorServer, **more: Any) -> None:
    body = {"response": None, "error": "account disabled: EXCEEDED_LIMIT"}
    simulator.world.faults.add({"match": {"path": "/api/1"}, "status": 403, "body": body, **more})


def test_one_odd_refusal_of_the_operator_stops_nobody(
    simulator: SimulatorServer, three: list[VehicleGrant]
) -> None:
    refuse_operator(simulator, times=1)
    assert heard(three[0]) == "UPSTREAM:KNOWN_ISSUE"
    assert not Incident.objects.exists()
    assert heard(three[0]) == "ok"


def test_a_refused_operator_is_an_incident_that_stops_all_calls_and_ends_by_itself(
    simulator: SimulatorServer, three: list[VehicleGrant], now: datetime
) -> None:
    refuse_operator(simulator)
    assert heard(three[0]) == "UPSTREAM:KNOWN_ISSUE"
    assert "EXCEEDED_LIMIT" in Incident.objects.get().reason
    asked = len(simulator.world.calls.since(0))
    assert {heard(grant) for grant in three} == {"UPSTREAM:KNOWN_ISSUE"}
    assert len(simulator.world.calls.since(0)) == asked
    incidents.let_verdicts_follow(now)
    assert set(VehicleGrant.objects.values_list("main_cause", "next_actor")) == {
        ("operator_fault", "operator")
    }
    assert recovery.end_operator_faults(now) == 0
    simulator.world.faults.clear()
    assert recovery.end_operator_faults(now) == 1
    incidents.let_verdicts_follow(now)
    assert set(VehicleGrant.objects.values_list("verdict", flat=True)) == {"ok"}
    assert consents() == {"active": 3}


def test_a_region_in_which_the_operator_is_not_registered_stops_that_region_only(
    simulator: SimulatorServer, three: list[VehicleGrant]
) -> None:
    TeslaAccount.objects.filter(pk=three[0].account_id).update(region="na")
    body = {"response": None, "error": "Account must be registered in the current region"}
    simulator.world.faults.add(
        {"match": {"path": "/api/1", "email": three[0].account.email}, "status": 412, "body": body}
    )
    assert heard(three[0]) == "UPSTREAM:KNOWN_ISSUE"
    assert Incident.objects.get().region == "na"
    assert heard(three[1]) == "ok"
