"""Whatever TWS does wrong, in any order: no order twice, no end that is not one, no fill lost or counted twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal
from random import Random

import pytest

from engine.domain import facts as f
from engine.domain.order import TERMINAL, Order, Side, State, terms
from tests.brokers.ib_adapter import at_the_newest_version
from tests.brokers.ib_trading import Trading, order, soon, trading
from tests.peers.faults import Answer, Cut, Delay, Drop, Duplicate, Mute, Reorder
from tests.peers.tws import Peer

STEPS = 60
SUBMIT_ANSWERS = (103, 110, 201, 321, 10043, 9999)
CANCEL_ANSWERS = (135, 161, 10147, 10148)


class Chaos:
    """One random life of an account, decided by its seed."""

    def __init__(self, peer: Peer, it: Trading, seed: int) -> None:
        self.peer = peer
        self.it = it
        self.random = Random(seed)
        self.names: list[str] = []
        self.is_out = False

    async def live(self) -> None:
        doings = [self.submit] * 4 + [self.bracket, self.cancel, self.cancel, self.modify] + [self.move] * 3 + [self.fault] * 4
        doings += [self.drop, self.outage, self.restart, self.look, self.wait]
        for _ in range(STEPS):
            await self.random.choice(doings)()
            await asyncio.sleep(0)

    def name(self) -> str:
        self.names.append(f"n{len(self.names)}")
        return self.names[-1]

    def live_orders(self) -> list[Order]:
        return [each for each in self.it.desk.orders.values() if each.state not in TERMINAL]

    async def submit(self) -> None:
        side = self.random.choice(list(Side))
        price = {"limit": 400000 - side.sign * self.random.randint(-100, 300)} if self.random.random() < 0.8 else {}
        self.it.submit(order(self.name(), side, self.random.randint(1, 5), **price))

    async def bracket(self) -> None:
        entry = self.name()
        legs = [
            order(f"{entry}-s", Side.SELL, 3, stop=399000, parent=entry, oco=f"{entry}-o"),
            order(f"{entry}-t", Side.SELL, 3, limit=400500, parent=entry, oco=f"{entry}-o"),
        ]
        self.it.submit(order(entry, quantity=3, limit=400050), *legs)

    async def cancel(self) -> None:
        orders = [each for each in self.live_orders() if each.may("CancelRequested")]
        if orders:
            self.it.cancel(self.random.choice(orders).id)

    async def modify(self) -> None:
        orders = [each for each in self.live_orders() if each.may("ModifyRequested") and each.limit is not None]
        if orders:
            chosen = self.random.choice(orders)
            self.it.modify(chosen.id, chosen.filled + self.random.randint(1, 5), 400000 - chosen.side.sign * 250, None)

    async def move(self) -> None:
        bid = 400000 + self.random.randint(-400, 400)
        await self.peer.quote("XAUUSD", Decimal(bid) / 100, Decimal(bid + 30) / 100, bid_size=3, ask_size=2)

    async def fault(self) -> None:
        code, no = self.random.choice(SUBMIT_ANSWERS), self.random.choice(CANCEL_ANSWERS)
        where, action = self.random.choice(
            [
                (
                    "placeOrder",
                    self.random.choice([Mute(), Drop(), Cut(), Cut(False), Answer(code)]),
                ),
                ("cancelOrder", self.random.choice([Mute(), Drop(), Cut(), Answer(no)])),
                ("execDetails", self.random.choice([Duplicate(), Reorder(2), Delay(0.01), Drop()])),
                ("orderStatus", self.random.choice([Duplicate(), Delay(0.01), Drop()])),
                ("openOrder", self.random.choice([Duplicate(), Drop(), Cut()])),
                ("commissionReport", self.random.choice([Duplicate(), Reorder(3), Drop()])),
            ]
        )
        self.peer.faults.on(where, action)

    async def drop(self) -> None:
        await self.peer.drop()

    async def restart(self) -> None:
        await self.peer.restart(lower_ids=self.random.random() < 0.3)

    async def outage(self) -> None:
        if self.is_out:
            await self.peer.restore_connectivity(self.random.choice([1101, 1102]))
        else:
            await self.peer.lose_connectivity(lost=self.random.random() < 0.5)
        self.is_out = not self.is_out

    async def look(self) -> None:
        if self.it.broker.is_ready:
            looking = asyncio.ensure_future(self.it.broker.standing(self.live_orders()))
            await asyncio.wait({looking}, timeout=0.3)
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def wait(self) -> None:
        await asyncio.sleep(0.02)

    async def calm_down(self) -> None:
        """Nothing goes wrong any more, and all that was asked is answered."""
        self.peer.faults.clear()
        if self.is_out:
            await self.peer.restore_connectivity(1102)
        for name in self.names:
            await self.it.until(lambda name=name: self.it.state(name) is not State.SENT)
        pending = (State.SENT, State.PENDING_CANCEL, State.PENDING_MODIFY)
        await self.it.until(lambda: not [each for each in self.it.desk.orders.values() if each.state in pending])
        await self.it.until(lambda: self.it.broker.is_ready)
        await self.it.settled()


@pytest.mark.parametrize("seed", range(16, 136))
def test_nothing_is_lost_or_doubled_whatever_goes_wrong(seed: int) -> None:
    @at_the_newest_version(always_open=True)
    async def scenario(peer: Peer) -> None:
        peer.partial_fills()
        async with trading(peer, timeout_s=0.05, sleep=soon, at={"timeout": 0.5}) as it:
            chaos = Chaos(peer, it, seed)
            await chaos.live()
            await chaos.calm_down()
            asked = [each for each in it.desk.orders.values() if each.state not in TERMINAL]
            state = await it.broker.standing(asked)
            await it.settled()
            _check(
                peer, it, {each.client_order_id for each in state.open_orders}, {each.execution_id for each in state.executions}
            )
            found = {each.client_order_id for each in (*state.open_orders, *state.ended_orders)}
            known = {each.ref for each in peer.orders if each.status != "PendingSubmit"}
            assert {each.id for each in asked} & known <= found

    scenario(178)


def _check(peer: Peer, it: Trading, shown_open: set[str], shown_executions: set[str]) -> None:
    made = Counter(each.ref for each in peer.orders)
    assert max(made.values(), default=1) == 1
    working = {each.ref: each for each in peer.venue.broker.working()}
    assert shown_open == set(working)
    for name, each in it.desk.orders.items():
        if each.state in TERMINAL:
            assert name not in working, (name, it.desk.told(name))
    for name, each in working.items():
        kept = it.desk.orders[name]
        if kept.state is not State.UNKNOWN:
            assert kept.quantity == each.quantity, (name, terms(kept))
    fills = {each.execution: each for each in it.desk.of(f.OrderFilled)}
    real = {each.exec_id: each for each in peer.executions}
    assert shown_executions == set(real)
    for name, fill in fills.items():
        assert (fill.order, fill.quantity) == (real[name].order.ref, real[name].quantity)
