"""The queues that resting limit orders stand in; engine.rules.queue has the model's assumptions.

A queue is what was seen of the market since the order came: after a restart it stands at the end of the queue again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.brokers.sim.liquidity import Liquidity, touch
from engine.core.clock import SECOND, Nanos
from engine.domain.instrument import Steps
from engine.domain.market import Quote, Ticks, Trade
from engine.domain.order import ClientOrderId, Order
from engine.rules import queue as rules

_UNSEEN = -1
"""Ahead of an order whose price was not shown yet: nobody knows how much."""

LATE: Nanos = SECOND // 2
"""A trade that is told so soon after a smaller size was shown is what made it smaller: quotes may be told before trades."""

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
        self._since: dict[ClientOrderId, Nanos] = {}
        self._gone: dict[ClientOrderId, tuple[Steps, Nanos]] = {}
        """By how much less was shown before an order than stood there, and when (ns UTC)."""

    def join(self, order: Order, quote: Quote | None, at: Nanos) -> None:
        """The order comes to rest at its limit, behind what is shown there; trades before `at` are no business of it."""
        assert order.limit is not None
        self._since[order.id] = at
        self._gone.pop(order.id, None)
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
            shown = self._shown_behind(order, quote)
            self._ahead[order.id] = _UNSEEN if shown is None else shown

    def leave(self, order: ClientOrderId) -> None:
        for known in (self._ahead, self._since, self._gone):
            known.pop(order, None)

    def on_quote(self, before: Quote | None, quote: Quote, resting: Resting, armed: Armed) -> Served:
        """The touch moved or was said again: who moves ahead, and where a smaller size counts as traded, who is served by it."""
        served: Served = []
        if before is not None and self._reductions_trade:
            for side in (1, -1):
                (price, size), (last, was) = touch(quote, -side), touch(before, -side)
                if price == last and 0 < size < was:
                    served += self._serve(side, price, was - size, quote.at, resting, armed)
        for name in [name for name in self._ahead if name in resting]:
            self._see(resting[name], quote)
        return served

    def on_depth(self, quote: Quote, at: Nanos, resting: Resting) -> None:
        """A book came at `at`: orders behind the touch learn their place, or move ahead where less is shown."""
        for name in [name for name in self._ahead if name in resting]:
            order = resting[name]
            assert order.limit is not None
            if (order.limit - touch(quote, -order.side.sign)[0]) * order.side.sign < 0:
                shown = self._shown_behind(order, quote)
                if shown is not None:
                    self._place(order, shown, at)

    def on_trade(self, trade: Trade, resting: Resting, armed: Armed) -> Served:
        """Others traded: what of it would have been ours."""
        served: Served = []
        for side in (1, -1):
            served += self._serve(side, trade.price, trade.size, trade.at, resting, armed, is_told=True)
        return served

    def _see(self, order: Order, quote: Quote) -> None:
        assert order.limit is not None
        price, size = touch(quote, -order.side.sign)
        better = (order.limit - price) * order.side.sign
        if better > 0:
            self._place(order, 0, quote.at)
        elif better == 0 and size:
            self._place(order, size, quote.at)

    def _place(self, order: Order, size: Steps, at: Nanos) -> None:
        """At its price `size` is shown."""
        ahead = self._ahead[order.id]
        now = self._ahead[order.id] = size if ahead == _UNSEEN else rules.shown(ahead, size)
        if now < ahead:
            self._gone[order.id] = (self._gone.get(order.id, (0, 0))[0] + ahead - now, at)

    def _shown_behind(self, order: Order, quote: Quote) -> Steps | None:
        """What a book shows at the order's price behind the touch; None where it does not reach so far."""
        levels, limit, sign = self._liquidity.shown(quote, -order.side.sign), order.limit or 0, order.side.sign
        if not self._liquidity.has_book(quote) or not levels or (limit - levels[-1][0]) * sign < 0:
            return None
        return dict(levels).get(limit, 0)

    def _serve(
        self, side: int, price: Ticks, steps: Steps, at: Nanos, resting: Resting, armed: Armed, is_told: bool = False
    ) -> Served:
        """A trade of `steps` at `price` meets the orders of `side` at that price or a better one, the best first."""
        served: Served = []
        given = 0
        for order in sorted(self._within(side, price, resting), key=lambda it: -side * (it.limit or 0)):
            is_passed = order.limit != price
            ahead = 0 if is_passed else self._ahead[order.id]
            if ahead == _UNSEEN or at < self._since[order.id]:
                continue
            new = steps - self._seen_already(order.id, steps, at) if is_told and not is_passed else steps
            self._ahead[order.id], reaching = rules.traded(ahead, new)
            deal = min(reaching - given, armed(order))
            if deal > 0:
                given += deal
                served.append((order.id, deal))
        return served

    def _seen_already(self, order: ClientOrderId, steps: Steps, at: Nanos) -> Steps:
        """How much of a trade a smaller size has shown before it was told: it moves the order ahead once."""
        gone, shown_at = self._gone.get(order, (0, 0))
        if at > shown_at + LATE:
            self._gone.pop(order, None)
            return 0
        seen = min(gone, steps)
        self._gone[order] = (gone - seen, shown_at)
        return seen

    def _within(self, side: int, price: Ticks, resting: Resting) -> list[Order]:
        mine = [resting[name] for name in self._ahead if name in resting]
        return [it for it in mine if it.side.sign == side and it.limit is not None and (it.limit - price) * side >= 0]
