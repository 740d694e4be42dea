"""The queues that resting limit orders stand in; engine.rules.queue has the model's assumptions.

A queue is what was seen of the market since the order came: after a restart it stands at the end of the queue again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.brokers.sim.liquidity import Liquidity, touch
from engine.domain.instrument import Steps
from engine.domain.market import Quote, Ticks, Trade
from engine.domain.order import ClientOrderId, Order
from engine.rules import queue as rules

_UNSEEN = -1
"""Ahead of an order whose price was not shown yet: nobody knows how much."""

Resting = Mapping[ClientOrderId, Order]
Armed = Callable[[Order], Steps]
Served = list[tuple[ClientOrderId, Steps]]
"""Orders that traded, and how much."""


class Queues:
    """How much stands before each resting limit order."""

    def __init__(self, liquidity: Liquidity, reductions_trade: bool) -> None:
        self._liquidity = liquidity
        self._reductions_trade = reductions_trade
        self._ahead: dict[ClientOrderId, Steps] = {}

    def join(self, order: Order, quote: Quote | None) -> None:
        """The order comes to rest at its limit, behind what is shown there."""
        assert order.limit is not None
        self._ahead[order.id] = _UNSEEN
        if quote is None:
            return
        price, size = touch(quote, -order.side.sign)
        better = (order.limit - price) * order.side.sign
        if better > 0:
            self._ahead[order.id] = 0
        elif better == 0 and size:
            self._ahead[order.id] = size
        else:
            levels = dict(self._liquidity.shown(quote, -order.side.sign))
            self._ahead[order.id] = levels.get(order.limit, _UNSEEN)

    def leave(self, order: ClientOrderId) -> None:
        self._ahead.pop(order, None)

    def on_quote(self, before: Quote | None, quote: Quote, resting: Resting, armed: Armed) -> Served:
        """The touch moved or was said again: who moves ahead, and where a smaller size counts as traded, who is served by it."""
        served: Served = []
        if before is not None and self._reductions_trade:
            for side in (1, -1):
                (price, size), (last, was) = touch(quote, -side), touch(before, -side)
                if price == last and 0 < size < was:
                    served += self._serve(side, price, was - size, resting, armed)
        for name in [name for name in self._ahead if name in resting]:
            self._see(resting[name], quote)
        return served

    def on_trade(self, trade: Trade, resting: Resting, armed: Armed) -> Served:
        """Others traded: what of it would have been ours."""
        return [one for side in (1, -1) for one in self._serve(side, trade.price, trade.size, resting, armed)]

    def _see(self, order: Order, quote: Quote) -> None:
        assert order.limit is not None
        price, size = touch(quote, -order.side.sign)
        if (order.limit - price) * order.side.sign > 0:
            self._ahead[order.id] = 0
        elif order.limit == price and size:
            ahead = self._ahead[order.id]
            self._ahead[order.id] = size if ahead == _UNSEEN else rules.shown(ahead, size)

    def _serve(self, side: int, price: Ticks, steps: Steps, resting: Resting, armed: Armed) -> Served:
        """A trade of `steps` at `price` meets the orders of `side` at that price or a better one, the best first."""
        served: Served = []
        given = 0
        for order in sorted(self._within(side, price, resting), key=lambda it: -side * (it.limit or 0)):
            ahead = 0 if order.limit != price else self._ahead[order.id]
            if ahead == _UNSEEN:
                continue
            self._ahead[order.id], reaching = rules.traded(ahead, steps)
            deal = min(reaching - given, armed(order))
            if deal > 0:
                given += deal
                served.append((order.id, deal))
        return served

    def _within(self, side: int, price: Ticks, resting: Resting) -> list[Order]:
        mine = [resting[name] for name in self._ahead if name in resting]
        return [it for it in mine if it.side.sign == side and it.limit is not None and (it.limit - price) * side >= 0]
