"""The venues outside this process: which brokers there are, and one of them asked how it stands."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from engine.brokers.secrets import find_key, store_key
from engine.core.clock import to_iso
from engine.ports.venue import PublicVenue, Venue, VenueAddress, VenueState


def _ib(address: VenueAddress) -> Venue:
    from engine.brokers.ib.venue import IbVenue

    return IbVenue(address)


def _exchange(address: VenueAddress) -> Venue:
    from engine.brokers.exchange.addresses import place_of
    from engine.brokers.exchange.venue import ExchangeVenue

    place = place_of(address.url, address.ws_url)
    found = find_key(
        address.broker.lower(), os.environ, loopback=place is not None and place.is_loopback, sandbox=address.sandbox
    )
    return ExchangeVenue(address, found.key, found.why)


VENUES: Mapping[str, Callable[[VenueAddress], Venue]] = {
    "ib": _ib,
}
"""How each broker's venue is made, by the name that --broker takes; its library is imported when it is made."""


__all__ = ["VENUES", "look", "state_as_dict", "store_key", "venue_at"]


def venue_at(address: VenueAddress) -> Venue:
    """The venue, not yet connected: of a broker in `VENUES`, or an exchange, which connecting finds out about."""
    return VENUES.get(address.broker.lower(), _exchange)(address)


async def look(address: VenueAddress) -> VenueState:
    """Connects, asks for everything (without a key: for what is public), and leaves; BrokerError or UserError where it cannot."""
    venue = venue_at(address)
    try:
        await venue.connect()
        return await (venue.public() if isinstance(venue, PublicVenue) and venue.is_anonymous else venue.state())
    finally:
        await venue.close()


def state_as_dict(state: VenueState) -> dict[str, Any]:
    """The state as JSON takes it: amounts as text, times as ISO 8601 in UTC."""
    return {"connected": True, **_plain(state)}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        named = {each.name: getattr(value, each.name) for each in fields(value)}
        return {name: to_iso(each) if name == "at" else _plain(each) for name, each in named.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return f"{value:f}" if isinstance(value, Decimal) else value
