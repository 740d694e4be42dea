"""Interactive Brokers as a venue."""

from __future__ import annotations

from engine.core.errors import BrokerError
from engine.ports.venue import VenueAddress, VenueState


class IbVenue:
    """TWS or IB Gateway, asked through its API."""

    def __init__(self, address: VenueAddress) -> None:
        self._address = address

    async def connect(self) -> None:
        raise BrokerError(f"Interactive Brokers at {self._address.host} cannot be reached")

    async def state(self) -> VenueState:
        raise BrokerError("not connected to Interactive Brokers")

    async def close(self) -> None:
        return
