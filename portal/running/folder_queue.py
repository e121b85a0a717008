"""The folder that serves as message queue where no broker is configured: kombu's, made safe against damage.

A message is written beside the queue and renamed into it, so a reader sees it whole or not at all. One that cannot be
read is set aside in `rejected`, and the next is taken. Who is bound to which exchange is known by every process from
its own declarations and kept in no file. Nothing here is the truth of anything: rows in the database are.
"""

from __future__ import annotations

import json
import logging
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any, Final

from kombu.exceptions import ChannelError
from kombu.transport import filesystem, virtual

from portal.running.task_messages import UnreadableMessage, require_task, require_types

log = logging.getLogger(__name__)

FOLDERS: Final = ("messages", "processed", "rejected")
MOST_REJECTED: Final = 100
"""Messages set aside beyond this number are removed, oldest first."""
_COMPLAIN_EVERY: Final = 60.0
_FIELD_TYPES: Final = {"body": str, "headers": dict, "properties": dict}


def options(folder: Path) -> dict[str, Any]:
    """The transport options of a queue in this folder."""
    return {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "processed_folder": str(folder / "processed"),
        "rejected_folder": str(folder / "rejected"),
        "polling_interval": 0.1,
    }


def make(folder: Path) -> None:
    """Make the folders of the queue. Where that is not possible a line is logged; messages are lost until it is."""
    try:
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        log.error("the queue folder %s cannot be made: %s", folder, failure)


class Channel(filesystem.Channel):
    """Puts and takes whole messages."""

    supports_fanout = False
    _complained_at = float("-inf")

    def get_table(self, exchange: str) -> Any:
        return virtual.Channel.get_table(self, exchange)

    def _queue_bind(self, *binding: Any) -> None:
        """Nothing to write: each process declares what it uses before it uses it."""

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **kw: Any
    ) -> None:
        self._purge(queue)

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Add a message. Raises `ChannelError` where the folder takes none, and leaves nothing half written."""
        folder = Path(self.data_folder_out)
        partial = folder / f".{uuid.uuid4()}.part"
        try:
            partial.write_bytes(json.dumps(message).encode())
            partial.rename(folder / f"{time.time_ns():020}_{uuid.uuid4()}.{queue}.msg")
        except OSError as failure:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise ChannelError(f"The queue folder takes no message: {failure}") from failure

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:
        """Take the oldest readable message. Raises `Empty`."""
        for path in sorted(self._waiting(queue)):
            claimed = Path(self.processed_folder) / path.name
            try:
                path.rename(claimed)
            except FileNotFoundError:
                continue  # another worker was first
            except OSError as failure:
                self._complain("a message cannot be taken from the queue folder: %s", failure)
                continue
            try:
                payload = _read(claimed)
            except UnreadableMessage as fault:
                self._set_aside(claimed, fault)
                continue
            with suppress(OSError):
                claimed.unlink()
            return payload
        raise Empty

    def _size(self, queue: str) -> int:
        return len(self._waiting(queue))

    def _purge(self, queue: str) -> int:
        waiting = self._waiting(queue)
        for path in waiting:
            with suppress(OSError):
                path.unlink()
        return len(waiting)

    def _waiting(self, queue: str) -> list[Path]:
        try:
            return [
                path
                for path in Path(self.data_folder_in).iterdir()
                if path.name.partition(".")[2] == f"{queue}.msg"
            ]
        except OSError as failure:
            self._complain("the queue folder cannot be read: %s", failure)
            return []

    def _set_aside(self, path: Path, fault: UnreadableMessage) -> None:
        folder = Path(self.transport_options["rejected_folder"])
        log.error("message %s cannot be read (%s); it is set aside in %s", path.name, fault, folder)
        try:
            path.rename(folder / path.name)
            kept = sorted(folder.iterdir())
        except OSError:
            _remove(path)
            return
        for surplus in kept[: max(0, len(kept) - MOST_REJECTED)]:
            _remove(surplus)

    def _complain(self, text: str, failure: OSError) -> None:
        """Log a fault of the folder, once a minute however often it is met."""
        now = time.monotonic()
        if now - self._complained_at > _COMPLAIN_EVERY:
            self._complained_at = now
            log.error(text, failure)


def _read(path: Path) -> dict[str, Any]:
    # Opening a pipe would wait for whoever writes to it.
    if not path.is_file():
        raise UnreadableMessage("it is no file")
    try:
        payload = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as failure:
        raise UnreadableMessage(f"{type(failure).__name__}: {failure}") from failure
    if not isinstance(payload, dict):
        raise UnreadableMessage("it is no JSON object")
    require_types(payload, _FIELD_TYPES)
    if not isinstance(payload["properties"].get("delivery_tag"), str):
        raise UnreadableMessage("its delivery_tag is no text")
    content = (payload.get("content-type"), payload.get("content-encoding"))
    require_task(payload["headers"], content, lambda: _message(payload).decode())
    return payload


def _message(payload: dict[str, Any]) -> virtual.Message:
    return virtual.Message(payload, channel=_DECODER, accept={"application/json"})  # type: ignore[arg-type]


class _Decoder:
    """What a message needs of its channel to decode its body."""

    body_encoding = "base64"
    codecs: Final = virtual.Channel.codecs

    def decode_body(self, body: Any, encoding: str | None = None) -> Any:
        return self.codecs[encoding].decode(body) if encoding else body


_DECODER: Final = _Decoder()


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


class Transport(filesystem.Transport):
    """A folder as broker."""

    Channel = Channel
    global_state = virtual.BrokerState()
