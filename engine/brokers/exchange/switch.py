"""A dead man's switch: the exchange cancels every order by itself once nothing was heard of us for a while."""

from __future__ import annotations

import asyncio
from functools import partial

from engine.brokers.exchange.trouble import Hopeless
from engine.brokers.exchange.wire import Wire

_TIMES = 3
"""How often it is pressed in the time after which it would act."""


class DeadMansSwitch:
    """`after_s` is that while; 0 for none. Hopeless where the exchange has no such switch."""

    def __init__(self, wire: Wire, after_s: float) -> None:
        self._wire = wire
        self._after_s = after_s
        self._next = 0.0
        if after_s and not wire.client.has.get("cancelAllOrdersAfter"):
            raise Hopeless(f"{wire.where} has no switch that cancels orders when nothing is heard of us; leave it out")

    async def press(self) -> None:
        """Says that we are here, where that is due; BrokerError where nobody answers."""
        now = asyncio.get_running_loop().time()
        if self._after_s and now >= self._next:
            ask = partial(self._wire.client.cancel_all_orders_after, int(self._after_s * 1000))
            await self._wire.ask("keeping orders alive", ask)
            self._next = now + self._after_s / _TIMES

    async def release(self) -> None:
        """Orders stay though nothing will be heard of us."""
        if self._after_s and self._next:
            await self._wire.ask("letting orders stay", partial(self._wire.client.cancel_all_orders_after, 0))
