"""Settings of gunicorn, the web server: many threads, because most requests wait for Tesla."""

from __future__ import annotations

import gc
from typing import Any

worker_class = "portal.gunicorn_worker.Worker"
workers = 1
threads = 128
keepalive = 30
timeout = 120
graceful_timeout = 8
control_socket_disable = True
accesslog = None
# The server itself believes nobody: not the scheme, not SCRIPT_NAME, by which a path would be moved out of a proxy's
# rules. What a trusted proxy says is read in `portal.forwarded`.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
proxy_protocol = False
header_map = "drop"
# Browsers send up to 4 kB a cookie, and some send many.
limit_request_field_size = 16384
limit_request_fields = 100


def post_worker_init(worker: Any) -> None:
    """Take everything loaded so far out of garbage collection: shorter pauses, and pages shared between workers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
