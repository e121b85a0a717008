"""A demo under light traffic whose processes are killed one after the other: at the end all of it answers."""

from __future__ import annotations

import os
import signal
import statistics
import time
from pathlib import Path
from typing import Final

import pytest

from tests.journeys.people import Consumer
from tests.soak.conftest import Report, size
from tests.soak.running_demo import PARTS, Demo, Part, answers, connected, running, status, wait_until
from tests.soak.traffic import Stream, Traffic
from vehicles.tesla.simulator.samples.scenarios import BERNDS_MODEL_S, DIETERS_MODEL_3

pytestmark = pytest.mark.soak

KILLS: Final = size("DEMO_KILLS", 14)
KILL_EVERY_SECONDS: Final = size("DEMO_KILL_EVERY", 5)
if minutes := size("DEMO_MINUTES", 0):
    KILL_EVERY_SECONDS = size("DEMO_KILL_EVERY", 15)
    KILLS = minutes * 60 // KILL_EVERY_SECONDS
BACK_SECONDS: Final = 60
TASK_SECONDS: Final = 30
GARBAGE: Final = {"00000_empty.celery.msg": b"", "00001_garbage.celery.msg": b"\x00\xff{" * 100}


def streams(bernd: Consumer, dieter: Consumer) -> list[Stream]:
    """Reads and commands of two cars, state from the store, Connect's first page, and pages of staff and owners."""
    arrival = dieter.authorize_url().removeprefix(dieter.portal_url)
    return [
        Stream("read", 2.0, lambda: status(bernd, "/v2.0/vehicles/{id}/odometer", BERNDS_MODEL_S)),
        Stream("read signed", 2.0, lambda: status(dieter, "/v2.0/vehicles/{id}/battery", DIETERS_MODEL_3)),
        Stream("lock", 3.0, lambda: lock(bernd, BERNDS_MODEL_S)),
        Stream("lock signed", 3.0, lambda: lock(dieter, DIETERS_MODEL_3)),
        Stream("permissions", 0.5, lambda: status(bernd, "/v2.0/vehicles/{id}/permissions", BERNDS_MODEL_S)),
        Stream("connect", 2.0, lambda: status(dieter, arrival)),
        Stream("staff", 2.0, lambda: status(dieter, "/admin/login/")),
        Stream("home", 1.0, lambda: status(dieter, "/")),
    ]


def lock(consumer: Consumer, vin: str) -> int:
    return status(consumer, "/v2.0/vehicles/{id}/security", vin, action="LOCK")


def damage(demo: Demo) -> None:
    """Plant what a full disk or a kill may leave behind."""
    for name, content in GARBAGE.items():
        (demo.var / "queue" / "messages" / name).write_bytes(content)
    (demo.var / "demo-schedule.dat").write_bytes(b"\0" * 700)


def kill(demo: Demo, part: Part) -> float:
    """Kill a process of it; returns how many seconds later it is back."""
    before, heard = demo.pid(part), demo.terminal.count(f"{part.told_as} is up again")
    assert before, f"the {part.name} does not run"
    os.kill(before, signal.SIGKILL)

    def is_back() -> bool:
        assert demo.is_up, demo.terminal
        if part.is_child:
            return demo.pid(part) not in (None, before) and answers(demo.told["portal_url"] + "/healthz")
        return demo.terminal.count(f"{part.told_as} is up again") > heard

    return wait_until(is_back, BACK_SECONDS)


def test_it_is_up_at_the_end(tmp_path: Path, report: Report) -> None:
    with running(tmp_path) as demo:
        bernd, dieter = (connected(demo, f"{name}@owners.example") for name in ("bernd", "dieter"))
        back: dict[str, list[float]] = {part.name: [] for part in PARTS}
        worker_log = demo.var / "log" / "worker.log"
        with Traffic(streams(bernd, dieter)) as traffic:
            for number in range(KILLS):
                began, part = time.monotonic(), PARTS[number % len(PARTS)]
                if number == KILLS // 2:
                    damage(demo)
                back[part.name].append(kill(demo, part))
                time.sleep(max(0.0, KILL_EVERY_SECONDS - (time.monotonic() - began)))
            worked = worker_log.stat().st_size
            kill(demo, PARTS[-1])
            wait_until(lambda: b" succeeded in " in worker_log.read_bytes()[worked:], TASK_SECONDS)
        seconds = [each for times in back.values() for each in times]
        report(
            f"{len(seconds)} kills, one every {KILL_EVERY_SECONDS} s; {traffic.told()}; "
            f"back after {statistics.median(seconds):.1f} s in the middle, {max(seconds):.1f} s at most"
        )
        for stream in traffic.streams:
            told = {code: number for (name, code), number in traffic.answers.items() if name == stream.name}
            report(f"  {stream.name}: {dict(sorted(told.items()))}")
        report(
            f"  longest time back: { {name: round(max(times), 1) for name, times in back.items() if times} }"
        )

        assert traffic.failures == []
        assert traffic.by_status()[500] == 0
        everything_answers(demo, bernd, dieter)
        for part in PARTS:
            assert not back[part.name] or is_told(demo, part, len(back[part.name])), demo.terminal
        rejected = {path.name for path in (demo.var / "queue" / "rejected").iterdir()}
        assert rejected == set(GARBAGE)
    assert demo.process.returncode == 0


def everything_answers(demo: Demo, bernd: Consumer, dieter: Consumer) -> None:
    for name in ("portal_url", "simulator_url"):
        path = "/readyz" if name == "portal_url" else "/_sim/calls"
        assert answers(demo.told[name] + path)
    assert answers(demo.told["applications"][0]["redirect_uri"].removesuffix("callback"))
    assert dieter.get(DIETERS_MODEL_3, "battery").status == 200
    assert bernd.get(BERNDS_MODEL_S, "odometer").status == 200
    assert lock(bernd, BERNDS_MODEL_S) == lock(dieter, DIETERS_MODEL_3) == 200


def is_told(demo: Demo, part: Part, kills: int) -> bool:
    """Whether the terminal says which process, why and how often; a web worker's master writes it to its own log."""
    if part.is_child:
        return (demo.var / "log" / "web.log").read_text().count("SIGKILL") >= kills
    often = "for the first time" if kills == 1 else f"{kills} times so far"
    return f"{part.told_as} was ended by SIGKILL" in demo.terminal and often in demo.terminal
