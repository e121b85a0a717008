"""Processes that run as one: started in order, told apart when they fail, and none left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.processes import PortTaken, Process, StartFailed, Supervisor, answers, log_says, require_free
from tests.runner import ROOT


def process(code: str, log: Path, *, is_up: Callable[[], bool] | None = None) -> Process:
    """A Python child that says "up" when it is."""
    return Process(
        "child", [sys.executable, "-u", "-c", textwrap.dedent(code)], is_up or log_says(log, "up"), log
    )


def exists(pid: int) -> bool:
    """Whether a process runs; one that ended and was not collected yet does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


WITH_CHILD = """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print(child.pid, "up")
    time.sleep(60)
"""
DEAF = """
    import signal, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("up")
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def signals_as_before() -> object:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_leaving_ends_the_process_and_its_children(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Supervisor() as supervisor:
        supervisor.start(process(WITH_CHILD, log))
        grandchild = int(log.read_text().split()[0])
        assert exists(grandchild)
    deadline = time.monotonic() + 5
    while exists(grandchild) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not exists(grandchild)


def test_a_process_that_does_not_listen_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.processes.STOP_SECONDS", 0.2)
    with Supervisor() as supervisor:
        supervisor.start(process(DEAF, tmp_path / "log"))
        [(_, child)] = supervisor._running
    assert child.returncode == -signal.SIGKILL


def test_a_process_that_ends_while_starting_is_named_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Supervisor() as supervisor, pytest.raises(StartFailed, match=f"child ended with status 3.*{log}"):
        supervisor.start(process("import sys; sys.exit(3)", log))


def test_a_process_that_ends_later_ends_the_wait(tmp_path: Path) -> None:
    with Supervisor() as supervisor:
        supervisor.start(process("print('up')", tmp_path / "log"))
        with pytest.raises(StartFailed, match="ended with status 0"):
            supervisor.wait()


def test_a_process_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.processes.START_SECONDS", 0.3)
    with Supervisor() as supervisor, pytest.raises(StartFailed, match="did not answer"):
        supervisor.start(process("import time; time.sleep(60)", tmp_path / "log"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_everything_with_it(tmp_path: Path, number: int) -> None:
    program = f"""
        from pathlib import Path
        from tests.test_processes import WITH_CHILD, process
        from portal.processes import Supervisor
        with Supervisor() as supervisor:
            supervisor.start(process(WITH_CHILD, Path({str(tmp_path / "log")!r})))
            print("waiting", flush=True)
            supervisor.wait()
        print("ended", flush=True)
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "waiting\n"
        parent.send_signal(number)
        assert parent.stdout.readline() == "ended\n"
        assert parent.wait(5) == 0
    assert not exists(int((tmp_path / "log").read_text().split()[0]))


def test_a_taken_port_is_told_with_the_setting_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"Port {port} is taken; choose another with SIM_PORT="):
            require_free({"SIM_PORT": port})
    require_free({"SIM_PORT": port})


def test_nobody_answers_on_a_port_without_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    assert not answers(f"http://127.0.0.1:{port}/")()
