"""An old backup was restored: the API says that a sign-in is needed, staff see why, and the person's login mends it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from portal.admin import wording
from tests.factories import UserFactory
from tests.journeys.people import Consumer, Owner
from tests.portal.screens import page_of
from vehicles.models import Integration, TeslaToken
from vehicles.tesla.simulator.samples.scenarios import DIETERS_MODEL_3
from vehicles.tokens import store
from vehicles.upstream import account_call

TOKENS = (
    "access_token", "refresh_token", "previous_refresh_token", "generation", "expires_at", "refreshed_at",
)  # fmt: skip


def test_an_owner_signs_in_again_after_a_backup_was_restored(
    owner: Callable[[str], Owner], consumer: Callable[..., Consumer], executed: Any
) -> None:
    dieter, application = owner("dieter"), consumer()
    dieter.connect(application)
    backup = TeslaToken.objects.values(*TOKENS).get()
    account = TeslaToken.objects.get().account
    for _ in range(2):
        account_call.renew_login(account, Integration.FLEET)
    TeslaToken.objects.update(**backup | {"expires_at": backup["refreshed_at"]})
    store.DECRYPTED.clear()  # after a restore every process is a new one

    refused = application.lock(DIETERS_MODEL_3)
    assert refused.error == "CONNECTED_SERVICES_ACCOUNT:AUTHENTICATION_FAILED"
    (cause,) = application.diagnosis(DIETERS_MODEL_3)["causes"]
    assert (cause["code"], cause["source"]) == ("sign_in_needed", "backup_restored")
    staff = Client()
    staff.force_login(UserFactory(is_superuser=True))
    page = staff.get(page_of(account)).content.decode()
    assert str(wording.SOURCES["backup_restored"]) in page.replace("&#x27;", "'")

    dieter.browser.open(refused.cure).press("continue-button")
    dieter.at_tesla()
    assert application.lock(DIETERS_MODEL_3).status == 200
    assert executed(DIETERS_MODEL_3) == ["door_lock"]
