"""How far it is from the view to the socket: a command path that grows is read by fewer people."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import urllib3

import vehicles
from tests.vehicles.api.conftest import Calls
from tests.vehicles.commanding import executed
from vehicles.tesla.simulator.server import SimulatorServer

pytestmark = pytest.mark.django_db

OURS = str(Path(vehicles.__file__).parent)
MOST_FRAMES, MOST_FILES = 15, 8


def test_a_signed_lock_takes_few_steps_from_the_view_to_the_socket(
    simulator: SimulatorServer,
    signed: Calls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths, urlopen = [], urllib3.HTTPConnectionPool.urlopen

    def watched(pool: urllib3.HTTPConnectionPool, method: str, url: str, **options: Any) -> Any:
        paths.append(list(reversed(list(_since_the_view(sys._getframe(1))))))
        return urlopen(pool, method, url, **options)

    monkeypatch.setattr(urllib3.HTTPConnectionPool, "urlopen", watched)
    assert signed.lock().status_code == 200
    assert executed(simulator, signed.grant) == ["door_lock"]
    frames = paths[-1]
    files = {frame.partition(":")[0] for frame in frames}
    sys.stdout.write(f"{len(frames)} frames in {len(files)} files: {' > '.join(frames)}\n")
    assert (frames[0], frames[-1]) == ("api/v2/security.py:post", "tesla/transport.py:send")
    assert len(frames) <= MOST_FRAMES
    assert len(files) <= MOST_FILES


def _since_the_view(frame: FrameType | None) -> Iterator[str]:
    """`file:function` of our own frames, from the innermost out to the view's method."""
    while frame is not None:
        name, file = frame.f_code.co_name, frame.f_code.co_filename
        if file.startswith(OURS):
            yield f"{file.removeprefix(OURS + '/')}:{name}"
            if name == "post":
                return
        frame = frame.f_back
