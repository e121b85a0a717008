"""Somebody else's client drives a simulated car: run by an interpreter that has `tesla-fleet-api`, the task on stdin.

A process of its own, because that package brings a second copy of Tesla's message definitions, of which a process can
load only one. It imports nothing of ours.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import aiohttp
from tesla_fleet_api import TeslaFleetApi


async def drive(server: str, token: str, key_file: str, vin: str, steps: list[list[Any]]) -> list[Any]:
    """Carry out the steps (method name and arguments) one after the other; the client's answers."""
    async with aiohttp.ClientSession() as session:
        api = TeslaFleetApi(session, access_token=token, server=server)
        await api.get_private_key(key_file)
        car = api.vehicles.createSigned(vin)
        return [await getattr(car, name)(*arguments) for name, arguments in steps]


if __name__ == "__main__":
    json.dump(asyncio.run(drive(**json.load(sys.stdin))), sys.stdout)
