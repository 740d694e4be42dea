"""Where an exchange is reached: its own addresses, or another scheme and host in all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from engine.core.errors import UserError

_SECURE = {"--url": "https", "--ws-url": "wss"}
_PLAIN = {"--url": "http", "--ws-url": "ws"}


@dataclass(frozen=True, slots=True)
class Place:
    """Scheme and host that replace those of every REST and every WebSocket address."""

    rest: SplitResult
    streams: SplitResult

    @property
    def is_loopback(self) -> bool:
        """Whether nothing leaves this machine."""
        return is_loopback(self.rest.hostname) and is_loopback(self.streams.hostname)


def place_of(url: str, ws_url: str) -> Place | None:
    """What --url and --ws-url name; None where neither is given. With --url alone, streams come from the same host.

    Raises UserError: plain http and ws are for loopback hosts only, and both must be scheme and host, nothing else.
    """
    if not url and not ws_url:
        return None
    if not url:
        raise UserError(f"--ws-url {_shown(ws_url)} goes with --url: orders and balances would still be asked at the exchange")
    rest = _read("--url", url)
    streams = _read("--ws-url", ws_url) if ws_url else rest._replace(scheme={"http": "ws", "https": "wss"}[rest.scheme])
    return Place(rest, streams)


def moved(addresses: Any, place: Place, streams: Mapping[str, str]) -> Any:
    """The library's addresses, which nest, with the place's scheme and host; a stream's path as `streams` renames it."""
    if isinstance(addresses, dict):
        return {name: moved(each, place, streams) for name, each in addresses.items()}
    if not isinstance(addresses, str):
        return addresses
    parts = urlsplit(addresses)
    if parts.scheme in ("ws", "wss"):
        path = streams.get(parts.path, parts.path)
        return urlunsplit(parts._replace(scheme=place.streams.scheme, netloc=place.streams.netloc, path=path))
    return urlunsplit(parts._replace(scheme=place.rest.scheme, netloc=place.rest.netloc))


def hosts(addresses: Any) -> Iterator[str]:
    """Host and port of every address."""
    if isinstance(addresses, dict):
        for each in addresses.values():
            yield from hosts(each)
    elif isinstance(addresses, str):
        yield urlsplit(addresses).netloc


def is_loopback(host: str | None) -> bool:
    """Whether a host is this machine itself."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _read(option: str, text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        bare = bool(parts.hostname) and parts.port is not False
    except ValueError:
        parts, bare = SplitResult("", "", "", "", ""), False
    secure, plain = _SECURE[option], _PLAIN[option]
    if not bare or parts.scheme not in (secure, plain) or parts.path not in ("", "/") or parts.query or "@" in parts.netloc:
        raise UserError(f"{option} {_shown(text)} is not scheme and host alone; write {plain}://127.0.0.1:8970")
    if parts.scheme == plain and not is_loopback(parts.hostname):
        raise UserError(f"{option} {_shown(text)} would send keys unencrypted to another machine; use {secure}://")
    return parts


def _shown(text: str) -> str:
    """The text without a user's name and password before its host."""
    scheme, _, rest = text.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else text.rpartition("@")[2]
