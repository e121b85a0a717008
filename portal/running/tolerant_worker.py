"""A worker that outlives what it finds in its queue: what is no task message is rejected, and the next one taken."""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty
from typing import Any, Final

from celery.worker import consumer
from kombu.transport import redis

from portal.running.task_messages import UnreadableMessage, require_task

log = logging.getLogger(__name__)

_NONSENSE: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What Celery and its transports raise over a message that they cannot make sense of."""


class Consumer(consumer.Consumer):
    """Celery's consumer, which takes task messages only."""

    def create_task_handler(self, *given: Any, **named: Any) -> Callable[[Any], None]:
        handle = super().create_task_handler(*given, **named)

        def handle_task(message: Any) -> None:
            try:
                content = (message.content_type, message.content_encoding)
                require_task(message.headers, content, message.decode)
                handle(message)
            except (UnreadableMessage, *_NONSENSE) as fault:
                log.error("a message in the queue cannot be read (%s); it is rejected", fault)
                message.reject_log_error(log, self.connection_errors)  # type: ignore[attr-defined]

        return handle_task


class RedisChannel(redis.Channel):
    """Drops what lies in the list of a queue and is no message at all: taken out, it cannot be rejected."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except _NONSENSE as fault:
            log.error("an entry of the queue cannot be read (%s); it is dropped", fault)
            raise Empty from fault


class RedisTransport(redis.Transport):
    """Redis as broker."""

    Channel = RedisChannel
