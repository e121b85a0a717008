"""Processes that run as one: started in order, told apart when they fail, and none left behind."""

from __future__ import annotations

import dataclasses
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

from portal.running.processes import PortTaken, Process, StartFailed, Supervisor, answers, require_free, says
from tests.runner import ROOT


def process(code: str, log: Path, *, is_up: Callable[[str], bool] | None = None) -> Process:
    """A Python child that says "up" when it is."""
    return Process("child", [sys.executable, "-u", "-c", textwrap.dedent(code)], is_up or says("up"), log)


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
    monkeypatch.setattr("portal.running.processes.STOP_SECONDS", 0.2)
    with Supervisor() as supervisor:
        supervisor.start(process(DEAF, tmp_path / "log"))
        [child] = supervisor._children
    assert child.popen.returncode == -signal.SIGKILL


def test_a_process_that_ends_while_starting_is_named_with_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        Supervisor() as supervisor,
        pytest.raises(StartFailed, match=f"cannot start: ended with status 3.*{log}"),
    ):
        supervisor.start(process("import sys; sys.exit(3)", log))


class Terminal(list[str]):
    """What a supervisor tells; asks it to stop once that is as much as a test wants to hear."""

    def __init__(self, enough: int) -> None:
        self.enough = enough

    def __call__(self, sentence: str) -> None:
        self.append(sentence)
        if len(self) >= self.enough:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.running.processes.PAUSES", (0.01, 0.02, 0.03))


def test_a_process_that_was_killed_is_started_again_and_the_terminal_says_which_why_and_how_often(
    tmp_path: Path, no_pauses: None
) -> None:
    code = """
        import os, signal, time
        print("up", flush=True)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    told = Terminal(4)
    with Supervisor(told) as supervisor:
        supervisor.start(process(code, tmp_path / "log"))
        supervisor.wait()
    assert "child was ended by SIGKILL" in told[0] and "for the first time" in told[0]
    assert told[1] == told[3] == "child is up again"
    assert "2 times so far" in told[2]
    assert (tmp_path / "log").read_text().count("up") >= 3


def test_the_reason_is_the_processes_own_last_error_and_not_whatever_it_wrote_last(
    tmp_path: Path, no_pauses: None
) -> None:
    code = """
        import sys, time
        print("up")
        time.sleep(0.3)
        print("Traceback (most recent call last):")
        print("ValueError: the disk is on fire")
        print("INFO bye")
        sys.exit(4)
    """
    told = Terminal(1)
    with Supervisor(told) as supervisor:
        supervisor.start(process(code, tmp_path / "log"))
        supervisor.wait()
    assert "ended with status 4" in told[0] and "ValueError: the disk is on fire" in told[0]
    assert "bye" not in told[0]


def test_what_lives_on_in_the_group_of_an_ended_process_is_ended_before_the_next_start(
    tmp_path: Path, no_pauses: None
) -> None:
    code = """
        import os, signal, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid, "up", flush=True)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    told = Terminal(2)
    with Supervisor(told) as supervisor:
        supervisor.start(process(code, tmp_path / "log"))
        left_behind = int((tmp_path / "log").read_text().split()[0])
        supervisor.wait()
        assert not exists(left_behind)


def test_pauses_grow_while_a_process_keeps_ending_and_begin_anew_once_it_stayed(
    tmp_path: Path, no_pauses: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import time; print('up'); time.sleep(0.3)"
    told = Terminal(5)
    with Supervisor(told) as supervisor:
        supervisor.start(process(code, tmp_path / "log"))
        supervisor.wait()
    assert [sentence.partition("again in ")[2][:6] for sentence in told[::2]] == [
        "0.01 s",
        "0.02 s",
        "0.03 s",
    ]
    monkeypatch.setattr("portal.running.processes.STEADY_SECONDS", 0.1)
    told = Terminal(3)
    with Supervisor(told) as supervisor:
        supervisor.start(process(code, tmp_path / "log"))
        supervisor.wait()
    assert "again in 0.01 s" in told[0] and "again in 0.01 s" in told[2]


def test_what_was_forgotten_is_restored_after_a_restart_and_a_failure_of_that_ends_nothing(
    tmp_path: Path, no_pauses: None
) -> None:
    def fail() -> None:
        raise RuntimeError("nobody home")

    child = process("import time; print('up'); time.sleep(0.3)", tmp_path / "log")
    told = Terminal(2)
    with Supervisor(told) as supervisor:
        supervisor.start(dataclasses.replace(child, restored=fail))
        supervisor.wait()
    assert told[1] == "child is up again, but not as it was: nobody home"


def test_a_process_that_ends_once_while_starting_gets_another_try(tmp_path: Path, no_pauses: None) -> None:
    code = f"""
        import sys, time
        from pathlib import Path
        mark = Path({str(tmp_path / "mark")!r})
        if not mark.exists():
            mark.touch()
            sys.exit(1)
        print("up")
        time.sleep(60)
    """
    with Supervisor(Terminal(99)) as supervisor:
        supervisor.start(process(code, tmp_path / "log"))


def test_a_program_that_does_not_exist_is_said_so(tmp_path: Path) -> None:
    missing = Process("ghost", [str(tmp_path / "none")], says("up"), tmp_path / "log")
    with (
        Supervisor() as supervisor,
        pytest.raises(StartFailed, match=r"ghost cannot be started: .*No such file"),
    ):
        supervisor.start(missing)


def test_a_process_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.running.processes.START_SECONDS", 0.3)
    with Supervisor() as supervisor, pytest.raises(StartFailed, match="did not answer"):
        supervisor.start(process("import time; time.sleep(60)", tmp_path / "log"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_everything_with_it(tmp_path: Path, number: int) -> None:
    program = f"""
        from pathlib import Path
        from tests.test_processes import WITH_CHILD, process
        from portal.running.processes import Supervisor
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
        with pytest.raises(PortTaken, match=rf"Port {port} is taken.*an earlier run.*with SIM_PORT="):
            require_free({"SIM_PORT": port})
    require_free({"SIM_PORT": port})


def test_nobody_answers_on_a_port_without_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    assert not answers(f"http://127.0.0.1:{port}/")("")
