"""A cache that is away costs nobody a minute, and no page."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Any

import pytest
import time_machine
from django.core.cache import cache as default_cache
from environ import Env

from connect.keys import key_page
from portal.running import cache as portal_cache
from portal.running.cache import STRICT, TolerantCache, caches
from tests.connect.conftest import Journey
from tests.factories import ApplicationFactory
from tests.faults.silent_server import FAULTS, useless_server
from vehicles.tesla.simulator.server import SimulatorServer


@pytest.fixture(autouse=True)
def closed_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portal_cache._Breaker, "failed_at", float("-inf"))
    monkeypatch.setattr(portal_cache._Breaker, "complained_at", float("-inf"))


def tolerant(port: int) -> TolerantCache:
    config = caches(Env.cache_url_config(f"redis://127.0.0.1:{port}/1"))["default"]
    return TolerantCache(
        config["LOCATION"],
        {key: value for key, value in config.items() if key not in ("BACKEND", "LOCATION")},
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_it_remembers_by_itself_answers_soon_and_complains_once(
    fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "portal.running.cache")
    with useless_server(fault) as port:
        cache = tolerant(port)
        cache.clear()
        began = time.monotonic()
        assert cache.get("a") is None
        assert cache.get_or_set("a", lambda: 7, 60) == 7
        assert cache.get("a") == 7
        assert cache.add("a", 8) is False
        assert cache.incr("a") == 8
        assert cache.touch("a") is True
        cache.set_many({"b": 1, "c": 2})
        assert cache.get_many(["b", "c"]) == {"b": 1, "c": 2}
        assert cache.delete("a") is True
        assert "a" not in cache
        assert time.monotonic() - began < 4
    assert len(caplog.records) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["refused", "silent"])
def test_the_key_page_is_shown_without_it(
    settings: Any, simulator: SimulatorServer, now: datetime, fault: str
) -> None:
    journey = Journey(ApplicationFactory(name="Charge Planner"))
    journey.authorize()
    journey.sign_in("anna@owners.example")
    journey.approve()
    with (
        useless_server(fault) as port,
        time_machine.travel(now + 2 * key_page.STUCK_AFTER, tick=True),
    ):
        settings.CACHES = caches(Env.cache_url_config(f"redis://127.0.0.1:{port}/1"))
        began = time.monotonic()
        answer = journey.client.get(journey.page)
        assert answer.status_code == 200 and b"usual reasons" in answer.content
        assert time.monotonic() - began < 10


def test_redis_is_asked_again_after_a_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with useless_server("refused") as port:
        cache = tolerant(port)

        def get(self: Any, key: str, *given: Any, **named: Any) -> str:
            asked.append(key)
            return "from Redis"

        cache.get("x")
        monkeypatch.setattr("django.core.cache.backends.redis.RedisCache.get", get)
        assert cache.get("x") is None and asked == []
        monkeypatch.setattr(portal_cache._Breaker, "failed_at", time.monotonic() - portal_cache.REST_SECONDS)
        assert cache.get("x") == "from Redis"


def test_what_is_no_fault_of_the_cache_is_raised() -> None:
    with useless_server("refused") as port, pytest.raises(ValueError, match="not found"):
        tolerant(port).incr("never-set")


def test_probes_have_a_cache_that_says_so() -> None:
    made = caches(Env.cache_url_config("redis://127.0.0.1:6379/1"))
    assert made[STRICT]["BACKEND"].endswith("RedisCache")
    assert made[STRICT]["OPTIONS"] == made["default"]["OPTIONS"]
    assert default_cache is not None
