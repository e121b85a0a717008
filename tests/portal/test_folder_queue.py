"""The folder that is a queue: messages are whole or not there, and a bad one costs itself and nothing else."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from portal.running import folder_queue
from portal.running.clock import Scheduler
from tests.runner import ROOT
from vehicles import nudges

DAMAGED: dict[str, bytes] = {
    "empty": b"",
    "half": b'{"body": "W1tdLCB7fSwg',
    "zeros": b"\x00" * 700,
    "not UTF-8": b"\xff\xfe\x00",
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "no envelope": b"{}",
    "too deep": b"[" * 100_000,
    "headers of the wrong type": b'{"body": "", "headers": [], "properties": {}}',
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    queue = tmp_path / "queue"
    folder_queue.make(queue)
    return queue


@pytest.fixture
def application(folder: Path) -> Iterator[Celery]:
    made = Celery("queue-test", set_as_current=False)
    made.conf.update(
        broker_url="filesystem://",
        broker_transport="portal.running.folder_queue:Transport",
        broker_transport_options=folder_queue.options(folder),
        task_ignore_result=True,
    )
    yield made
    made.close()


def send(application: Celery, name: str) -> None:
    application.send_task(name, retry=False)


def received(application: Celery) -> list[str]:
    """The names of the tasks in the queue, taken out of it."""
    names = []
    with application.connection_for_read() as connection:
        channel = connection.default_channel
        while message := channel.basic_get("celery", no_ack=True):
            names.append(message.headers["task"])
    return names


def messages(folder: Path) -> list[Path]:
    return list((folder / "messages").iterdir())


def test_what_is_sent_is_received_in_order(application: Celery) -> None:
    for number in range(5):
        send(application, f"task-{number}")
    assert received(application) == [f"task-{number}" for number in range(5)]


@pytest.mark.parametrize("content", DAMAGED.values(), ids=list(DAMAGED))
def test_a_message_that_cannot_be_read_is_set_aside_with_a_log_line_and_the_next_is_taken(
    application: Celery, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "messages" / "1_x.celery.msg").write_bytes(content)
    send(application, "task")
    assert received(application) == ["task"]
    assert [path.name for path in (folder / "rejected").iterdir()] == ["1_x.celery.msg"]
    assert "1_x.celery.msg cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (("properties", "delivery_tag"), ["x"]),
        (("properties", "body_encoding"), "rot13"),
        (("properties",), None),
        (("headers", "task"), 7),
        (("headers", "timelimit"), "soon"),
        (("headers", "eta"), 12),
        (("body",), "%%%"),
        (("body",), "e30="),
        (("content-type",), "application/x-unknown"),
        (("content-encoding",), "rot13"),
    ],
)
def test_a_whole_message_with_one_wrong_field_is_set_aside_too(
    application: Celery, folder: Path, field: tuple[str, ...], value: Any
) -> None:
    send(application, "bad")
    [path] = messages(folder)
    payload = json.loads(path.read_text())
    inner = payload
    for name in field[:-1]:
        inner = inner[name]
    inner[field[-1]] = value
    path.write_text(json.dumps(payload))
    send(application, "good")
    assert received(application) == ["good"]
    assert len(list((folder / "rejected").iterdir())) == 1


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_where_a_message_should_be_is_set_aside(
    application: Celery, folder: Path, make: Callable[[Path], None]
) -> None:
    make(folder / "messages" / "1_x.celery.msg")
    send(application, "task")
    assert received(application) == ["task"]


def test_only_so_many_bad_messages_are_kept(application: Celery, folder: Path) -> None:
    for number in range(folder_queue.MOST_REJECTED + 5):
        (folder / "messages" / f"{number:05}_x.celery.msg").touch()
    assert received(application) == []
    kept = sorted(path.name for path in (folder / "rejected").iterdir())
    assert len(kept) == folder_queue.MOST_REJECTED and kept[0].startswith("00005")


def test_a_half_written_message_is_not_seen(application: Celery, folder: Path) -> None:
    (folder / "messages" / ".x.part").write_bytes(b'{"body"')
    assert received(application) == []
    assert not list((folder / "rejected").iterdir())


@pytest.fixture
def nudging(application: Celery, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(nudges, "_SENDER", nudges._Sender())

    @application.task(name="nudged")
    def nudged() -> None:
        """Never run here."""

    return nudged


def test_a_queue_that_takes_nothing_costs_the_nudge_and_nothing_else(
    folder: Path, nudging: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    shutil.rmtree(folder)
    nudges.nudge(nudging)
    nudges._SENDER.wait()
    assert "the broker takes no message for nudged" in caplog.text


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="mounts a small disk")
def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, nudging: Any, application: Celery) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", small], check=False)
    if mounted.returncode:
        pytest.skip("may not mount")
    try:
        folder_queue.make(small)
        application.conf.broker_transport_options = folder_queue.options(small)
        with pytest.raises(OSError, match="No space"):
            (small / "filler").write_bytes(b"x" * 100_000)
        nudges.nudge(nudging)
        nudges._SENDER.wait()
        assert list((small / "messages").iterdir()) == []
        (small / "filler").unlink()
        send(application, "later")
        assert received(application) == ["later"]
    finally:
        application.close()
        subprocess.run(["umount", "-l", small], check=True)


@pytest.mark.slow
def test_a_worker_outlives_bad_messages_and_a_folder_that_goes_away(tmp_path: Path) -> None:
    """The worker of the product, in a checkout's own folder structure, over its own settings."""
    queue = tmp_path / "queue"
    program = f"""
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from pathlib import Path
from portal.running import folder_queue
from portal.celery import app
queue = Path({str(queue)!r})
folder_queue.make(queue)
app.conf.update(broker_url="filesystem://", broker_transport="portal.running.folder_queue:Transport",
    broker_transport_options=folder_queue.options(queue), worker_enable_remote_control=False)
@app.task(name="mark")
def mark(path):
    Path(path).touch()
app.worker_main(["worker", "--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"])
"""
    folder_queue.make(queue)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    sender = Celery("sender", set_as_current=False)
    sender.conf.update(
        broker_url="filesystem://",
        broker_transport="portal.running.folder_queue:Transport",
        broker_transport_options=folder_queue.options(queue),
    )
    for number, content in enumerate(DAMAGED.values()):
        (queue / "messages" / f"{number}_x.celery.msg").write_bytes(content)
    for field, value in (("body", "%%%"), ("content-type", "application/x-unknown")):
        sender.send_task("mark", [str(tmp_path / "never")], retry=False)
        path = max((queue / "messages").glob("*-*.msg"))
        path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    sender.send_task("unknown", retry=False)
    sender.send_task("mark", [str(tmp_path / "one")], retry=False)
    with subprocess.Popen([sys.executable, "-c", program], env=environment) as worker:
        try:
            _wait_for(tmp_path / "one", worker)
            shutil.rmtree(queue)
            folder_queue.make(queue)
            sender.send_task("mark", [str(tmp_path / "two")], retry=False)
            _wait_for(tmp_path / "two", worker)
        finally:
            worker.terminate()
            worker.wait(20)


def _wait_for(path: Path, worker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert worker.poll() is None, "the worker ended"
        assert time.monotonic() < deadline, "the worker did not do it"
        time.sleep(0.05)


def test_the_clock_keeps_no_file_and_starts_every_task_once_when_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = Celery("clock-test", set_as_current=False)
    made.conf.beat_schedule = {"daily": {"task": "daily", "schedule": 86_400.0}}
    scheduler = Scheduler(made)
    entry = scheduler.schedule["daily"]
    assert entry.is_due().is_due
    scheduler.reserve(entry)
    assert not scheduler.schedule["daily"].is_due().is_due
    assert not list(tmp_path.iterdir())
    assert datetime.now(UTC) - scheduler.schedule["daily"].last_run_at < timedelta(minutes=1)
