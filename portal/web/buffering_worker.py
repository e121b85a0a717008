"""gunicorn's threaded worker, whose threads get a request only once all of it has come.

The stock worker reads in its threads, so as many clients as it has threads, each with half a request, stop everything
(gunicorn itself asks for a buffering proxy in front). Here the one loop that accepts connections also collects what
arrives, within a time and a size, and lets the slowest go when there are too many. Plain HTTP only: TLS is the proxy's.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import threading
import time
from concurrent import futures
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from gunicorn.workers.gthread import TConn

from portal.web.arriving import Arrival, TooLarge
from portal.web.gunicorn_worker import Worker

HEAD_SECONDS: Final = 10.0
BODY_SECONDS: Final = 30.0
"""After the head."""
SEND_SECONDS: Final = 60.0
"""That a thread may wait, all in all, until a client has taken an answer."""
MOST_SLOW_ANSWERS: Final = 32
"""Threads that may wait so at once."""
SEND_BUFFER: Final = 256 * 1024
"""Bytes that the system keeps for a client, so that no thread waits for most answers; the API's have some hundred."""
LINGER_SECONDS: Final = 2.0
MOST_BUFFERED: Final = 64 * 1024 * 1024
"""Bytes of unfinished requests altogether."""
_RECEIVE_SECONDS: Final = 2.0
_PIECE: Final = 65536
_CHECK_EVERY_SECONDS: Final = 0.5
_PROBES: Final = ("/healthz", "/readyz")
_PROBE_THREADS: Final = 4
_GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class PatientSocket(socket.socket):
    """A client's socket in a thread. What does not fit into the system's buffer at once needs one of few places, and
    what a thread waits for the client in one request has an end: then it is as if the client had hung up.
    """

    left = SEND_SECONDS

    def sendall(self, data: Any, flags: int = 0) -> None:
        """As ever. Raises `ConnectionResetError` when the client takes too long, or too many do."""
        rest = memoryview(data)
        with contextlib.suppress(BlockingIOError):
            rest = rest[self.send(rest, flags | socket.MSG_DONTWAIT) :]
        if not rest:
            return
        if not _SLOW_ANSWERS.acquire(blocking=False):
            raise _too_slow()
        try:
            self._within(self.left, partial(super().sendall, rest, flags))
        finally:
            _SLOW_ANSWERS.release()

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As ever; what the loop took for a whole request mostly is one, so little is waited for."""
        data: bytes = self._within(_RECEIVE_SECONDS, partial(super().recv, size, flags))
        return data

    def _within(self, seconds: float, work: Any) -> Any:
        if self.gettimeout() == 0:
            return work()
        began = time.monotonic()
        self.settimeout(max(seconds, 0.001))
        try:
            return work()
        except TimeoutError:
            raise _too_slow() from None
        finally:
            self.left -= time.monotonic() - began
            self.setblocking(True)


_SLOW_ANSWERS: Final = threading.BoundedSemaphore(MOST_SLOW_ANSWERS)


def _too_slow() -> ConnectionResetError:
    return ConnectionResetError(errno.ECONNRESET, "the client is too slow")


@dataclass(eq=False)
class Waiting:
    """A connection on which a request is arriving."""

    until: float
    arrival: Arrival = field(default_factory=Arrival)


class Connection(TConn):
    """A client's connection, which is closed without waiting for the client."""

    def __init__(self, worker: BufferingWorker, client: socket.socket, *given: Any) -> None:
        patient = PatientSocket(fileno=client.detach())
        patient.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        super().__init__(worker.cfg, patient, *given)
        self._worker = worker

    def close(self, graceful: bool = False) -> None:
        """Close it; gracefully, what the client still sends is read first, or it might lose our answer."""
        if not graceful or not self._worker.linger(self.sock):
            self.sock.close()


class BufferingWorker(Worker):
    """See the module."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.most_connections = self.worker_connections
        # The loop itself makes room, so the stock worker never has to stop accepting for clients that only wait.
        self.worker_connections += self.cfg.threads
        self.waiting: dict[Connection, Waiting] = {}
        self.lingering: dict[socket.socket, float] = {}
        self.buffered = 0
        self._checked_at = 0.0

    def init_process(self) -> None:
        """Called once in the process that serves; returns when it ends."""
        # Of their own, so that no number of waiting requests keeps a probe waiting.
        self.probe_threads = futures.ThreadPoolExecutor(_PROBE_THREADS)
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection, at the cost of the one that has waited longest where there are too many."""
        try:
            client, address = listener.accept()
        except OSError as failure:
            if failure.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE):
                raise
            self._make_room()
            return
        if self.nr_conns + len(self.lingering) >= self.most_connections:
            self._make_room()
        self.nr_conns += 1
        self.enqueue_req(Connection(self, client, address, listener.getsockname()))

    def _make_room(self) -> None:
        if self.lingering:
            self._end_linger(next(iter(self.lingering)))
        elif self.waiting:
            self._drop(next(iter(self.waiting)))
        elif self.keepalived_conns:
            self.keepalived_conns[0].timeout = 0.0
            self.murder_keepalived()

    def enqueue_req(self, conn: Connection) -> None:
        """Collect the request that this connection begins, and hand it to a thread once it is whole."""
        waiting = self.waiting[conn] = Waiting(time.monotonic() + HEAD_SECONDS)
        conn.sock.setblocking(False)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._arrives, conn))
        ahead = conn.parser.unreader.take_buffered() if conn.parser else b""
        if ahead:
            self._feed(conn, waiting, ahead)
        else:
            self._arrives(conn, conn.sock)

    def _arrives(self, conn: Connection, client: socket.socket) -> None:
        waiting = self.waiting.get(conn)
        if waiting is None:
            return
        try:
            data = client.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._feed(conn, waiting, data)
        else:
            self._drop(conn)

    def _feed(self, conn: Connection, waiting: Waiting, data: bytes) -> None:
        had_head = waiting.arrival.has_head
        self.buffered += len(data)
        before = len(waiting.arrival)
        try:
            expects = waiting.arrival.feed(data)
        except TooLarge as refusal:
            self._drop(conn, refusal.status, counted=before + len(data))
            return
        self.buffered += len(waiting.arrival) - before - len(data)
        if waiting.arrival.is_complete:
            self._hand_over(conn)
        elif self.buffered > MOST_BUFFERED:
            self._drop(conn, HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            if waiting.arrival.has_head and not had_head:
                waiting.until = time.monotonic() + BODY_SECONDS
            if expects:
                _send(conn.sock, _GO_ON)

    def _hand_over(self, conn: Connection) -> None:
        arrival = self._forget(conn).arrival
        conn.init()
        conn.parser.unreader.unread(arrival.taken())
        conn.sock.left = SEND_SECONDS
        threads = self.probe_threads if arrival.path in _PROBES else self.tpool
        threads.submit(self.handle, conn).add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def _forget(self, conn: Connection, counted: int | None = None) -> Waiting:
        waiting = self.waiting.pop(conn)
        self.buffered -= len(waiting.arrival) if counted is None else counted
        self.poller.unregister(conn.sock)
        return waiting

    def _drop(self, conn: Connection, status: int = 0, counted: int | None = None) -> None:
        """Close a connection whose request does not come, with a word where the client said anything at all."""
        path = self._forget(conn, counted).arrival.path
        self.nr_conns -= 1
        if status:
            # gunicorn loads this module before the applications are there.
            from portal.web import wire_errors

            _send(conn.sock, wire_errors.answer(status, path).on_the_wire())
        conn.close(graceful=bool(status))

    def murder_pending(self) -> None:
        """Called with every turn of the loop: closes what is late."""
        super().murder_pending()
        now = time.monotonic()
        if now - self._checked_at < _CHECK_EVERY_SECONDS:
            return
        self._checked_at = now
        late = [(conn, each) for conn, each in self.waiting.items() if each.until < now or not self.alive]
        for conn, each in late:
            self._drop(conn, HTTPStatus.REQUEST_TIMEOUT if len(each.arrival) and self.alive else 0)
        for client in [client for client, until in self.lingering.items() if until < now]:
            self._end_linger(client)

    def linger(self, client: socket.socket) -> bool:
        """Say that nothing more is sent, and read on until the client has closed too; False where it has already.

        A connection closed with unread bytes is reset, and the client may lose what we said last (RFC 9112, 9.6).
        """
        try:
            client.setblocking(False)
            client.shutdown(socket.SHUT_WR)
            self.poller.register(client, selectors.EVENT_READ, self._drain)
        except (OSError, ValueError, KeyError):
            return False
        self.lingering[client] = time.monotonic() + LINGER_SECONDS
        return True

    def _drain(self, client: socket.socket) -> None:
        try:
            if client.recv(_PIECE):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            pass
        self._end_linger(client)

    def _end_linger(self, client: socket.socket) -> None:
        if self.lingering.pop(client, None) is not None:
            self.poller.unregister(client)
            client.close()


def _send(client: socket.socket, data: bytes) -> None:
    """Send what fits; who does not even read this has lost nothing."""
    try:
        client.send(data)
    except OSError:
        return
