"""An account's page tells staff how its logins at Tesla stand, and what to do when somebody else uses them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client

from portal.admin import wording
from tests.factories import TeslaAccountFactory, TeslaTokenFactory
from tests.portal.screens import page_of
from vehicles.models import Integration, LoginEnd, TeslaAccount


@pytest.fixture
def account(db: None) -> TeslaAccount:
    made: TeslaAccount = TeslaAccountFactory(consent="sign_in_needed", consent_source="backup_restored")
    return made


def text(client: Client, account: TeslaAccount) -> str:
    return client.get(page_of(account)).content.decode().replace("&#x27;", "'")


def test_the_page_says_for_each_interface_whether_its_login_works(
    support: Client, account: TeslaAccount, now: datetime
) -> None:
    TeslaTokenFactory(account=account, refreshed_at=now - timedelta(hours=3))
    TeslaTokenFactory(account=account, integration=Integration.LEGACY, ended=LoginEnd.EXPIRED)
    page = text(support, account)
    assert wording.LOGIN_WORKS.name in page and "renewed" in page and "3\xa0hours" in page
    assert wording.LOGIN_ENDS[LoginEnd.EXPIRED].sentence in page


def test_a_backup_is_named_as_the_cause(support: Client, account: TeslaAccount) -> None:
    TeslaTokenFactory(account=account, ended=LoginEnd.BACKUP_RESTORED)
    page = text(support, account)
    assert str(wording.SOURCES["backup_restored"]) in page
    assert wording.LOGIN_ENDS[LoginEnd.BACKUP_RESTORED].sentence in page


def test_a_login_that_another_system_uses_too_is_a_warning_with_what_to_do(
    support: Client, account: TeslaAccount, now: datetime
) -> None:
    TeslaTokenFactory(account=account, superseded_at=now)
    assert wording.LOGIN_SHARED.sentence in text(support, account)
