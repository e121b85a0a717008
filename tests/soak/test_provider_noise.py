"""Tesla's noise over a large crowd: nothing that Tesla gets wrong is taken for a person's decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from tests.crowd import connected, heard, remove_consent
from tests.factories import ApplicationFactory
from tests.soak.conftest import Report, size
from vehicles.evidence import incidents
from vehicles.models import Event, Incident, TeslaAccount, VehicleGrant
from vehicles.tesla.simulator.server import SimulatorServer
from vehicles.upstream import recovery

pytestmark = [pytest.mark.soak, pytest.mark.django_db]

ACCOUNTS = size("ACCOUNTS", 70)
CALLS_AN_HOUR = size("CALLS_AN_HOUR", 6)
LEAVERS = size("LEAVERS", 5)
MISSING_SCOPES = {"response": None, "error": "Unauthorized missing scopes"}
GONE = "CONNECTED_SERVICES_ACCOUNT:PERMISSION"


@pytest.fixture
def crowd(simulator: SimulatorServer, sign_in: Any) -> list[VehicleGrant]:
    """So many owners, one application."""
    application = ApplicationFactory()
    return [connected(simulator, sign_in, number, application) for number in range(ACCOUNTS)]


def an_hour(simulator: SimulatorServer) -> Iterator[datetime]:
    """An hour in steps, on our clock and on Tesla's, with the minute's tasks between."""
    step, began = timedelta(hours=1) / CALLS_AN_HOUR, timezone.now()
    for number in range(CALLS_AN_HOUR):
        simulator.world.clock.advance(step.total_seconds())
        with time_machine.travel(began + step * (number + 1), tick=True):
            recovery.ask_suspects_again(timezone.now())
            yield timezone.now()


def consents() -> Counter[str]:
    return Counter(TeslaAccount.objects.values_list("consent", flat=True))


def test_one_refusal_in_twenty_for_an_hour_changes_no_state(
    simulator: SimulatorServer, crowd: list[VehicleGrant], report: Report
) -> None:
    before = Event.objects.count()
    simulator.world.faults.add(
        {"match": {"path": "/api/1"}, "status": 403, "body": MISSING_SCOPES, "probability": 0.05}
    )
    answers: Counter[str] = Counter()
    for _ in an_hour(simulator):
        answers.update(heard(grant) for grant in crowd)
    report(f"{ACCOUNTS} accounts, {answers.total()} calls, 5 % refused: {dict(answers)}")
    assert consents() == {"active": ACCOUNTS}
    assert not Event.objects.filter(kind__in=["consent:changed", "scopes:changed"], pk__gt=before).exists()
    assert set(VehicleGrant.objects.values_list("verdict", flat=True)) == {"ok"}
    assert answers["ok"] > 0.98 * answers.total()
    assert GONE not in answers


def test_a_false_mass_revocation_is_held_back_and_those_who_really_left_are_found(
    simulator: SimulatorServer, crowd: list[VehicleGrant], report: Report
) -> None:
    simulator.world.provider.mass_revocation_fault = 0.3
    answers: Counter[str] = Counter()
    leavers = [grant for grant in crowd if grant.account.consent == "active"][:LEAVERS]
    for number, _ in enumerate(an_hour(simulator)):
        if number == 1:
            for grant in leavers:
                remove_consent(simulator, grant)
        answers.update(heard(grant) for grant in crowd)
        assert consents().keys() <= {"active", "suspected"}
    report(f"{ACCOUNTS} accounts, 30 % falsely revoked: {dict(answers)}; {dict(consents())}")
    incident = Incident.objects.get()
    assert answers[GONE] < incidents.BRAKE_ACCOUNTS
    assert not VehicleGrant.objects.filter(next_actor__in=["owner", "driver"]).exists()

    simulator.world.provider.mass_revocation_fault = 0
    incidents.end(incident, actor="staff:1", now=timezone.now() + timedelta(hours=1))
    with time_machine.travel(timezone.now() + timedelta(hours=1, minutes=5), tick=True):
        recovery.ask_suspects_again(timezone.now())
        found = {grant.pk: heard(grant) for grant in crowd}
    assert consents() == {"active": ACCOUNTS - LEAVERS, "revoked": LEAVERS}
    assert {pk for pk, answer in found.items() if answer == GONE} == {grant.pk for grant in leavers}
