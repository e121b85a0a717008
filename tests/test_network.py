"""Tests cannot leave the machine."""

from __future__ import annotations

import socket

import pytest

from tests.network import LeavesTheMachine


def test_a_connection_to_another_machine_is_refused() -> None:
    with socket.socket() as outward, pytest.raises(LeavesTheMachine):
        outward.connect(("192.0.2.1", 443))


def test_a_name_look_up_is_refused() -> None:
    with pytest.raises(LeavesTheMachine):
        socket.create_connection(("tesla.example", 443), timeout=1)


def test_loopback_stays_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as inward,
    ):
        assert inward.getpeername() == server.getsockname()
