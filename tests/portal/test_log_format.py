"""Log lines as JSON: one object a line, with the id of the request, from every process."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
import urllib3

from portal import log_format, serve
from portal.running.processes import Process, Supervisor, says, worker
from tests.portal.serving import portal_served
from tests.runner import ROOT
from vehicles import request_id

AS_JSON = {"DJANGO_SETTINGS_MODULE": "portal.settings", "LOG_FORMAT": "json", "LOG_LEVEL": "INFO"}


def lines(log: str) -> list[dict[str, Any]]:
    """Every line as an object; fails where one is none."""
    assert all(line.startswith("{") for line in log.splitlines()), log
    return [json.loads(line) for line in log.splitlines()]


@pytest.mark.django_db(transaction=True)
def test_the_web_server_and_the_portal_in_it_write_json_with_the_id_of_the_request(tmp_path: Path) -> None:
    with portal_served(tmp_path, **AS_JSON, ALLOWED_HOSTS="127.0.0.1") as port:
        answer = get(f"http://127.0.0.1:{port}/v2.0/nothing")
    told = lines((tmp_path / "web.log").read_text())
    (missed,) = [line for line in told if "nothing" in line["event"]]
    assert missed["request_id"] == answer.headers["SC-Request-Id"]
    assert (missed["level"], missed["logger"]) == ("INFO", "portal.web.middleware")
    assert "gunicorn.error" in {line["logger"] for line in told}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_of_a_foreign_host_name(tmp_path: Path) -> None:
    environment = {"DJANGO_SETTINGS_MODULE": "portal.settings", "ALLOWED_HOSTS": "127.0.0.1"}
    with portal_served(tmp_path, **environment) as port:
        assert get(f"http://127.0.0.1:{port}/v2.0/user", Host="elsewhere.example").status == 400
    assert "elsewhere.example" not in (tmp_path / "web.log").read_text()


def get(address: str, **headers: str) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False) as pool:
        return pool.request("GET", address, headers=headers)


@pytest.mark.slow
def test_the_worker_writes_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A checkout of its own, so that it takes nobody's messages.
    for name in ("portal", "connect", "vehicles"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "static"))
    monkeypatch.chdir(tmp_path)
    # Said before any log is set up, and only where tests are run by root.
    environment = AS_JSON | {"PYTHONWARNINGS": "ignore:You're running the worker"}
    process = Process("worker", worker(), says(" ready."), tmp_path / "log", environment)
    with Supervisor() as supervisor:
        supervisor.start(process)
        told = lines((tmp_path / "log").read_text())
    assert any(line["event"].endswith(" ready.") for line in told)


def test_a_failure_is_one_line_with_its_trace() -> None:
    formatter = log_format.json_lines()
    request = request_id.begin()
    try:
        raise ValueError("two\nlines")
    except ValueError as failure:
        record = logging.LogRecord(
            "vehicles",
            logging.ERROR,
            "",
            1,
            "broke: %s",
            ("ü",),
            (ValueError, failure, failure.__traceback__),
        )
    (told,) = lines(formatter.format(record))
    assert (told["event"], told["level"], told["request_id"]) == ("broke: ü", "ERROR", request)
    assert "ValueError: two\nlines" in told["exception"]


@pytest.mark.parametrize(("chosen", "is_json"), [("", False), ("text", False), (" JSON ", True)])
def test_what_is_told_of_the_processes_has_the_same_form(
    chosen: str, is_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LOG_FORMAT", chosen)
    serve._tell("web ended")
    told = capsys.readouterr().err
    assert (lines(told)[0]["event"] if is_json else told.rstrip()) == "web ended"
