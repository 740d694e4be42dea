"""Exchanges whose recorded messages can be read: one file each; a new one has `HOSTS`, `read` and a line here."""

from __future__ import annotations

from engine.market.formats.venues import binance, bybit, coinbase, kraken, okx
from engine.market.formats.venues.events import Events, Message, Reader

VENUES: dict[tuple[str, ...], Reader] = {venue.HOSTS: venue.read for venue in (binance, coinbase, kraken, okx, bybit)}


def reader_of(address: str) -> Reader | None:
    """The reader of the exchange that lives at `address` (a URL); None for one that is not known."""
    host = address.partition("://")[2].partition("/")[0].partition(":")[0]
    return next(
        (read for hosts, read in VENUES.items() if any(host == known or host.endswith(f".{known}") for known in hosts)), None
    )


__all__ = ["VENUES", "Events", "Message", "Reader", "reader_of"]
