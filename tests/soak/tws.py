"""A TWS that misbehaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path
from random import Random

from engine.profile import VenueSection
from tests.catalogue.rig import GOLD, Desk, session_at
from tests.peers.faults import Answer, Cut, Delay, Drop, Duplicate, Mute, Reorder, Rule
from tests.peers.tws import Peer
from tests.peers.tws.record import Received
from tests.soak.stage import settle

TERMS = {"patience": 0.5, "look_every": 0.2, "reconcile_every": 5.0, "heartbeat": 1.0}
"""Quick, so that much happens in a minute."""
QUICKER = 5
"""How much more often than usual the venue is asked how things stand."""
REFUSED = (103, 110, 201, 321, 10043, 9999)
NOT_CANCELLED = (135, 161, 10147, 10148)


class Tws:
    """`peer` is entered already."""

    lots = (1, 5)

    def __init__(self, peer: Peer, chance: Random) -> None:
        self.peer = peer
        self.chance = chance
        self._spy: Rule | None = None
        self._is_out = self._is_frozen = False
        self._passes_at = 0.0
        self._bid = 400_000

    def session(self, folder: Path) -> AbstractAsyncContextManager[Desk]:
        venue = VenueSection(host=self.peer.host, port=self.peer.port, client_id=1, timeout=2.0)
        limits = {"orders_per_minute": 10_000, "daily_loss": 1, "drawdown": 1, "worst_day_hard": 1, "position": 1, "open_risk": 1}
        return session_at(folder, "ib", {"ib": venue}, "XAUUSD@ib", limits=limits, **TERMS)

    def watch(self, desk: Desk) -> Rule:
        if self._spy is not None:
            self._spy.lift()
        self._spy = self.peer.faults.on("placeOrder", Drop(), times=None, where=lambda it: _saw(desk, it))
        self.peer.faults.rules.insert(0, self.peer.faults.rules.pop())
        return self._spy

    async def move(self) -> None:
        if (self._is_out or self._is_frozen) and asyncio.get_running_loop().time() >= self._passes_at:
            await self._pass()
        self._bid += self.chance.randint(-30, 30)
        self._bid = min(max(self._bid, 395_000), 405_000)
        spread = self.chance.randint(10, 50)
        size = self.chance.randint(1, 4)
        await self.peer.quote(GOLD, Decimal(self._bid) / 100, Decimal(self._bid + spread) / 100, bid_size=size, ask_size=size)
        await self.peer.on_time()

    async def mischief(self) -> str:
        doings = [self._message] * 10 + [self._bytes, self._freeze, self._outage, self._outage, self._restart, self._drop]
        doings += [self._by_hand, self._correct, self._late, self._reject, self._slow, self._partial, self._repeat]
        return await self.chance.choice(doings)()

    async def _message(self) -> str:
        kind, actions = self.chance.choice(
            (
                ("placeOrder", (Mute(), Drop(), Cut(), Cut(False), Delay(0.3), Answer(self.chance.choice(REFUSED), "no"))),
                ("cancelOrder", (Mute(), Drop(), Cut(), Delay(0.3), Answer(self.chance.choice(NOT_CANCELLED), "no"))),
                ("execDetails", (Duplicate(), Reorder(2), Delay(0.2), Drop(), Cut(False))),
                ("orderStatus", (Duplicate(), Reorder(2), Delay(0.2), Drop())),
                ("openOrder", (Duplicate(), Delay(0.2), Drop(), Cut())),
                ("commissionReport", (Duplicate(), Reorder(3), Delay(0.3), Drop())),
                ("position", (Drop(), Delay(0.2), Duplicate())),
                ("reqExecutions", (Drop(), Delay(0.5), Cut())),
                ("reqAllOpenOrders", (Drop(), Delay(0.5), Cut())),
                ("reqCompletedOrders", (Drop(), Delay(0.5), Cut())),
            )
        )
        action = self.chance.choice(actions)
        self.peer.faults.on(kind, action, after=self.chance.randint(0, 2))
        return f"{kind} {type(action).__name__}"

    async def _bytes(self) -> str:
        if self.chance.random() < 0.5:
            self.peer.faults.cut_received = self.chance.randint(1, 400)
            return "cut received"
        self.peer.faults.cut_sent = self.chance.randint(1, 4_000)
        return "cut sent"

    async def _freeze(self) -> str:
        self.peer.faults.freeze(new=self.chance.random() < 0.3)
        self._is_frozen, self._passes_at = True, asyncio.get_running_loop().time() + self.chance.uniform(0.1, 5.0)
        return "freeze"

    async def _outage(self) -> str:
        if not self._is_out:
            await self.peer.lose_connectivity(lost=self.chance.random() < 0.5)
        self._is_out, self._passes_at = True, asyncio.get_running_loop().time() + self.chance.uniform(0.1, 5.0)
        return "1100"

    async def _pass(self) -> None:
        """What was out of reach is back."""
        self.peer.faults.thaw()
        self._is_frozen = False
        if self._is_out:
            self._is_out = False
            await self.peer.restore_connectivity(self.chance.choice((1101, 1102)))

    async def _restart(self) -> str:
        is_lower = self.chance.random() < 0.4
        await self.peer.restart(lower_ids=is_lower)
        return "restart with lower ids" if is_lower else "restart"

    async def _drop(self) -> str:
        await self.peer.drop()
        return "drop"

    async def _by_hand(self) -> str:
        away = self.chance.randint(-100, 300)
        if self.chance.random() < 0.5:
            await self.peer.place(GOLD, self.chance.choice(("BUY", "SELL")), self.chance.randint(1, 2))
            return "market order by hand"
        await self.peer.place(GOLD, "BUY", 1, "LMT", limit=Decimal(self._bid - away) / 100)
        return "limit order by hand"

    async def _correct(self) -> str:
        ours = {it.base: it for it in self.peer.executions}
        if not ours:
            return "nothing to correct"
        execution = self.chance.choice(list(ours.values())[-5:])
        await self.peer.correct(execution, price=execution.price + Decimal("0.01") * self.chance.randint(1, 20))
        return "correction"

    async def _late(self) -> str:
        """A fill that comes after the cancel."""
        gone = [it for it in self.peer.orders[-10:] if it.status == "Cancelled" and it.remaining and not it.parent_id]
        if not gone:
            return "nothing to fill late"
        await self.peer.fill(self.chance.choice(gone), 1)
        return "late fill"

    async def _reject(self) -> str:
        live = self.peer.venue.broker.working()
        if not live:
            return "nothing to reject"
        await self.peer.reject(self.chance.choice(live))
        return "reject"

    async def _slow(self) -> str:
        is_slow = self.chance.random() < 0.4
        self.peer.slow_cancels(is_slow)
        return "slow cancels" if is_slow else "quick cancels"

    async def _partial(self) -> str:
        is_partial = self.chance.random() < 0.5
        self.peer.partial_fills(is_partial)
        return "partial fills" if is_partial else "whole fills"

    async def _repeat(self) -> str:
        if not self.peer.executions:
            return "nothing to repeat"
        await self.peer.repeat(self.chance.choice(self.peer.executions[-5:]))
        return "execution told again"

    async def calm(self) -> None:
        settle(self.peer.faults, lambda rule: rule is self._spy)
        await self._pass()
        self.peer.slow_cancels(False)
        self.peer.partial_fills(False)
        for order in self.peer.venue.broker.working():
            if order.status == "PendingCancel":
                await self.peer.confirm_cancel(order)

    def position(self) -> int:
        return int(self.peer.position(GOLD))

    def twins(self) -> list[str]:
        made = Counter(order.ref for order in self.peer.orders if order.ref)
        return [f"{ref} is at TWS {count} times" for ref, count in made.items() if count > 1]


def _saw(desk: Desk, received: Received) -> bool:
    """Notes a new order on its way in, and lets it pass; a number that is known is a change of an order."""
    order = received.order
    assert order is not None
    if not order.what_if and (key := (received.client_id, order.order_id, order.ref)) not in desk.wire.numbers:
        desk.wire.numbers.add(key)
        desk.wire.saw(order.ref, desk.db)
    return False
