"""Settings of gunicorn, the web server: many threads, because most requests wait for Tesla."""

from __future__ import annotations

import gc
from typing import Any

worker_class = "gthread"
workers = 1
threads = 128
keepalive = 30
timeout = 120
graceful_timeout = 8
control_socket_disable = True
accesslog = None


def post_worker_init(worker: Any) -> None:
    """Take everything loaded so far out of garbage collection: shorter pauses, and pages shared between workers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
