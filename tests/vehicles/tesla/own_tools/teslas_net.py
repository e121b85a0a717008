"""The net in which Tesla's own programs find the simulated Tesla under Tesla's own names, at port 443.

They are started with a forward proxy and an authority of the test's own, as in a company's network; nothing about
the programs or about this machine is changed, and nothing leaves it.
"""

from __future__ import annotations

import socket
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Self
from urllib.parse import urlsplit

from tests.vehicles.tesla.certificates import certificate_for
from vehicles.tesla import paths
from vehicles.tesla.simulator.server import LOOPBACK, SimulatorServer
from vehicles.tesla.simulator.world import World

LOCALHOST = "localhost"
FLEET_HOSTS = tuple(str(urlsplit(base).hostname) for base in paths.FLEET_API_HOSTS.values())


class TeslasNet(AbstractContextManager["TeslasNet"]):
    """Serves the world under Tesla's names; `environment` is what a program needs to find it there.

    `certificate` and `key` also fit `localhost`, for the programs that are servers themselves. `called` are the
    names that were asked for.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self.folder = folder
        self.certificate, self.key = certificate_for(folder, LOCALHOST, *FLEET_HOSTS)
        self.called: list[str] = []
        self._tesla = SimulatorServer(world, certificate=self.certificate, private_key=self.key)
        self._way = _Way((LOOPBACK, 0), _handler(self))
        self.environment = {
            "HTTPS_PROXY": f"http://{LOOPBACK}:{self._way.server_address[1]}",
            "SSL_CERT_FILE": self.certificate,
            "HOME": str(folder),
        }

    def way_to(self, host: str) -> socket.socket | None:
        """A connection to whoever bears that name here."""
        self.called.append(host)
        return socket.create_connection((LOOPBACK, self._tesla.port)) if host in FLEET_HOSTS else None

    def __enter__(self) -> Self:
        self._tesla.start()
        Thread(target=self._way.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._way.shutdown()
        self._way.server_close()
        self._tesla.stop()


class _Way(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False


def _handler(net: TeslasNet) -> type[StreamRequestHandler]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            method, address, _ = self.rfile.readline().decode().split()
            while self.rfile.readline().strip():
                """Nothing else matters."""
            host, _, port = address.partition(":")
            there = net.way_to(host) if (method, port) == ("CONNECT", "443") else None
            if there is None:
                self.wfile.write(b"HTTP/1.1 502 Nobody of that name\r\n\r\n")
                return
            with there:
                self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                back = Thread(target=_pass_on, args=(there, self.connection), daemon=True)
                back.start()
                _pass_on(self.connection, there)
                back.join()

    return Handler


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes until the source has no more to say, and tell the target so."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
