"""Settings of gunicorn, the web server: many threads, because most requests wait for Tesla."""

from __future__ import annotations

import gc
import resource
from typing import Any, Final

from gunicorn.glogging import Logger

from portal import log_format

worker_class = "portal.web.buffering_worker.BufferingWorker"
workers = 1
threads = 128
worker_connections = 2000
# The worker bounds how long a client may take an answer, which it cannot where the system sends by itself.
sendfile = False
keepalive = 30
timeout = 120
graceful_timeout = 8
control_socket_disable = True
accesslog = None
# The server itself believes nobody: not the scheme, not SCRIPT_NAME, by which a path would be moved out of a proxy's
# rules. What a trusted proxy says is read in `portal.web.forwarded`.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
proxy_protocol = False
header_map = "drop"
# Browsers send up to 4 kB a cookie, and some send many.
limit_request_field_size = 16384
limit_request_fields = 100

_OTHER_FILES: Final = 1000
"""Beside clients: connections to Tesla, database and broker, and files that are being sent."""


def post_worker_init(worker: Any) -> None:
    """Let the process open as many files as it takes connections, as far as it may, and prepare garbage collection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = worker_connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    freeze()


def freeze() -> None:
    """Take everything loaded so far out of garbage collection: shorter pauses, and pages shared between workers."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


class Log(Logger):
    """The server's own log, in the form of all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        log_format.format_handlers(self.error_log)


logger_class = Log
