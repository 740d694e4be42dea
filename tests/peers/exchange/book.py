"""The order book of one symbol: price levels, and at each price the queue in time's order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from tests.peers.exchange.accounts import NOTHING
from tests.peers.exchange.orders import BUY, SELL, Order

Level = tuple[Decimal, Decimal]
"""Price and quantity."""


@dataclass(slots=True, eq=False)
class Resting:
    """A place in a queue; `order` is None for the street's quantity."""

    quantity: Decimal
    order: Order | None = None


class Book:
    """Bids and asks; the street's quantity as the test sets it, and the account's own orders among it."""

    def __init__(self) -> None:
        self._queues: dict[str, dict[Decimal, list[Resting]]] = {BUY: {}, SELL: {}}

    def prices(self, side: str) -> list[Decimal]:
        """The prices of a side, best first."""
        return sorted(self._queues[side], reverse=side == BUY)

    def best(self, side: str) -> Decimal | None:
        queues = self._queues[side]
        if not queues:
            return None
        return max(queues) if side == BUY else min(queues)

    def ladder(self, side: str) -> list[Level]:
        """Price and quantity of every level, best first."""
        queues = self._queues[side]
        return [(price, sum((it.quantity for it in queues[price]), NOTHING)) for price in self.prices(side)]

    def ahead_of(self, order: Order) -> Decimal:
        """The quantity that trades before a resting order at its own price."""
        ahead = NOTHING
        for resting in self._queues[order.side].get(order.ticket.price or NOTHING, []):
            if resting.order is order:
                break
            ahead += resting.quantity
        return ahead

    def against(self, side: str, limit: Decimal | None = None) -> Iterator[tuple[Decimal, Resting]]:
        """What a taker of that side meets, in priority, as far as its limit; the book may change between two."""
        other = opposite(side)
        while (price := self.best(other)) is not None and reaches(side, limit, price):
            yield price, self._queues[other][price][0]

    def available(self, side: str, limit: Decimal | None = None) -> list[Level]:
        """The street's levels a taker of that side could trade with."""
        found = []
        for price in self.prices(opposite(side)):
            if reaches(side, limit, price):
                found += [(price, it.quantity) for it in self._queues[opposite(side)][price] if it.order is None]
        return found

    def rest(self, side: str, price: Decimal, resting: Resting) -> None:
        self._queues[side].setdefault(price, []).append(resting)

    def reduce(self, side: str, price: Decimal, resting: Resting, quantity: Decimal) -> None:
        """Takes from a place in a queue; an emptied place is gone."""
        resting.quantity -= quantity
        if not resting.quantity:
            self._remove(side, price, resting)

    def withdraw(self, order: Order) -> None:
        """Takes an order out, if it rests."""
        price = order.ticket.price
        if price is not None:
            for resting in self._queues[order.side].get(price, []):
                if resting.order is order:
                    self._remove(order.side, price, resting)
                    return

    def withdraw_street(self, side: str, wanted: Iterable[Level]) -> list[Level]:
        """Takes out what the street no longer wants, from the back of each queue; returns what it wants in addition."""
        more = dict(wanted)
        for price in self.prices(side):
            keep = more.get(price, NOTHING)
            for resting in list(self._queues[side][price]):
                if resting.order is None:
                    stays = min(resting.quantity, keep)
                    keep -= stays
                    self.reduce(side, price, resting, resting.quantity - stays)
            if price in more:
                more[price] = keep
        return [(price, quantity) for price, quantity in more.items() if quantity]

    def _remove(self, side: str, price: Decimal, resting: Resting) -> None:
        queue = self._queues[side][price]
        queue.remove(resting)
        if not queue:
            del self._queues[side][price]


def opposite(side: str) -> str:
    return SELL if side == BUY else BUY


def reaches(side: str, limit: Decimal | None, price: Decimal) -> bool:
    """Whether a taker of that side may trade at a price; no limit reaches everything."""
    return limit is None or (price <= limit if side == BUY else price >= limit)
