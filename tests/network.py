"""The network guard: a test that reaches for anything but this machine fails, instead of calling it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest


class LeavesTheMachine(AssertionError):
    """A test tried to talk to another host."""


def is_loopback(host: object) -> bool:
    """Whether a host name or address can only mean this machine. Nothing is looked up."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost"):
        return True
    try:
        return ip_address(str(host)).is_loopback
    except ValueError:
        return False


def guard(patch: pytest.MonkeyPatch) -> None:
    """Refuse connections and name look-ups beyond loopback; unix sockets stay open."""

    def guarded(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _refuse_unless_loopback(address[0])
            return original(self, address)

        return connect

    def getaddrinfo(host: object, *arguments: Any, **options: Any) -> Any:
        _refuse_unless_loopback(host)
        return look_up(host, *arguments, **options)

    look_up = socket.getaddrinfo
    patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    patch.setattr(socket, "getaddrinfo", getaddrinfo)


def _refuse_unless_loopback(host: object) -> None:
    if not is_loopback(host):
        raise LeavesTheMachine(f"A test reached for {host!r}; tests talk to loopback only.")
