"""SQLite's file in the hands of another program, which holds the lock that every writer needs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Nobody else can write meanwhile; readers go on."""
    holder = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=20)
    holder.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        holder.close()
