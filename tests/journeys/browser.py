"""A browser without scripts, over real HTTP: keeps cookies, follows redirects, and presses buttons by their id."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import urllib3

Fields = list[tuple[str, str]]


@dataclass
class Form:
    """A form as it stands: where it goes, and what it would send."""

    method: str
    action: str
    fields: Fields = field(default_factory=list)


@dataclass
class Button:
    """A button, with the form that it sends and what it adds to it."""

    form_id: str
    adds: Fields
    is_disabled: bool


class PageReader(HTMLParser):
    """What a page lets its reader do: forms, buttons and links, by the ids of the buttons and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: dict[str, Form] = {}
        self.buttons: dict[str, Button] = {}
        self.links: dict[str, str] = {}
        self.ids: set[str] = set()
        self._open_form = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids.add(given.get("id", ""))
        if tag == "form":
            self._open_form = given.get("id") or f"form {len(self.forms) + 1}"
            self.forms[self._open_form] = Form(given.get("method", "get").upper(), given.get("action", ""))
        elif tag == "button":
            adds = [(given["name"], given.get("value", ""))] if given.get("name") else []
            form_id = given.get("form", self._open_form)
            self.buttons[given.get("id", "")] = Button(form_id, adds, "disabled" in given)
        elif tag == "a":
            self.links[given.get("id", "")] = given.get("href", "")
        elif tag in ("input", "textarea"):
            self._read_field(given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open_form = ""

    def _read_field(self, given: dict[str, str]) -> None:
        is_left_out = given.get("type") in ("checkbox", "radio") and "checked" not in given
        if self._open_form and given.get("name") and "disabled" not in given and not is_left_out:
            self.forms[self._open_form].fields.append((given["name"], given.get("value", "")))


class Browser:
    """One person's browser. Stops at addresses outside of this machine, as at the application it is sent back to."""

    def __init__(self) -> None:
        self._http = urllib3.PoolManager()
        self._cookies: dict[str, dict[str, str]] = {}
        self.address = ""
        self.status = 0
        self.text = ""

    @property
    def page(self) -> PageReader:
        return PageReader(self.text)

    def has(self, element_id: str) -> bool:
        """Whether the page shows an element with this id."""
        return element_id in self.page.ids

    @property
    def query(self) -> dict[str, str]:
        """The query of the address where the browser stands."""
        return dict(parse_qsl(urlsplit(self.address).query))

    def open(self, address: str) -> Browser:
        """Go to an address."""
        return self._go("GET", urljoin(self.address, address), [])

    def follow(self, link_id: str) -> Browser:
        """Follow the link with this id."""
        return self.open(self.page.links[link_id])

    def press(self, button_id: str, **filled: Any) -> Browser:
        """Fill in the form of the button with this id, leaving the rest as it stands, and send it.

        A list stands for boxes: exactly these are ticked. The test fails where there is no such button.
        """
        page = self.page
        assert button_id in page.buttons, f"no #{button_id} at {self.address}: {self.text[:3000]}"
        button = page.buttons[button_id]
        assert not button.is_disabled, f"#{button_id} cannot be pressed yet"
        form = page.forms[button.form_id]
        fields = [(name, value) for name, value in form.fields if name not in filled] + button.adds
        for name, value in filled.items():
            fields += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        action = urljoin(self.address, form.action or self.address)
        return self._go(form.method, action, fields)

    def post(self, address: str, **fields: str) -> Browser:
        """Send a form of one's own making with the page's proof of origin, as somebody who tampers would."""
        proof = next(form.fields for form in self.page.forms.values() if form.method == "POST")
        own = [(name, value) for name, value in proof if name == "csrfmiddlewaretoken"]
        return self._go("POST", urljoin(self.address, address), [*own, *fields.items()])

    def _go(self, method: str, address: str, fields: Fields) -> Browser:
        if method == "GET" and fields:
            address, fields = f"{address.partition('?')[0]}?{urlencode(fields)}", []
        origin = urlsplit(address)
        if origin.hostname not in ("localhost", "127.0.0.1"):
            self.address, self.status, self.text = address, 0, ""
            return self
        cookies = self._cookies.setdefault(origin.netloc, {})
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "Referer": self.address or address,
        }
        body = urlencode(fields) if method == "POST" else None
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        answer = self._http.request(method, address, body=body, headers=headers, redirect=False)
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            cookies[name] = value
        self.address, self.status, self.text = address, answer.status, answer.data.decode()
        if location := answer.headers.get("Location"):
            return self._go("GET", urljoin(address, location), [])
        return self
