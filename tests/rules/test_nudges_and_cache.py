"""Broker and cache may be away. One place sends tasks and one cache is used, so that nobody has to remember that."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from portal.running.cache import STRICT, TolerantCache, caches
from tests.runner import ROOT

SENDS = frozenset(
    ("delay", "apply_async", "send_task", "signature", "si", "on_commit", "connection_for_write", "broadcast")
)
SENDERS = {
    "vehicles/nudges.py": "the place",
    "portal/running/health.py": "looks whether the broker answers, and says so",
}
STRICT_USERS = {
    "portal/running/cache.py": "makes it",
    "portal/running/health.py": "looks whether the cache answers, and says so",
    "portal/configuration/settings_in_use.py": "the same before a deployment",
}
STARTED_BY_NUDGES = {
    "vehicles.tasks.let_verdicts_follow": "vehicles.tasks.let_verdicts_follow",
    "connect.tasks.learn_colours": "connect.tasks.learn_lately_connected_colours",
}
"""What is nudged, and the regular task that finds the same work from rows of the database."""


@lru_cache(maxsize=1)
def trees() -> list[tuple[str, ast.AST]]:
    files = [file for app in ("portal", "connect", "vehicles") for file in sorted((ROOT / app).rglob("*.py"))]
    return [(str(file.relative_to(ROOT)), ast.parse(file.read_text())) for file in files]


def sent(tree: ast.AST) -> set[str]:
    return {
        f"{node.lineno}: {node.func.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SENDS
    }


def test_tasks_are_sent_and_commits_waited_for_in_one_place_only() -> None:
    found = {name: sent(tree) for name, tree in trees() if name not in SENDERS}
    assert {name: what for name, what in found.items() if what} == {}


def test_the_place_itself_would_be_found() -> None:
    assert sent(ast.parse(Path(ROOT, "vehicles", "nudges.py").read_text()))


def nudged(name: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "nudge":
            task = node.args[0]
            assert isinstance(task, ast.Attribute) and isinstance(task.value, ast.Name)
            module = "connect.tasks" if name.startswith("connect/") else "vehicles.tasks"
            yield f"{module}.{task.attr}"


def test_what_a_lost_nudge_would_have_started_is_done_by_a_regular_task() -> None:
    regular = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {task for name, tree in trees() for task in nudged(name, tree)} == set(STARTED_BY_NUDGES)
    assert set(STARTED_BY_NUDGES.values()) <= regular
    for task in (*STARTED_BY_NUDGES, *regular):
        assert import_string(task)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/1", "rediss://127.0.0.1:6379/1"])
def test_the_cache_that_everybody_gets_by_default_tolerates_its_absence(url: str) -> None:
    from environ import Env

    made = caches(Env.cache_url_config(url))
    assert import_string(made["default"]["BACKEND"]) is TolerantCache


def uses_strict(tree: ast.AST) -> bool:
    def is_strict(node: Any) -> bool:
        named = isinstance(node, ast.Name) and node.id == "STRICT"
        return named or (isinstance(node, ast.Constant) and node.value == STRICT)

    chosen = (node.slice for node in ast.walk(tree) if isinstance(node, ast.Subscript))
    return any(map(is_strict, chosen)) or any(
        isinstance(node, ast.ImportFrom | ast.Import)
        and any(alias.name in ("redis", "Redis", "StrictRedis") for alias in node.names)
        for node in ast.walk(tree)
    )


def test_only_probes_use_the_cache_that_raises_and_nobody_speaks_to_redis_directly() -> None:
    using = {name for name, tree in trees() if uses_strict(tree)}
    assert using - set(STRICT_USERS) == {"portal/running/tolerant_worker.py"}
