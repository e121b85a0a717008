"""Staff see an incident on the first page, read what it means, and those who may end it."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import IncidentFactory
from tests.portal.conftest import SignedIn
from tests.portal.screens import page_of
from vehicles.models import Event, Incident

pytestmark = pytest.mark.django_db


def test_an_incident_stands_on_the_first_page_until_it_is_ended(operator: Client) -> None:
    incident = IncidentFactory(ended_at=None)
    assert page_of(incident) in operator.get("/admin/").content.decode()
    assert operator.post(end_of(incident)).status_code == 302
    assert page_of(incident) not in operator.get("/admin/").content.decode()


def end_of(incident: Incident) -> str:
    return page_of(incident).replace("change", "end")


def test_ending_asks_first_and_is_recorded_with_who_did_it(operator: Client) -> None:
    incident = IncidentFactory(ended_at=None)
    assert "For one hour the brake is not pulled again" in operator.get(end_of(incident)).content.decode()
    assert Incident.objects.get().ended_at is None
    operator.post(end_of(incident))
    assert Incident.objects.get().ended_by.startswith("staff:")
    assert Event.objects.get(kind="incident:ended").actor == Incident.objects.get().ended_by


def test_an_incident_is_ended_once(operator: Client) -> None:
    incident = IncidentFactory(ended_at=None)
    for _ in range(2):
        operator.post(end_of(incident))
    assert Event.objects.filter(kind="incident:ended").count() == 1


@pytest.mark.parametrize("role", ["viewer", "support"])
def test_who_only_looks_cannot_end_it(signed_in: SignedIn, role: str) -> None:
    incident = IncidentFactory(ended_at=None)
    client = signed_in(role)
    page = client.get(page_of(incident)).content.decode()
    assert "no owner is told anything" in page
    assert end_of(incident) not in page
    assert client.post(end_of(incident)).status_code == 403
    assert Incident.objects.get().ended_at is None


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("mass_revocation", "nobody took anything away"),
        ("operator_fault", "developer.tesla.com"),
        ("legacy_closed", "COMPATIBILITY:PLATFORM_NOT_CAPABLE"),
    ],
)
def test_each_incident_says_what_it_means_and_what_ending_it_does(
    operator: Client, kind: str, told: str
) -> None:
    incident = IncidentFactory(kind=kind, ended_at=None)
    assert told in operator.get(page_of(incident)).content.decode()
    assert ("the brake is not pulled again" in operator.get(end_of(incident)).content.decode()) == (
        kind == "mass_revocation"
    )
