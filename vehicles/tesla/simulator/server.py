"""The simulated Tesla as a server: in the background of a test, or in the foreground of a terminal."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Final

from aiohttp import web

from vehicles.tesla.simulator.app import create_app
from vehicles.tesla.simulator.world import World

LOOPBACK: Final = "127.0.0.1"
_START_SECONDS: Final = 30
_STOP_SECONDS: Final = 0.1
"""How long requests in progress may still take when the server stops."""


class SimulatorServer:
    """Runs in a thread of its own, with its own event loop. Use it as a context manager, or `start` and `stop` it.

    `world` may be read and changed directly while it runs; `url` is the origin to point clients at.
    """

    def __init__(
        self, world: World | None = None, *, port: int = 0, certificate: str = "", private_key: str = ""
    ) -> None:
        self.world = world or World()
        self.port = port
        self._tls = tls_context(certificate, private_key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulated-tesla", daemon=True)
        self._is_ready = threading.Event()
        self._failure: BaseException | None = None
        self._finish = asyncio.Event()

    @property
    def url(self) -> str:
        """The origin, for example `http://127.0.0.1:41234`."""
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self.port}"

    def start(self) -> SimulatorServer:
        """Listen; returns once requests are answered. Raises `OSError` when the port is taken."""
        self._thread.start()
        self._is_ready.wait(_START_SECONDS)
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """Stop listening and end the thread."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._finish.set)
            self._thread.join()

    def __enter__(self) -> SimulatorServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as problem:
            self._failure = problem
        finally:
            self._is_ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        async def ready(port: int) -> None:
            self.port = port
            self._is_ready.set()
            await self._finish.wait()

        await serve(self.world, self.port, self._tls, ready)


async def serve(
    world: World, port: int, tls: ssl.SSLContext | None, while_listening: Callable[[int], Awaitable[None]]
) -> None:
    """Listen on loopback, port 0 for a free one, for as long as `while_listening(port)` runs."""
    runner = web.AppRunner(create_app(world), access_log=None, shutdown_timeout=_STOP_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, LOOPBACK, port, ssl_context=tls)
        await site.start()
        await while_listening(int(runner.addresses[0][1]))
    finally:
        await _stop(runner)


async def _stop(runner: web.AppRunner) -> None:
    """End the server and every connection, TLS ones without waiting for the peer's farewell."""
    transports = [connection.transport for connection in runner.server.connections] if runner.server else []
    await runner.cleanup()
    for transport in transports:
        if transport is not None:
            transport.abort()
    # Aborted connections are let go of in the loop's next turns.
    for _ in range(2):
        await asyncio.sleep(0)


def run(
    world: World,
    *,
    port: int,
    certificate: str = "",
    private_key: str = "",
    tell: Callable[[str], object] = print,
) -> None:
    """Serve until interrupted (Ctrl-C), from the main thread; says through `tell` where it listens."""
    tls = tls_context(certificate, private_key)

    async def until_interrupted(actual_port: int) -> None:
        tell(f"Simulated Tesla on {'https' if tls else 'http'}://{LOOPBACK}:{actual_port}")
        await asyncio.Event().wait()

    try:
        asyncio.run(serve(world, port, tls, until_interrupted))
    except KeyboardInterrupt:
        tell("Simulated Tesla stopped")


def tls_context(certificate: str, private_key: str) -> ssl.SSLContext | None:
    """The TLS settings for a certificate and its key (PEM files); None without them."""
    if not certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private_key or None)
    return context
