"""One form of an address, wherever it is registered, sent, compared or answered to.

A browser shows a host with an umlaut and sends its ASCII form (RFC 5891, with the mapping of UTS 46), in small letters
and without the port that the scheme implies (WHATWG URL). So that is the form in which addresses are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final
from urllib.parse import quote

import idna

_PARTS: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<login>[^/?#@]*@)?(?P<host>\[[^\]/?#]*\]|[^:/?#]*)(?P<port>:[0-9]*)?"
    r"(?P<rest>(?:[/?#].*)?)"
)
_IMPLIED: Final = {"https": ":443", "http": ":80"}
_NOT_IN_AN_ADDRESS: Final = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))


class NoAddress(ValueError):
    """The text is no address: a host that cannot exist, a space or control character, half a character."""


def one_form(address: str) -> str:
    """The address as a browser sends it; what has no host is left as it is. Raises `NoAddress`."""
    if _NOT_IN_AN_ADDRESS.search(address):
        raise NoAddress("an address has no spaces, control characters or backslashes")
    try:
        return _in_ascii(address)
    except ValueError as fault:
        raise NoAddress(str(fault)) from None


def _in_ascii(address: str) -> str:
    found = _PARTS.fullmatch(address)
    if found is None:
        return quote(address, safe=_ASCII)
    scheme, port = found["scheme"].lower(), found["port"] or ""
    if port in (":", _IMPLIED.get(scheme)):
        port = ""
    login = quote(found["login"] or "", safe=_ASCII)
    return f"{scheme}://{login}{_host(found['host'])}{port}{quote(found['rest'], safe=_ASCII)}"


def in_one_form(addresses: Iterable[str]) -> list[str]:
    """All of them in their one form, those left out that are none."""
    known = []
    for address in addresses:
        with suppress(NoAddress):
            known.append(one_form(address))
    return known


def are_one(address: str, other: str) -> bool:
    """Whether two spellings mean one address."""
    return address == other or bool({*in_one_form([address])} & {*in_one_form([other])})


def _host(host: str) -> str:
    if host.isascii():
        return host.lower()
    # An `IDNAError` is a `ValueError` too.
    return idna.encode(host, uts46=True, transitional=False).decode()
