"""A worker on RabbitMQ or Redis goes on whatever somebody put into its queue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Producer

from tests.runner import ROOT

BROKER = os.environ.get("CELERY_BROKER_URL", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not BROKER.startswith(("amqp", "redis")), reason="needs RabbitMQ or Redis: set CELERY_BROKER_URL"
    ),
]
PROGRAM = """
import sys
from pathlib import Path
from portal.celery import app
app.conf.task_default_queue = sys.argv[1]
@app.task(name="mark")
def mark(path):
    Path(path).touch()
app.worker_main(["worker", "--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"])
"""
BODIES: dict[str, bytes] = {
    "empty": b"",
    "half": b"[[], {",
    "zeros": b"\x00" * 700,
    "not UTF-8": b"\xff\xfe\x00",
    "a number": b"7",
    "too deep": b"[" * 100_000,
    "no task": b"[[], {}, 3]",
}
HEADERS: dict[str, dict[str, Any]] = {
    "none": {},
    "task is a number": {"task": 7},
    "eta is a number": {"eta": 12},
    "eta is no time": {"eta": "soon"},
    "timelimit is a text": {"timelimit": "soon"},
    "timelimit is empty": {"timelimit": []},
    "retries is a text": {"retries": "many"},
    "expires is no time": {"expires": "never"},
    "no id": {"id": None},
}
GOOD = {"task": "mark", "id": "1", "eta": None, "expires": None, "retries": 0, "timelimit": [None, None]}


@pytest.fixture
def name() -> str:
    return f"carport-test-{uuid.uuid4()}"


@pytest.fixture
def sender(name: str) -> Iterator[Celery]:
    made = Celery("sender", broker=BROKER, set_as_current=False)
    made.conf.update(task_default_queue=name, broker_connection_timeout=5.0)
    yield made
    with made.connection_for_write() as connection:
        connection.default_channel.queue_delete(name)
    made.close()


def publish(sender: Celery, name: str, body: bytes, headers: dict[str, Any], **more: Any) -> None:
    with sender.connection_for_write() as connection:
        queue = sender.amqp.queues[name](connection.default_channel)
        queue.declare()
        content = {"content_type": "application/json", "content_encoding": "utf-8"} | more
        Producer(connection).publish(
            body, exchange=queue.exchange, routing_key=queue.routing_key, headers=headers, **content
        )


def put_raw_into_redis(name: str) -> None:
    with Connection(BROKER) as connection:
        client = connection.default_channel.client
        for raw in (*BODIES.values(), b"[]", b"null", b"{}", json.dumps({"properties": []}).encode()):
            client.lpush(name, raw)


def wait_for(path: Path, worker: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert worker.poll() is None, "the worker ended"
        assert time.monotonic() < deadline, "the worker did not do it"
        time.sleep(0.05)


def test_it_outlives_whatever_is_in_its_queue(sender: Celery, name: str, tmp_path: Path) -> None:
    def mark(where: str) -> None:
        sender.send_task("mark", [str(tmp_path / where)], retry=False)

    for body in BODIES.values():
        publish(sender, name, body, GOOD)
    for wrong in HEADERS.values():
        publish(sender, name, b"[[], {}, {}]", {**GOOD, **wrong} if wrong else {})
    publish(sender, name, b"[[], {}, {}]", GOOD, content_type="application/x-unknown")
    publish(sender, name, b"[[], {}, {}]", GOOD, content_encoding="rot13")
    sender.send_task("unknown", retry=False)
    mark("one")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen([sys.executable, "-c", PROGRAM, name], env=environment) as worker:
        try:
            wait_for(tmp_path / "one", worker)
            if BROKER.startswith("redis"):
                put_raw_into_redis(name)
            mark("two")
            wait_for(tmp_path / "two", worker)
        finally:
            worker.terminate()
            worker.wait(30)
