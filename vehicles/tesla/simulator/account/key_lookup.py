"""Which key an application has at this moment, and whether it is on a car (Fleet API: virtual keys)."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
from aiohttp import web

from vehicles.tesla.signing.keys import public_key_from_pem
from vehicles.tesla.simulator.account.accounts import Client
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.car.security import Role
from vehicles.tesla.simulator.state import HTTP

_SECONDS = 3
_LONGEST_PEM = 4096


class KeyUnreachable(Exception):
    """The application's public key could not be had: no answer, not a key, or on the wrong curve."""


async def current_key(request: web.Request, client: Client) -> bytes:
    """The application's key as it is now: fetched from its domain, or as registered where there is no address.

    Returns the uncompressed point and remembers it on the client. Raises `KeyUnreachable`.
    """
    try:
        pem = (
            await _fetch(request, client) if client.public_key_url else (client.public_key_pem or "").encode()
        )
        client.current_key = public_key_from_pem(pem)
    except (aiohttp.ClientError, TimeoutError, ValueError) as problem:
        raise KeyUnreachable(f"the public key cannot be read: {type(problem).__name__}") from None
    return client.current_key


async def make_known(request: web.Request, client: Client, cars: Iterable[Car]) -> None:
    """See to it that the application's key is known if any of the cars holds keys to compare it with."""
    if client.current_key is None and any(car.keys for car in cars):
        await _look_up_quietly(request, client)


def is_paired(car: Car, client: Client) -> bool:
    """Whether the application's key is on the car, as far as the key is known."""
    return client.client_id in car.operators or client.current_key in car.keys


async def allowed_keys(
    request: web.Request, car: Car, clients: Iterable[Client], signer: bytes
) -> dict[bytes, int]:
    """Every key on the car with its role; looks an operator's key up anew if the signer is not among them."""
    keys = dict(car.keys)
    for client in clients:
        if client.client_id not in car.operators:
            continue
        if client.current_key is None or (signer != client.current_key and signer not in keys):
            await _look_up_quietly(request, client)
        if client.current_key is not None:
            keys[client.current_key] = Role.FLEET_MANAGER
    return keys


async def _look_up_quietly(request: web.Request, client: Client) -> None:
    try:
        if client.public_key_pem and client.current_key is None:
            client.current_key = public_key_from_pem(client.public_key_pem.encode())
        else:
            await current_key(request, client)
    except (KeyUnreachable, ValueError):
        # The car keeps the key it knows; without any to compare with, it simply does not carry it.
        return


async def _fetch(request: web.Request, client: Client) -> bytes:
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with request.app[HTTP].get(client.public_key_url, timeout=timeout, allow_redirects=False) as answer:
        if answer.status != 200:
            raise ValueError("no key there")
        return await answer.content.read(_LONGEST_PEM)
