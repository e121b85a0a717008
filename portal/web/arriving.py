"""A request while it arrives: whether all of it is there, told from its bytes alone, without waiting for more.

Only where it ends is found out here (RFC 9112, section 6). Whether it makes sense is for the server's own parser, which
sees the very same bytes.
"""

from __future__ import annotations

import re
from typing import Final

LARGEST_HEAD: Final = 192 * 1024
"""Bytes; a line of 64 kB and header fields, each of which has its own limit at the server's parser."""
LARGEST_BODY: Final = 2621440
"""Bytes; the framework itself takes no larger form or JSON (DATA_UPLOAD_MAX_MEMORY_SIZE), and nobody uploads files."""
_LONGEST_CHUNK_LINE: Final = 256
_BEGINNING: Final = 512
_END: Final = b"\r\n\r\n"
_BARE_END: Final = re.compile(rb"(?<!\r)\n")
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked[ \t]*\r\n", re.IGNORECASE)
_EXPECTS: Final = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)


class TooLarge(Exception):
    """More than is taken; `status` is what HTTP calls it."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class Arrival:
    """The bytes of one request, and perhaps of what comes behind it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._body = 0
        """Where the body begins; 0 until the head is there."""
        self._end: int | None = None
        self._chunk = 0
        """Where the next chunk's size stands."""
        self.is_complete = False

    def __len__(self) -> int:
        return len(self._data)

    @property
    def has_head(self) -> bool:
        """Whether the head is there."""
        return self._body > 0

    @property
    def path(self) -> str:
        """The path of the request line, as far as it is there; at most some hundred characters of it."""
        words = bytes(self._data[:_BEGINNING]).lstrip(b"\r\n").partition(b"\r\n")[0].split(b" ", 2)
        return words[1].partition(b"?")[0].decode("latin-1") if len(words) > 1 else ""

    def taken(self) -> bytes:
        """All that came."""
        return bytes(self._data)

    def feed(self, data: bytes) -> bool:
        """Add what came; returns whether the sender waits to be told to go on. Raises `TooLarge`."""
        self._data += data
        waits = not self.has_head and self._find_head(len(self._data) - len(data))
        if not self.has_head:
            return False
        if self._end is None:
            self._follow_chunks()
        elif len(self._data) >= self._end:
            self.is_complete = True
        return waits and not self.is_complete

    def _find_head(self, seen: int) -> bool:
        """Look for the end of the head, and in it for that of the body; returns whether "100 Continue" is expected."""
        found = self._data.find(_END, max(0, seen - len(_END) + 1))
        if found < 0:
            # A line without its carriage return: nothing more has to come for the parser to refuse it.
            self.is_complete = _BARE_END.search(self._data, max(0, seen - 1)) is not None
            if len(self._data) > LARGEST_HEAD:
                raise TooLarge(431)
            return False
        self._body = found + len(_END)
        if self._body > LARGEST_HEAD:
            raise TooLarge(431)
        head = bytes(self._data[: self._body])
        expected = _EXPECTS.search(head)
        if expected is not None:
            # Answered here, so that nothing is left that the server would answer again.
            del self._data[expected.start() : expected.end()]
            self._body -= expected.end() - expected.start()
        if _CHUNKED.search(head):
            self._chunk = self._body
        else:
            length = _LENGTH.search(head)
            size = int(length[1]) if length else 0
            if size > LARGEST_BODY:
                raise TooLarge(413)
            self._end = self._body + size
        return expected is not None

    def _follow_chunks(self) -> None:
        """Step from chunk to chunk as far as they have come (RFC 9112, section 7.1)."""
        while not self.is_complete:
            end = self._data.find(b"\r\n", self._chunk)
            if end < 0 or end - self._chunk > _LONGEST_CHUNK_LINE:
                # A size without an end: nothing that the server's parser would wait for either.
                self.is_complete = len(self._data) - self._chunk > _LONGEST_CHUNK_LINE
                break
            size = _size(bytes(self._data[self._chunk : end]))
            if size is None:
                self.is_complete = True
            elif size == 0:
                # The last one; trailers may follow it.
                at = self._data.find(_END, end)
                self.is_complete = at >= 0
                break
            else:
                if end + size - self._body > LARGEST_BODY:
                    raise TooLarge(413)
                if len(self._data) < end + 2 + size + 2:
                    break
                self._chunk = end + 2 + size + 2
        if len(self._data) - self._body > 2 * LARGEST_BODY:
            raise TooLarge(413)


def _size(line: bytes) -> int | None:
    """The size in a chunk's first line; None where there is none, which the server's parser refuses."""
    digits = line.partition(b";")[0].strip()
    return int(digits, 16) if re.fullmatch(rb"[0-9a-fA-F]{1,8}", digits) else None
