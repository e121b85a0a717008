"""The cache as something that may be away: whoever uses it goes on, and never waits for it for long.

While Redis does not answer each process remembers for itself, and Redis is asked again after a rest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

log = logging.getLogger(__name__)

REST_SECONDS: Final = 10.0
"""For so long a cache that did not answer is not asked again."""
COMPLAIN_SECONDS: Final = 60.0
REDIS: Final = "django.core.cache.backends.redis.RedisCache"
STRICT: Final = "strict"
"""The name of the cache that says when it is away, for probes and checks; everything else uses the default one."""
_OPTIONS: Final = {
    "socket_connect_timeout": 0.5,
    "socket_timeout": 0.5,
    "retry": Retry(NoBackoff(), 0),
}


def caches(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Django's CACHES for a cache of this configuration."""
    if config["BACKEND"] != REDIS:
        return {"default": config, STRICT: config}
    strict = {**config, "OPTIONS": {**_OPTIONS, **config.get("OPTIONS", {})}}
    return {"default": {**strict, "BACKEND": "portal.running.cache.TolerantCache"}, STRICT: strict}


class _Breaker:
    """Whether Redis is asked. One for the process, where each thread has cache objects of its own."""

    failed_at = complained_at = float("-inf")


class TolerantCache(BaseCache):
    """Redis; the memory of this process while Redis does not answer."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._redis = RedisCache(server, params)
        self._memory = LocMemCache("while-redis-is-away", {})

    def _do(self, operation: Callable[[BaseCache], Any]) -> Any:
        if time.monotonic() - _Breaker.failed_at >= REST_SECONDS:
            try:
                return operation(self._redis)
            except (RedisError, OSError) as failure:
                self._rest(failure)
        return operation(self._memory)

    def _rest(self, failure: Exception) -> None:
        now = _Breaker.failed_at = time.monotonic()
        if now - _Breaker.complained_at >= COMPLAIN_SECONDS:
            _Breaker.complained_at = now
            log.warning("the cache does not answer: %s", type(failure).__name__)

    def add(self, key: str, value: Any, *given: Any, **named: Any) -> bool:
        return bool(self._do(lambda cache: cache.add(key, value, *given, **named)))

    def get(self, key: str, *given: Any, **named: Any) -> Any:
        return self._do(lambda cache: cache.get(key, *given, **named))

    def set(self, key: str, value: Any, *given: Any, **named: Any) -> None:
        self._do(lambda cache: cache.set(key, value, *given, **named))

    def touch(self, key: str, *given: Any, **named: Any) -> bool:
        return bool(self._do(lambda cache: cache.touch(key, *given, **named)))

    def delete(self, key: str, *given: Any, **named: Any) -> bool:
        return bool(self._do(lambda cache: cache.delete(key, *given, **named)))

    def incr(self, key: str, *given: Any, **named: Any) -> int:
        return int(self._do(lambda cache: cache.incr(key, *given, **named)))

    def clear(self) -> None:
        self._do(lambda cache: cache.clear())

    def close(self, **kwargs: Any) -> None:
        self._redis.close(**kwargs)
