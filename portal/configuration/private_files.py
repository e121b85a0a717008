"""What the portal writes is for its own user alone: database, queue, logs and keys."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

UMASK: Final = 0o077
_OF_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def begin(folder: Path) -> None:
    """From now on this process makes files that only its user can read; the folder, and what an earlier version left
    open in it, are closed. Does what it may: files of somebody else stay as they are.
    """
    os.umask(UMASK)
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        _close(folder)
        for path in folder.iterdir():
            _close(path)


def _close(path: Path) -> None:
    """Take the rights of others away. A link leads elsewhere, and is left alone."""
    with suppress(OSError):
        found = path.lstat()
        if found.st_mode & _OF_OTHERS and not stat.S_ISLNK(found.st_mode):
            path.chmod(stat.S_IMODE(found.st_mode) & ~_OF_OTHERS)
