"""A sample application on the official `smartcar` SDK: connect a car, look at it, lock it, and mend what is wrong.

The SDK finds Carport through its own environment variables, read when it is imported:

    SMARTCAR_API_ORIGIN, SMARTCAR_CONNECT_ORIGIN   Carport's address, for example http://localhost:8000
    SMARTCAR_AUTH_ORIGIN                           the same with /oauth/token
    SMARTCAR_CLIENT_ID, SMARTCAR_CLIENT_SECRET     this application's credentials
    SMARTCAR_REDIRECT_URI                          http://localhost:8002/callback; its port is served
    SMARTCAR_MODE                                  live (default), simulated or test
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import smartcar

SCOPE = [
    "required:read_vehicle_info", "read_vin", "read_battery", "read_odometer", "read_location", "read_security",
    "control_security",
]  # fmt: skip
DONE = {"lock": "Locked.", "unlock": "Unlocked.", "disconnect": "The car is no longer connected."}
LINK_TEXTS = {
    "VIRTUAL_KEY_REQUIRED": "Add the key to this car",
    "REAUTHENTICATE": "Connect again",
    "ACTION_REQUIRED": "Put this right",
}


@dataclass
class Visit:
    """What this application remembers of one browser: in memory only."""

    pending: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    access: Any = None
    notice: str = ""
    notice_about: str = ""
    form_token: str = field(default_factory=lambda: secrets.token_urlsafe(16))


VISITS: dict[str, Visit] = {}
MOST_PENDING = 20
"""So many tabs of one browser may be on their way through Connect."""


def client() -> smartcar.AuthClient:
    return smartcar.AuthClient(mode=os.environ.get("SMARTCAR_MODE", "live"))


def access_token(visit: Visit) -> str:
    """A token that still works: refreshed with the SDK when it has expired."""
    if visit.access.expiration < datetime.now(UTC).replace(tzinfo=None):
        visit.access = client().exchange_refresh_token(visit.access.refresh_token)
    return str(visit.access.access_token)


# What is shown of a car: a label, and how the SDK reads it.
READINGS: list[tuple[str, Callable[[smartcar.Vehicle], str]]] = [
    ("VIN", lambda car: car.vin().vin),
    ("Battery", lambda car: percent(car.battery())),
    ("Odometer", lambda car: f"{car.odometer().distance:,.0f} km"),
    ("Location", lambda car: place(car.location())),
    ("Virtual key", lambda car: key_state(car)),  # noqa: PLW0108 - defined below
    ("May", lambda car: permissions(car)),  # noqa: PLW0108 - defined below
]


def percent(battery: Any) -> str:
    return f"{battery.percent_remaining:.0%}, {battery.range:.0f} km"


def place(location: Any) -> str:
    return f"{location.latitude:.4f}, {location.longitude:.4f}"


def permissions(car: smartcar.Vehicle) -> str:
    words = [name.replace("_", " ") for name in car.permissions().permissions]
    return ", ".join(words) or "nothing"


def key_state(car: smartcar.Vehicle) -> str:
    paired = car.request("GET", "tesla/virtual_key", headers={}).body["isPaired"]
    return "on the car" if paired else "not on the car"


# Pages -----------------------------------------------------------------------------------------------------------


def fault(error: smartcar.SmartcarException) -> str:
    """An error as the person needs it: what is wrong, and the link that mends it."""
    kind, code = getattr(error, "type", None) or "", getattr(error, "code", None) or ""
    told = (
        getattr(error, "suggested_user_message", None) or getattr(error, "description", None) or error.message
    )
    resolution = getattr(error, "resolution", None) or {}
    link, url = "", resolution.get("url")
    if not url and resolution.get("type") == "REAUTHENTICATE":
        url = "/connect"
    if url:
        text = LINK_TEXTS.get(code) or LINK_TEXTS.get(resolution.get("type") or "") or "How to put this right"
        link = f'<p><a class="fix" href="{escape(url)}">{escape(text)}</a></p>'
    name = escape(f"{kind}:{code}" if code else kind).replace("_", "_<wbr>").replace(":", ":<wbr>")
    return f'<div class="fault" role="alert"><p>{escape(str(told))}</p>{link}<code>{name}</code></div>'


def reading(car: smartcar.Vehicle, label: str, read: Callable[[smartcar.Vehicle], str]) -> str:
    try:
        shown = escape(read(car))
    except smartcar.SmartcarException as error:
        shown = fault(error)
    return f"<dt>{label}</dt><dd>{shown}</dd>"


def card(vehicle_id: str, visit: Visit) -> str:
    car = smartcar.Vehicle(vehicle_id, access_token(visit))
    try:
        about = car.attributes()
        title = f"{escape(about.model)} <small>{about.year}</small>"
    except smartcar.SmartcarException as error:
        title = f"Car {fault(error)}"
    rows = "".join(reading(car, label, read) for label, read in READINGS)
    buttons = "".join(
        f'<button name="do" value="{action}" id="{action}-{vehicle_id}">{text}</button>'
        for action, text in (("lock", "Lock"), ("unlock", "Unlock"), ("disconnect", "Disconnect"))
    )
    notice = taken_notice(visit, vehicle_id)
    return f"""<article class="car"><h2>{title}</h2>{notice}<dl>{rows}</dl>
      <form method="post" action="/cars/{vehicle_id}">
        <input type="hidden" name="form_token" value="{visit.form_token}">{buttons}
      </form></article>"""


def taken_notice(visit: Visit, about: str = "") -> str:
    """What came of the last thing done, told once and where it belongs."""
    if visit.notice_about != about:
        return ""
    notice, visit.notice, visit.notice_about = visit.notice, "", ""
    return notice


def home(visit: Visit) -> str:
    notice = taken_notice(visit)
    if visit.access is None:
        return page(f"""{notice}<section class="hero"><h1>Your car, in this app.</h1>
          <p>Connect your Tesla to see its battery and to lock it from here.
          You choose what this app may do.</p>
          <a class="connect" id="connect" href="/connect">Connect your Tesla</a></section>""")
    try:
        ids = smartcar.get_vehicles(access_token(visit)).vehicles
        cards = "".join(card(vehicle_id, visit) for vehicle_id in ids)
    except smartcar.SmartcarException as error:
        cards = fault(error)
    again = '<p><a class="connect" id="connect" href="/connect">Connect another car</a></p>'
    return page(
        f"<h1>My cars</h1>{notice}<div class='cars'>{cards or '<p>No car is connected.</p>'}</div>{again}"
    )


def act(visit: Visit, vehicle_id: str, action: str) -> None:
    """Lock, unlock or disconnect, and tell on the next page what came of it."""
    visit.notice_about = "" if action == "disconnect" else vehicle_id
    try:
        car = smartcar.Vehicle(vehicle_id, access_token(visit))
        {"lock": car.lock, "unlock": car.unlock, "disconnect": car.disconnect}[action]()
        visit.notice = f'<p class="done" role="status">{DONE[action]}</p>'
    except smartcar.SmartcarException as error:
        visit.notice = fault(error)


def connect_url(visit: Visit) -> str:
    """Where to send the person; what comes back is known by a state drawn for this one time."""
    state = secrets.token_urlsafe(16)
    visit.pending = [*visit.pending, state][-MOST_PENDING:]
    return str(client().get_auth_url(SCOPE, {"state": state}))


def finish(visit: Visit, query: dict[str, str]) -> None:
    """Connect came back: keep the tokens, or tell why there are none."""
    state = query.get("state", "")
    if state in visit.answered:
        # Another tab of this browser went through the same run: what it brought is here already.
        return
    if state not in visit.pending:
        visit.notice = '<div class="fault" role="alert"><p>This answer was not asked for here.</p></div>'
        return
    visit.pending.remove(state)
    visit.answered = [*visit.answered, state][-MOST_PENDING:]
    if "code" not in query:
        told = query.get("error_description") or query.get("error") or "Nothing was connected."
        visit.notice = f'<div class="fault" role="alert"><p>{escape(told)}</p></div>'
    else:
        try:
            visit.access = client().exchange_code(query["code"])
        except smartcar.SmartcarException as error:
            visit.notice = fault(error)


def page(content: str) -> str:
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Sample application</title>
    <meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style>
    <header>Sample application</header><main>{content}</main>
    <footer>One file on the official SDK: docs/sample_application.py</footer></html>"""


STYLE = """
:root { color-scheme: light dark; --ink: #10221f; --soft: #55706b; --paper: #f3f7f6; --card: #fff; --line: #d5e2df;
        --accent: #0f766e; --on-accent: #fff; --bad: #9a3412; --bad-paper: #fff4ed; --good: #166534 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6f1ef; --soft: #9db5b0; --paper: #0d1614; --card: #15211f;
        --line: #2a3a37; --accent: #5eead4; --on-accent: #06231f; --bad: #fdba74; --bad-paper: #2b1a10;
        --good: #86efac } }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
header { padding: 1rem 1.25rem; font-weight: 650; border-bottom: 1px solid var(--line); background: var(--card) }
main { max-width: 64rem; margin: 0 auto; padding: 1.25rem }
footer { max-width: 64rem; margin: 0 auto; padding: 1.25rem; color: var(--soft); font-size: .875rem }
h1 { font-size: 1.75rem; line-height: 1.2; margin: .5rem 0 1rem } h2 { margin: 0 0 .75rem; font-size: 1.2rem }
small { color: var(--soft); font-weight: 400 }
.hero { max-width: 32rem; padding: 2rem 0 } .hero p { color: var(--soft); margin-bottom: 1.75rem }
.connect, button { display: inline-block; min-height: 44px; padding: .6rem 1.1rem; border-radius: .6rem; font: inherit;
        font-weight: 600; cursor: pointer; text-decoration: none; border: 1px solid var(--accent) }
.connect { background: var(--accent); color: var(--on-accent) } button { background: none; color: var(--accent) }
button:hover { background: var(--accent); color: var(--on-accent) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.cars { display: grid; gap: 1rem; align-items: start;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)) }
.car { background: var(--card); border: 1px solid var(--line); border-radius: 1rem; padding: 1.25rem }
dl { display: grid; grid-template-columns: 7rem 1fr; gap: .5rem .75rem; margin: 0 0 1.25rem }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere } form { display: flex; flex-wrap: wrap; gap: .5rem }
.fault { background: var(--bad-paper); border-left: 3px solid var(--bad); border-radius: .4rem; padding: .6rem .8rem;
        margin-bottom: .75rem; overflow-wrap: anywhere }
.fault code { color: var(--soft); font-size: .75rem } .fault p { margin: .15rem 0 }
button[value=disconnect] { border-color: transparent; color: var(--soft); margin-left: auto }
.fix { color: var(--bad); font-weight: 600 }
.done { color: var(--good); font-weight: 600; margin: 0 0 .75rem }
"""


# Web -------------------------------------------------------------------------------------------------------------


class Pages(BaseHTTPRequestHandler):
    """`/`, `/connect`, `/callback` and `POST /cars/{id}`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address, visit = urlsplit(self.path), self.visit()
        if address.path == "/":
            self.answer(home(visit))
        elif address.path == "/connect":
            self.go(connect_url(visit))
        elif address.path == "/callback":
            finish(visit, {name: values[0] for name, values in parse_qs(address.query).items()})
            self.go("/")
        else:
            self.answer(page("<h1>There is nothing here.</h1>"), 404)

    def do_POST(self) -> None:
        visit = self.visit()
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        action, vehicle_id = form.get("do", [""])[0], self.path.removeprefix("/cars/")
        sent_here = secrets.compare_digest(form.get("form_token", [""])[0], visit.form_token)
        if visit.access and sent_here and action in DONE:
            act(visit, vehicle_id, action)
        self.go("/")

    def visit(self) -> Visit:
        cookie = SimpleCookie(self.headers.get("Cookie", "")).get("visit")
        self.visit_id = cookie.value if cookie and cookie.value in VISITS else secrets.token_urlsafe(24)
        return VISITS.setdefault(self.visit_id, Visit())

    def go(self, address: str) -> None:
        self.answer("", 303, Location=address)

    def answer(self, text: str, status: int = 200, **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"visit={self.visit_id}; HttpOnly; SameSite=Lax; Path=/")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Quiet: addresses carry authorization codes."""


if __name__ == "__main__":
    port = urlsplit(os.environ["SMARTCAR_REDIRECT_URI"]).port or 80
    ThreadingHTTPServer(("127.0.0.1", port), Pages).serve_forever()
