"""The account followed: a stream tells at once what happens to orders, and questions find what it does not tell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any

from engine.brokers.exchange.asking import Inquiry
from engine.brokers.exchange.client import close_client
from engine.brokers.exchange.tracking import ENDS, Answer, Tracker
from engine.brokers.exchange.trouble import told

_CALLS = {"watchOrders": "watch_orders", "watchMyTrades": "watch_my_trades"}


class AccountWatch:
    """Follows one account until the exchange cannot be reached.

    The stream is made anew whenever it breaks, as long as questions are answered; BrokerError is raised once they are not.
    Every `quiet_s`, and whenever `look` was called, the exchange is asked how orders stand: streams fall silent without a word.
    """

    def __init__(
        self,
        new_client: Callable[[], Any],
        inquiry: Inquiry,
        tracker: Tracker,
        names: Collection[str],
        where: str,
        *,
        alive: Callable[[], None],
        beat: Callable[[], Awaitable[None]],
        quiet_s: float = 10.0,
        pulse_s: float = 1.0,
    ) -> None:
        self._new_client = new_client
        self._inquiry = inquiry
        self._tracker = tracker
        self._names = tuple(names)
        self._where = where
        self._alive = alive
        self._beat = beat
        self._quiet_s = quiet_s
        self._pulse_s = pulse_s
        self._wanted = asyncio.Event()
        self._asked = 0.0
        self._told: dict[str, dict[tuple[str, str], Any]] = {}
        self.has_streamed = False
        """Whether the stream said anything in its last life."""
        self.trouble = ""
        """Why the stream does not tell anything at the moment; "" while it does."""

    def look(self) -> None:
        """Something is in doubt: the exchange is asked at once."""
        self._wanted.set()

    async def follow(self) -> None:
        """One life of the stream. Returns when it broke while the exchange still answers."""
        await self._ask()
        client = self._new_client()
        calls = {name: getattr(client, name) for has, name in _CALLS.items() if client.has.get(has)}
        waiting: dict[str, asyncio.Future[Any]] = {}
        self._told, self.has_streamed, began, is_settled = {}, False, _steady(), False
        try:
            while True:
                for name, call in calls.items():
                    if name not in waiting:
                        waiting[name] = asyncio.ensure_future(call())
                if "" not in waiting:
                    waiting[""] = asyncio.ensure_future(self._wanted.wait())
                await asyncio.wait(waiting.values(), timeout=self._pulse_s, return_when=asyncio.FIRST_COMPLETED)
                done = [waiting.pop(name) for name in list(waiting) if waiting[name].done()]
                broken = [each for each in done if self._broke(each)]
                self._take(client)
                await self._beat()
                if broken:
                    await self._ask()
                    return
                settling = not is_settled and _steady() - began >= self._pulse_s  # what came before it was subscribed
                if settling or self._wanted.is_set() or _steady() - self._asked >= self._quiet_s:
                    is_settled = is_settled or settling
                    await self._ask()
        finally:
            for each in waiting.values():
                each.cancel()
            await asyncio.gather(*waiting.values(), return_exceptions=True)
            await close_client(client)

    async def go_without(self, pause: Coroutine[Any, Any, None]) -> None:
        """Until the pause is over the exchange is asked, as nothing is streamed."""
        resting = asyncio.ensure_future(pause)
        wanted = asyncio.ensure_future(self._wanted.wait())
        try:
            while not resting.done():
                await asyncio.wait((resting, wanted), timeout=self._quiet_s, return_when=asyncio.FIRST_COMPLETED)
                if not resting.done():
                    await self._ask()
                if wanted.done():
                    wanted = asyncio.ensure_future(self._wanted.wait())
        finally:
            resting.cancel()
            wanted.cancel()
            await asyncio.gather(resting, wanted, return_exceptions=True)

    def _broke(self, done: asyncio.Future[Any]) -> bool:
        error = None if done.cancelled() else done.exception()
        if done.cancelled() or error is not None:
            self.trouble = str(told(error or ConnectionError(), self._where, "following orders"))
            return True
        return False

    def _take(self, client: Any) -> None:
        """The newest the library has, which may be more than its calls returned: acknowledgements, then fills, then ends."""
        orders, trades = self._news("orders", client.orders or ()), self._news("trades", client.myTrades or ())
        if orders or trades:
            self.trouble, self.has_streamed = "", True
            self._alive()
        for order in orders:
            known = self._tracker.of(order)
            if known is not None:
                self._tracker.acknowledge(known, str(order.get("id") or ""))
        for trade in trades:
            self._tracker.trade(trade)
        for order in orders:
            self._hear_end(order)

    def _news(self, kind: str, cached: Iterable[Answer]) -> list[Answer]:
        """What is not as it was when it was looked at last."""
        before, now = self._told.get(kind, {}), dict[tuple[str, str], Any]()
        found = []
        for it in cached:
            key = str(it.get("symbol")), str(it.get("id"))
            now[key] = it.get("status"), it.get("filled"), it.get("clientOrderId")
            if before.get(key) != now[key]:
                found.append(it)
        self._told[kind] = now
        return found

    def _hear_end(self, order: Answer) -> None:
        known = self._tracker.of(order)
        if known is None or str(order.get("id")) != known.broker_id:
            return
        if self._tracker.is_short_of(known, order):
            self.look()
        elif order.get("status") in ENDS:
            reason = f"{self._where} says that it is {ENDS[order['status']]}"
            self._tracker.end(known, order["status"], reason)
            if known.doubted is not None:
                self.look()

    async def _ask(self) -> None:
        """Asks how every order stands that works as far as is known; one question at least, to see that the link is there."""
        self._wanted.clear()
        working = list(self._tracker.working())
        names = list(dict.fromkeys(it.name for it in working)) or list(self._names[:1])
        for name in names:
            found = await self._inquiry.open_orders(name)
            for order in found:
                known = self._tracker.of(order)
                if known is not None:
                    await self._inquiry.settle(known, order)
            there = {str(order.get("id")) for order in found}
            for it in working:
                if it.name == name and it.broker_id not in there and not it.changing and not it.is_over:
                    gone = await self._inquiry.find(it)
                    if gone is not None:
                        await self._inquiry.settle(it, gone)
        self._asked = _steady()
        self._alive()


def _steady() -> float:
    """Seconds that no change of the machine's clock touches."""
    return asyncio.get_running_loop().time()
