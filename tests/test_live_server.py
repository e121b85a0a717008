"""A live server and its test share one database, whatever the database is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3
from django.http import HttpRequest, JsonResponse
from django.urls import path

from tests.factories import PersonFactory
from vehicles.models import User


def count_persons(request: HttpRequest) -> JsonResponse:
    if request.GET.get("add"):
        PersonFactory(username=request.GET["add"])
    return JsonResponse({"persons": User.objects.filter(is_person=True).count()})


urlpatterns = [path("persons", count_persons)]


@pytest.mark.urls(__name__)
def test_the_server_sees_what_the_test_wrote_and_the_test_what_the_server_wrote(live_server: Any) -> None:
    PersonFactory()
    answer = urllib3.request("GET", f"{live_server.url}/persons?add=from-the-server")
    assert answer.json() == {"persons": 2}
    assert User.objects.filter(username="from-the-server").exists()


@pytest.mark.urls(__name__)
def test_sixteen_writers_at_once_wait_for_each_other(live_server: Any) -> None:
    pool = urllib3.PoolManager(maxsize=16)
    with ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda n: pool.request("GET", f"{live_server.url}/persons?add=p{n}"), range(48))
        assert {answer.status for answer in answers} == {200}
    assert User.objects.filter(is_person=True).count() == 48


@pytest.mark.django_db
def test_nothing_is_left_over_from_the_live_server_tests() -> None:
    assert not User.objects.exists()
