"""The web server's worker: long request lines, as browsers send them, and its own refusals in our words.

gunicorn answers what it cannot parse itself, with bare HTML, before any application sees it.
"""

from __future__ import annotations

import socket
from typing import Any, Final

from gunicorn import util
from gunicorn.http import errors as faults
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import ThreadWorker

LONGEST_REQUEST_LINE: Final = 64 * 1024
"""What browsers send without asking: Firefox and Safari some 64 kB; a `state` of applications comes in it."""
_KEPT: Final = 2048

STATUSES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (faults.InvalidResponseHeader, 500),
    (faults.InvalidResponseHeaderName, 500),
    (faults.ConfigurationProblem, 500),
    (faults.LimitRequestLine, 414),
    (faults.LimitRequestHeaders, 431),
    (faults.ExpectationFailed, 417),
    (faults.UnsupportedTransferCoding, 501),
    (faults.ForbiddenProxyRequest, 403),
    (faults.ParseException, 400),
)
"""The status for what the server raises; first match wins, and anything else is a fault of ours."""


class LongRequest(Request):
    """A request whose line may be longer than gunicorn's own limit of 8,190, and which remembers how it began."""

    beginning = b""

    def __init__(self, *arguments: Any) -> None:
        """Read line and header fields; what is raised tells how the request began."""
        try:
            super().__init__(*arguments)
        except faults.ParseException as fault:
            fault.beginning = self.beginning
            raise

    def parse(self, unreader: Any) -> Any:
        self.limit_request_line = self._fast_limit_request_line = LONGEST_REQUEST_LINE
        return super().parse(unreader)

    def read_into(self, unreader: Any, buf: bytearray, stop: bool = False) -> None:
        super().read_into(unreader, buf, stop)
        if len(self.beginning) < _KEPT:
            self.beginning = bytes(buf[:_KEPT])


class Worker(ThreadWorker):
    """gunicorn's worker with threads; see the module."""

    def init_process(self) -> None:
        RequestParser.mesg_class = LongRequest
        super().init_process()

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: Exception) -> None:
        """Answer what could not be parsed, or broke outside of the application, and close the connection."""
        # gunicorn loads this module before the applications are there.
        from portal.web import wire_errors

        status = next((status for kind, status in STATUSES if isinstance(exc, kind)), 500)
        if status == 500:
            self.log.error("the server failed", exc_info=exc)
        else:
            self.log.info("refused with %s: %s", status, type(exc).__name__)
        path = getattr(req, "path", None) or _path_in(getattr(exc, "beginning", b""))
        try:
            util.write_nonblock(client, wire_errors.answer(status, path).on_the_wire())
        except OSError:
            self.log.debug("the client was gone before it was told")


def _path_in(beginning: bytes) -> str:
    """The path in the first bytes of a request, as far as there is one."""
    words = beginning.lstrip(b"\r\n").partition(b"\r\n")[0].split(b" ")
    target = words[1] if len(words) > 1 else b""
    return target.partition(b"?")[0].decode("latin-1")
