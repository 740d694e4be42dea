"""The venues outside this process: which brokers there are, and one of them asked how it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from engine.core.clock import to_iso
from engine.core.errors import UserError
from engine.ports.venue import Venue, VenueAddress, VenueState


def _ib(address: VenueAddress) -> Venue:
    from engine.brokers.ib.venue import IbVenue

    return IbVenue(address)


VENUES: Mapping[str, Callable[[VenueAddress], Venue]] = {
    "ib": _ib,
}
"""How each broker's venue is made, by the name that --broker takes; its library is imported when it is made."""


def venue_at(address: VenueAddress) -> Venue:
    """The venue, not yet connected; UserError names the brokers there are."""
    try:
        return VENUES[address.broker.lower()](address)
    except KeyError:
        raise UserError(f"broker {address.broker!r} is not known; use one of {', '.join(VENUES)}") from None


async def look(address: VenueAddress) -> VenueState:
    """Connects, asks for everything, and leaves; BrokerError or UserError where that cannot be done."""
    venue = venue_at(address)
    try:
        await venue.connect()
        return await venue.state()
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
