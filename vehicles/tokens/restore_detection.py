"""A file outside the database: which refresh this machine made last. It tells when the database went back in time.

A database restored from a backup is consistent in itself, so nothing inside it shows that Tesla has given out newer
tokens since. A restore that also brings back this file, or a machine that made no refresh since the backup, shows
nothing; then the cause stays unnamed.
"""

from __future__ import annotations

import contextlib
import uuid
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from vehicles import history
from vehicles.history import Kind
from vehicles.models import Event, TeslaToken


def remember(row_id: uuid.UUID, generation: int) -> None:
    """Write down a refresh that is committed. Where the file cannot be written, a restore stays unnoticed."""
    file = _file()
    beside = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(f"{row_id} {generation}\n")
        beside.replace(file)


def detect_restored_database() -> None:
    """Record it once when the database no longer knows the refresh that this machine made last."""
    try:
        row_id, generation = _file().read_text().split()
        newest = int(generation)
        known = TeslaToken.objects.filter(pk=uuid.UUID(row_id)).values_list("generation", flat=True).first()
    except (OSError, ValueError):
        return
    if known is not None and known < newest:
        history.record(Kind.DATABASE_RESTORED, actor=history.SYSTEM, at=timezone.now(), token=row_id)
        _file().unlink(missing_ok=True)


def database_restored_since(moment: datetime | None) -> bool:
    """Whether the database was seen to have gone back in time after that moment."""
    restored = Event.objects.filter(kind=Kind.DATABASE_RESTORED).order_by("-id").values_list("at", flat=True)
    newest = restored.first()
    return newest is not None and (moment is None or moment < newest)


def _file() -> Path:
    return Path(settings.NEWEST_REFRESH_FILE)
