"""The page behind the pairing link, which stands for the Tesla app on the person's phone (Fleet API: virtual keys)."""

from __future__ import annotations

from html import escape
from typing import Final

from aiohttp import web

from vehicles.tesla import paths
from vehicles.tesla import vin as vins
from vehicles.tesla.simulator import pages
from vehicles.tesla.simulator.account import key_lookup, pairing
from vehicles.tesla.simulator.account.accounts import Account, Client
from vehicles.tesla.simulator.account.key_lookup import KeyUnreachable
from vehicles.tesla.simulator.account.pairing import Refusal
from vehicles.tesla.simulator.car.car import Car
from vehicles.tesla.simulator.login.sign_in import here, login_page, sign_in, signed_in
from vehicles.tesla.simulator.state import world_of

_HEADING: Final = "Sign in as in the Tesla app on your phone, to add a key to your car."


async def add_key(request: web.Request) -> web.StreamResponse:
    """`/_ak/{domain}?vin=`, shown and submitted."""
    form = await request.post()
    if "username" in form:
        return await sign_in(request, _HEADING)
    account = signed_in(request)
    if account is None:
        return login_page(request, _HEADING)
    client = _client(request)
    if client is None:
        return _refused(request, account, pairing.APPLICATION_UNKNOWN)
    if not request.query.get("vin"):
        return _choose_car(request, account)
    return await _pair(request, account, client, is_approved=form.get("decision") == "approve")


async def _pair(
    request: web.Request, account: Account, client: Client, *, is_approved: bool
) -> web.StreamResponse:
    world, vin = world_of(request), request.query["vin"]
    car = world.car(vin) if vin in account.access else None
    if car is None:
        return _refused(request, account, pairing.CAR_UNKNOWN)
    try:
        key = await key_lookup.current_key(request, client)
    except KeyUnreachable:
        return _refused(request, account, pairing.KEY_UNREACHABLE)
    if key_lookup.is_paired(car, client):
        return _done(request, account, car, "The key is on this car already.")
    if refusal := pairing.refusal(world, account, car, client):
        return _refused(request, account, refusal)
    if not is_approved:
        return _confirm(request, account, car, client)
    car.set_state("online")
    car.add_key(key)
    return _done(request, account, car, "The key was added. You can go back to the application.")


def _client(request: web.Request) -> Client | None:
    domain = request.match_info["domain"]
    clients = world_of(request).clients.values()
    return next((client for client in clients if client.key_domain and client.key_domain == domain), None)


def _choose_car(request: web.Request, account: Account) -> web.Response:
    links = [
        pages.link(str(request.rel_url.update_query({"vin": car.vin})), f"{_title(car)}, {car.vin}")
        for car in world_of(request).cars_of(account)
    ]
    body = pages.paragraph("Which car is the key for?") + "".join(links)
    if not links:
        body = pages.paragraph("There is no car in this account.")
    return pages.page("Choose a car", body, account=account, here=here(request))


def _confirm(request: web.Request, account: Account, car: Car, client: Client) -> web.Response:
    domain = request.match_info["domain"]
    body = (
        pages.paragraph(f"{client.name or domain} asks to add a virtual key to this car:")
        + _car_card(car)
        + f'<p>The key belongs to <strong id="key-domain">{escape(domain)}</strong>. Only go on if you know it.</p>'
        + pages.paragraph(
            "With it, the application can send commands to the car. You can remove it in the car.", "soft"
        )
        + pages.form(
            here(request), (pages.button("Approve", "approve-key-button", value="approve", is_main=True),)
        )
    )
    return pages.page("Add a virtual key?", body, account=account, here=here(request))


def _done(request: web.Request, account: Account, car: Car, text: str) -> web.Response:
    body = pages.done(text, element_id="pairing-done") + _car_card(car)
    return pages.page("Virtual key", body, account=account, here=here(request))


def _refused(request: web.Request, account: Account, refusal: Refusal) -> web.Response:
    alert = pages.refused(refusal.text, element_id="pairing-refused", reason=refusal.code)
    body = alert + f'<h2>What to do</h2><p id="next-step">{escape(refusal.next_step)}</p>'
    again = pages.link(here(request), "Try again", "try-again-link")
    return pages.page("The key was not added", body + again, account=account, here=here(request))


def _car_card(car: Car) -> str:
    return f'<ul class="plain"><li><strong>{escape(_title(car))}</strong><br><code>{escape(car.vin)}</code></li></ul>'


def _title(car: Car) -> str:
    model = vins.model(car.vin) or "Tesla"
    return f"{car.name} ({model})" if car.name and car.name != model else model


ROUTES = (web.get(paths.PAIRING, add_key), web.post(paths.PAIRING, add_key))
