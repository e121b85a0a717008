"""Callers of a web server on this machine, in a process of their own: `python -m tests.bench.callers`, plan on stdin.

Light on purpose: what they cost is missing to the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    """All callers of the plan `{"port", "seconds", "messages": [[path, headers, body]]}` at once."""
    began = time.perf_counter()
    times = await asyncio.gather(
        *(caller(plan["port"], message(*given), began + plan["seconds"]) for given in plan["messages"])
    )
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "milliseconds": [taken for each in times for taken in each]}


def message(path: str, headers: dict[str, str], body: str) -> bytes:
    """The request as bytes."""
    given = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in (given | headers).items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", body]).encode()


async def caller(port: int, sent: bytes, end: float) -> list[float]:
    """Send the same over one connection until the time is over; how many milliseconds each answer took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    times = []
    while (began := time.perf_counter()) < end:
        writer.write(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        assert head.startswith(b"http/1.1 200 "), head + body
        times.append((time.perf_counter() - began) * 1000)
    writer.close()
    return times


if __name__ == "__main__":
    json.dump(asyncio.run(run(json.load(sys.stdin))), sys.stdout)
