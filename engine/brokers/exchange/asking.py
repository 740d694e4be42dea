"""What the exchange knows of one order of ours: asked by any id, with its fills, and told on."""

from __future__ import annotations

from functools import partial
from typing import Any

from engine.brokers.exchange.dealing import Dealing
from engine.brokers.exchange.tracking import ENDS, Answer, Tracked, Tracker
from engine.brokers.exchange.trouble import is_unknown_order
from engine.brokers.exchange.wire import Wire
from engine.core.errors import BrokerError


class Inquiry:
    """Questions about orders over one wire; asking changes nothing, so it may be repeated."""

    def __init__(self, wire: Wire, tracker: Tracker, dealing: Dealing) -> None:
        self._wire = wire
        self._tracker = tracker
        self._dealing = dealing

    async def find(self, it: Tracked, *, newest: bool = False) -> Answer | None:
        """The order as it is now, open or over; None where the exchange says that it has none. BrokerError without an answer.

        It is asked for by its id there, or, with `newest` or where that is not known, by ours.
        """
        client = self._wire.client
        if it.broker_id and not newest:
            return await self._one(it, partial(client.fetch_order, it.broker_id, it.name))
        if self._dealing.finds_own_ids:
            return await self._one(it, partial(client.fetch_order, "", it.name, {"clientOrderId": it.their_id}))
        return await self._searched(it)

    async def open_orders(self, name: str) -> list[Any]:
        """What works in a market."""
        doing = f"asking open orders in {name}"
        return list(await self._wire.ask(doing, partial(self._wire.client.fetch_open_orders, name), "orders"))

    async def trades(self, it: Tracked) -> list[Any]:
        """The fills of an order whose id there is known, oldest first."""
        client, doing = self._wire.client, f"asking the trades of order {it.id}"
        if client.has.get("fetchOrderTrades") is True:
            found = await self._wire.ask(doing, partial(client.fetch_order_trades, it.broker_id, it.name))
        else:
            found = await self._wire.ask(doing, partial(client.fetch_my_trades, it.name), "trades")
        own = {it.broker_id, *it.former}
        return [{**each, "symbol": it.name} for each in found if each.get("order") in own]

    async def settle(self, it: Tracked, answer: Answer) -> None:
        """Tells on what an answer says of the order: that it is there, its fills, and its end if it is over."""
        self._tracker.acknowledge(it, str(answer.get("id") or ""))
        if str(answer.get("id")) != it.broker_id:  # what it was before it got new terms
            return
        if self._tracker.is_short_of(it, answer):
            for trade in await self.trades(it):
                self._tracker.trade(trade, it)
        if it.doubted is not None and answer.get("status") == "canceled":
            newest = await self.find(it, newest=True)
            if newest is not None and str(newest["id"]) != it.broker_id:
                self._tracker.renew(it, it.doubted, str(newest["id"]))
                await self.settle(it, newest)
                return
            it.doubted = None
        if answer.get("status") in ENDS and not self._tracker.is_short_of(it, answer):
            self._tracker.end(it, answer["status"], f"{self._wire.where} says that it is {ENDS[answer['status']]}")

    async def _one(self, it: Tracked, call: Any) -> Answer | None:
        try:
            answer: Answer = await self._wire.ask(f"asking for order {it.id}", call)
        except BrokerError as error:
            if error.__cause__ is not None and is_unknown_order(error.__cause__):
                return None
            raise
        if not answer.get("id") or not answer.get("status"):
            raise BrokerError(f"{self._wire.where} answered with something else than order {it.id}; try again")
        return answer

    async def _searched(self, it: Tracked) -> Answer | None:
        """Found by our id among all orders there, for exchanges that are not asked by it."""
        client = self._wire.client
        lists = ["fetch_orders"] if client.has.get("fetchOrders") is True else ["fetch_open_orders", "fetch_closed_orders"]
        for each in lists:
            found = await self._wire.ask(f"looking for order {it.id}", partial(getattr(client, each), it.name))
            mine = [order for order in found if order.get("clientOrderId") == it.their_id]
            if mine:
                return dict(mine[-1])
        return None
