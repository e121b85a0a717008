"""Sixty clients sign in at one time, with real passwords on the real web server; the API is answered meanwhile."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest

from portal.sign_in.hashing import RETRY_SECONDS, OneAtATimeHasher
from tests.factories import UserFactory
from tests.portal.serving import Answer, portal_served, request
from vehicles.models import User

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CLIENTS = 60
PASSWORD = "a-long-password-1"


@pytest.fixture(scope="module")
def port(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The portal with few threads, hashing in earnest, behind a proxy that says whose request it is."""
    environment = {
        "SERVED_HASHER": "portal.sign_in.hashing.OneAtATimeHasher",
        "SERVED_BEHIND_PROXY": "on",
    }
    with django_db_blocker.unblock(), portal_served(tmp_path_factory.mktemp("web"), **environment) as port:
        yield port


def sign_in(port: int, number: int, form: tuple[str, str]) -> Answer:
    cookie, token = form
    body = urlencode({"username": "ida", "password": PASSWORD, "csrfmiddlewaretoken": token}).encode()
    fields = (
        f"Cookie: {cookie}",
        f"Content-Length: {len(body)}",
        "Content-Type: application/x-www-form-urlencoded",
        f"X-Forwarded-For: 198.51.100.{number}",
    )
    return request(port, "/admin/login/", *fields, method="POST", body=body)


def opened(port: int) -> tuple[str, str]:
    """The cookie and the token of the form."""
    page = request(port, "/admin/login/")
    token = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', page.body)
    assert token is not None
    return page.headers["set-cookie"].partition(";")[0], token[1].decode()


def test_the_api_is_answered_and_who_must_wait_is_told_at_once(port: int) -> None:
    user = UserFactory(username="ida")
    User.objects.filter(pk=user.pk).update(
        password=OneAtATimeHasher().encode(PASSWORD, OneAtATimeHasher().salt())
    )
    form = opened(port)
    with ThreadPoolExecutor(CLIENTS + 4) as pool:
        signing_in = [pool.submit(sign_in, port, number, form) for number in range(CLIENTS)]
        reading = [pool.submit(request, port, "/v2.0/vehicles") for _ in range(100)]
        assert {each.result().status for each in reading} == {401}
        answers = [each.result() for each in signing_in]
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) == {302, 503}
    assert statuses[302] >= 1
    assert {answer.headers["retry-after"] for answer in answers if answer.status == 503} == {
        str(RETRY_SECONDS)
    }
