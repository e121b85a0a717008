"""Staff make fix-it links, find them by support code, and withdraw them; viewers do none of it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from connect.models import ConnectSession, FixLink
from connect.problems import support_codes
from tests.factories import ConnectSessionFactory, FixLinkFactory, TeslaAccountFactory, VehicleGrantFactory
from tests.portal.conftest import SignedIn
from tests.portal.screens import list_of, page_of
from vehicles import facts
from vehicles.models import Event, VehicleGrant

pytestmark = pytest.mark.django_db


@pytest.fixture
def grant() -> VehicleGrant:
    """Something is left to do for its person."""
    made: VehicleGrant = VehicleGrantFactory(account=TeslaAccountFactory(consent="revoked"))
    facts.refresh_verdicts(VehicleGrant.objects.all(), timezone.now())
    return made


def test_support_makes_a_link_from_the_grant_and_copies_it(support: Client, grant: VehicleGrant) -> None:
    make = f"/admin/connect/fixlink/for/{grant.pk}/"
    assert make in support.get(page_of(grant)).content.decode()
    page = support.post(make, follow=True).content.decode()
    link = FixLink.objects.get()
    assert (link.application, link.person) == (grant.connection.application, grant.account.person)
    assert "/fix/" in page
    assert Event.objects.get(kind="fix_link:made").actor == link.created_by


def test_a_withdrawn_link_is_no_longer_shown(support: Client) -> None:
    link = FixLinkFactory()
    support.post(page_of(link).replace("change", "withdraw"))
    assert FixLink.objects.get().withdrawn_at
    page = support.get(page_of(link)).content.decode()
    assert "Withdrawn" in page
    assert "/fix/" not in page


def test_withdrawing_asks_first(support: Client) -> None:
    link = FixLinkFactory()
    withdraw = page_of(link).replace("change", "withdraw")
    assert f'href="{withdraw}"' in support.get(page_of(link)).content.decode()

    asked = support.get(withdraw).content.decode()

    assert "cannot be given back" in asked and "Leave it as it is" in asked
    assert FixLink.objects.get().withdrawn_at is None
    support.post(withdraw)
    assert FixLink.objects.get().withdrawn_at
    assert support.get(withdraw).status_code == 302


def test_viewers_neither_make_nor_see_nor_withdraw_links(signed_in: SignedIn, grant: VehicleGrant) -> None:
    viewer, link = signed_in("viewer"), FixLinkFactory()
    assert "/fixlink/for/" not in viewer.get(page_of(grant)).content.decode()
    assert viewer.post(f"/admin/connect/fixlink/for/{grant.pk}/").status_code == 403
    assert "/fix/" not in viewer.get(page_of(link)).content.decode()
    assert viewer.post(page_of(link).replace("change", "withdraw")).status_code == 403
    assert viewer.get(page_of(link).replace("change", "withdraw")).status_code == 403


def test_looking_makes_nothing(support: Client, grant: VehicleGrant) -> None:
    assert support.get(f"/admin/connect/fixlink/for/{grant.pk}/").status_code == 405
    assert not FixLink.objects.exists()


@pytest.mark.parametrize("spelled", ["{0}", "{0}-{1}", " {2}-{3} "])
def test_a_support_code_finds_run_and_link_however_it_is_spelled(support: Client, spelled: str) -> None:
    code = "K7PM3QXD"
    text = spelled.format(code if "{1}" not in spelled else code[:4], code[4:], "k7pm", "3qxd")
    rows = {
        ConnectSession: ConnectSessionFactory(support_code=code),
        FixLink: FixLinkFactory(support_code=code),
    }
    ConnectSessionFactory(support_code="AAAABBBB")
    for model, row in rows.items():
        response = support.get(list_of(model), {"q": text})
        assert list(response.context_data["cl"].result_list) == [row]


def test_codes_are_read_as_they_sound() -> None:
    assert support_codes.normalize("o1iL-uvab") == "0111VVAB"
    assert support_codes.normalize("too short a word") == ""
