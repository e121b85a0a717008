"""The thread's database connection while it waits for something else."""

from __future__ import annotations

from django.db import connection


def let_go_of_database() -> None:
    """Give the connection back: Tesla takes up to half a minute, and a pooled connection must not wait along.

    Nothing happens inside a transaction, nor on SQLite, whose connections are in no pool.
    """
    if connection.vendor != "sqlite" and not connection.in_atomic_block:
        connection.close()
