"""Which addresses a webhook may have, and where it really leads.

A name is looked up once for each connection, and the connection goes to the address that was found and checked: a name
that leads elsewhere a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings

LONGEST: Final = 500
_PORTS: Final = {"https": 443, "http": 80}
_LEADS_ELSEWHERE: Final = tuple(
    ipaddress.ip_network(network) for network in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)
"""IPv6 networks whose addresses stand for one of IPv4, which may be private."""


class AddressRefused(ValueError):
    """Nothing is sent to this address; the text says why."""


class Place(NamedTuple):
    """An address taken apart."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port, as the `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Place:
    """The parts of an address that a webhook may have. Raises `AddressRefused`."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST:
        raise AddressRefused(f"an address has at most {LONGEST} characters of ASCII, none of them a space")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("this is no web address") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise AddressRefused("a web address begins with https:// and a host")
    if parts.scheme == "http" and not settings.WEBHOOKS_TO_PRIVATE_ADDRESSES:
        raise AddressRefused("only https:// is sent to")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("an address has no user name, no password and no fragment")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, parts.hostname, port or _PORTS[parts.scheme], target)


def resolve(place: Place) -> list[tuple[int, Any]]:
    """Where the host is: families and socket addresses, one look-up.

    Raises `AddressRefused` where any of them is private, unless `WEBHOOKS_TO_PRIVATE_ADDRESSES` allows it, and
    `OSError` where the host is not known.
    """
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except UnicodeError as unknown:
        raise OSError("no such host") from unknown
    where = [(int(family), address) for family, _, _, _, address in found]
    if not settings.WEBHOOKS_TO_PRIVATE_ADDRESSES:
        for _, address in where:
            if not is_public(str(address[0])):
                raise AddressRefused("the host is not on the public internet")
    return where


def is_public(text: str) -> bool:
    """Whether an IP address can be reached by everybody, and is no other address in disguise."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(str(address.ipv4_mapped))
        if any(address in network for network in _LEADS_ELSEWHERE):
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
