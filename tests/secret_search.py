"""What must never be readable, and where to look for it: all that was issued, and every place that keeps or shows."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.http import HttpRequest, HttpResponse

from vehicles.tesla.simulator.login.tokens import Tokens

_ISSUING: Final = ("access_token", "id_token", "partner_token", "new_family", "rotate")


class Secrets:
    """Secrets by what they are. Of a signed token the signature counts as well as the whole."""

    def __init__(self) -> None:
        self.named: dict[str, str] = {}

    def add(self, secret: str, what: str) -> None:
        self.named[secret] = what
        if secret.count(".") == 2:
            self.named[secret.rpartition(".")[2]] = f"{what}'s signature"

    def found_in(self, text: bytes | str) -> set[str]:
        """What is readable there: as it is, in base64, or in hexadecimal digits, as databases write bytes."""
        content = text.encode() if isinstance(text, str) else text
        return {
            what for secret, what in self.named.items() if any(form in content for form in _readable(secret))
        }


def _readable(secret: str) -> Iterable[bytes]:
    raw = secret.encode()
    # The last letters in base64 depend on what follows.
    return raw, base64.b64encode(raw)[: len(raw) // 3 * 4], raw.hex().encode()


def record_issued(monkeypatch: pytest.MonkeyPatch, into: Secrets) -> None:
    """Note everything that simulated Teslas issue from now on."""

    def recording(name: str) -> Any:
        issue = getattr(Tokens, name)

        def issued(*given: Any, **named: Any) -> str:
            secret: str = issue(*given, **named)
            into.add(secret, f"Tesla's {name}")
            return secret

        return issued

    for name in _ISSUING:
        monkeypatch.setattr(Tokens, name, recording(name))


def record_answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Everything that the portal answers from now on, by path: content, and where it sends the browser."""
    answers: dict[str, bytes] = {}
    answer = BaseHandler.get_response

    def noted(self: BaseHandler, request: HttpRequest) -> HttpResponse:
        response = answer(self, request)
        content = b"" if response.streaming else response.content
        answers[request.path] = answers.get(request.path, b"") + content + str(response.headers).encode()
        return response

    monkeypatch.setattr(BaseHandler, "get_response", noted)
    return answers


def database_content() -> bytes:
    """All that the database holds: SQLite's files as they lie on the disk, or every row of every table."""
    if connection.vendor == "sqlite":
        file = Path(connection.settings_dict["NAME"])
        # In a process of its own: closing the file in this one would end SQLite's locks (How To Corrupt An SQLite
        # Database File, 2.2), and another process would take the log away under open connections.
        parts = sorted(map(str, file.parent.glob(f"{file.name}*")))
        return subprocess.run(["cat", *parts], capture_output=True, check=True).stdout
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT to_json(t)::text FROM "{table}" t')  # noqa: S608 - the names are its own
            rows += [row[0] for row in cursor.fetchall()]
    return "\n".join(rows).encode()
