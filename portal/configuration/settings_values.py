"""How the text of a setting becomes its value. Each reader raises `ValueError` with a sentence: what would be right."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import environ

from connect.authorize.addresses import NoAddress, one_form
from vehicles import encryption

Reader = Callable[[str], Any]

_ON: Final = ("on", "true", "yes", "1")
_OFF: Final = ("off", "false", "no", "0")
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_LOG_FORMATS: Final = ("text", "json")
_DATABASES: Final = ("sqlite", "postgres", "postgresql", "psql", "pgsql")
_CACHES: Final = ("locmemcache", "redis", "rediss")
_BROKERS: Final = ("filesystem", "amqp", "amqps", "redis", "rediss")
_HOST: Final = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")


def text(value: str) -> str:
    """Any text of one line, taken literally. Raises `ValueError`: what would be right."""
    if _CONTROLS.search(value):
        raise ValueError("must be one line without control characters.")
    return value


def word(value: str) -> str:
    """A text without spaces. Raises `ValueError`: what would be right."""
    if re.search(r"\s", text(value)):
        raise ValueError("must not contain spaces.")
    return value


def switch(value: str) -> bool:
    """On or off."""
    if value.lower() not in (*_ON, *_OFF):
        raise ValueError("must be on or off.")
    return value.lower() in _ON


def whole_number(value: str) -> int:
    """A number of things, one or more."""
    if not (value.isascii() and value.isdecimal() and 0 < int(value[:12]) < 10**9 and len(value) < 10):
        raise ValueError("must be a whole number, 1 or more.")
    return int(value)


def at_least(smallest: int) -> Reader:
    """A reader of whole numbers that are not smaller."""

    def read(value: str) -> int:
        try:
            number = whole_number(value)
        except ValueError:
            number = 0
        if number < smallest:
            raise ValueError(f"must be a whole number, {smallest} or more.")
        return number

    return read


def port(value: str) -> int:
    """A TCP port."""
    if not (value.isascii() and value.isdecimal() and len(value) < 6 and 0 < int(value) < 65536):
        raise ValueError("must be a port number, 1 to 65535.")
    return int(value)


def log_level(value: str) -> str:
    """A level of Python's logging, in whatever case."""
    if value.upper() not in _LEVELS:
        raise ValueError(f"must be one of {', '.join(_LEVELS)}.")
    return value.upper()


def log_format(value: str) -> str:
    """How log lines are written, in whatever case."""
    if value.lower() not in _LOG_FORMATS:
        raise ValueError(f"must be {' or '.join(_LOG_FORMATS)}.")
    return value.lower()


def words(value: str) -> list[str]:
    """What stands between commas, without the spaces around it."""
    return [part.strip() for part in text(value).split(",") if part.strip()]


def hosts(value: str) -> list[str]:
    """Host names without scheme, port or path."""
    return [name if name == "*" else _host_name(name) for name in words(value)]


def host_and_port(value: str) -> str:
    """One host name, with a port where it needs one."""
    name, separator, number = value.rpartition(":")
    if not separator or value.endswith("]"):
        return _host_name(value)
    return f"{_host_name(name)}:{port(number)}"


def _host_name(name: str) -> str:
    try:
        host = one_form(f"https://{name}").removeprefix("https://")
    except NoAddress:
        host = ""
    if not _HOST.fullmatch(host):
        raise ValueError("must be host names only, without https://, port or path, such as carport.example.")
    return host


def origin(value: str) -> str:
    """Scheme and host, with a port where it is unusual; a slash at the end is dropped."""
    parts = _web_address(value, "https://carport.example")
    if parts.path.strip("/") or parts.query or "?" in value or "#" in value:
        raise ValueError("must end after the host, such as https://carport.example: no path is served.")
    return f"{parts.scheme}://{parts.netloc}"


def base_address(value: str) -> str:
    """An address below which others are made: it may have a path, and no query."""
    parts = _web_address(value, "https://fleet-api.example")
    if "?" in value or "#" in value:
        raise ValueError("must be an address without ? and #, for paths are put behind it.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def web_address(value: str) -> str:
    """The address of a page."""
    return _web_address(value, "https://carport.example/privacy").geturl()


def _web_address(value: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(one_form(value))
        host = parts.hostname or ""
        usable = parts.scheme in ("http", "https") and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        usable, host = False, ""
    if not usable or not _HOST.fullmatch(f"[{host}]" if ":" in host else host):
        raise ValueError(f"must be an http or https address, such as {example}.")
    return parts


def one_or_more_of(known: Iterable[str]) -> Reader:
    """A reader of words of which each must be known, and none said twice."""
    allowed = tuple(known)

    def read(value: str) -> list[str]:
        found = [name.lower() for name in words(value)]
        if not found or not set(found) <= set(allowed) or len(set(found)) < len(found):
            raise ValueError(f"must be one or more of {', '.join(allowed)}, separated by commas, each once.")
        return found

    return read


def vault_keys(value: str) -> list[str]:
    """Keys as `name:base64`, newest first."""
    entries = [":".join(part.strip() for part in entry.split(":", 1)) for entry in words(value)]
    encryption.keys_in(entries)
    return entries


def networks(value: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Addresses and networks."""
    try:
        return [ipaddress.ip_network(entry) for entry in words(value)]
    except ValueError:
        raise ValueError(
            "must be addresses or networks, separated by commas, such as 127.0.0.1,10.0.0.0/8."
        ) from None


def database_url(value: str) -> str:
    """A URL of SQLite or PostgreSQL."""
    return _service(value, _DATABASES, environ.Env.db_url_config, "postgres://user:password@host/name")


def cache_url(value: str) -> str:
    """A URL of Redis, or the memory of each process."""
    return _service(value, _CACHES, environ.Env.cache_url_config, "redis://host:6379/1")


def broker_url(value: str) -> str:
    """A URL of RabbitMQ or Redis, or a folder."""
    return _service(value, _BROKERS, urlsplit, "amqp://user:password@host//")


def _service(value: str, schemes: tuple[str, ...], parse: Callable[[str], Any], example: str) -> str:
    known = word(value).partition("://")[0] in schemes
    try:
        if known:
            parse(value)
            urlsplit(value).port  # noqa: B018 - raises for what is no port
    except (ValueError, KeyError, environ.ImproperlyConfigured):
        known = False
    if not known:
        raise ValueError(f"must be a URL that begins with {'://, '.join(schemes)}://, such as {example}")
    return value
