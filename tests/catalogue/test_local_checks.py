"""Orders that are refused here: not a byte of them is on the wire, and trading goes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.core.clock import SECOND, Nanos, SystemClock
from engine.core.errors import UserError
from engine.core.steady import SteadyClock
from engine.domain import facts as f
from engine.domain.intents import Intent, ModifyOrder, SubmitOrder
from engine.domain.shipped import shipped_instrument
from engine.live import opening
from engine.services.ordering import Ticket
from tests.catalogue.rig import GOLD, PAXG, Desk, at_exchange, at_tws, exchanged, played
from tests.catalogue.test_fills import is_protected, rests
from tests.peers.exchange import Exchange
from tests.peers.faults import Drop
from tests.peers.tws import Peer

NAN, INF = float("nan"), float("inf")
TYPED = ("nan", "NaN", "inf", "-inf", "1e999", "", "1,5", "0", "-1")
"""What may be typed as a quantity or as a price and is none."""


def ticket(**terms: Any) -> SubmitOrder:
    """A ticket that would pass, but for its terms."""
    given = {"symbol": GOLD, "side": "buy", "type": "market", "quantity": 2, "stop_loss": 398_000}
    return SubmitOrder(**{**given, **terms})


def refused(desk: Desk, intent: Intent) -> str:
    """Why it was; it is an error where it was not, or where anything was put on record to be sent."""
    facts = desk.do(intent)
    assert not [fact for fact in facts if isinstance(fact, f.OrderIntended | f.ModifyRequested)], facts
    (refusal,) = (fact for fact in facts if isinstance(fact, f.IntentRefused))
    assert desk.faults == []
    assert desk.session.pipeline.guard.state == "ACTIVE"
    return refusal.reason


def limits_of(desk: Desk) -> tuple[str, ...]:
    """What the last denied order was denied for."""
    denied = desk.facts(f.OrderDenied)[-1]
    return tuple(denied.limits)


def never_left(desk: Desk, ticket: Ticket) -> None:
    """What is typed is refused where it is read, or at the gate."""
    try:
        intent = ticket.intent(shipped_instrument("XAUUSD@ib"))
    except UserError:
        return
    refused(desk, intent)


@played
async def test_fault_33_what_is_no_number_or_not_above_zero_or_off_the_grid_is_denied_here(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        for text in (*TYPED, "1.5", "0.999999999999999999999"):
            never_left(desk, Ticket("buy", "market", text, stop="3980"))
        for text in (*TYPED, "3990.005", "3990.0000000000000001"):
            never_left(desk, Ticket("buy", "limit", "2", price=text, stop="3980"))
        for number in (NAN, INF, -INF, 1.5, 0, -2, 1 << 70):
            refused(desk, ticket(quantity=number))
        for number in (NAN, INF, -INF, 399_000.5, 0, -5, 1 << 70, None):
            refused(desk, ticket(type="limit", price=number))
        for number in (NAN, INF, -INF, 398_000.5, 0, -5, 1 << 70):
            refused(desk, ticket(stop_loss=number))
            refused(desk, ticket(take_profit=number))
        assert peer.received("placeOrder") == []
        assert peer.orders == []
        name = desk.buy()
        await is_protected(desk, 2)
        assert desk.state(name) == "FILLED"


@played
async def test_fault_33_a_change_to_what_is_no_price_or_quantity_is_denied_here(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        name = await rests(desk)
        sent = len(peer.received("placeOrder"))
        for number in (NAN, INF, 399_000.5, 0, -5, 1 << 70):
            refused(desk, ModifyOrder(name, price=number))  # type: ignore[arg-type]  # what is no number on purpose
            refused(desk, ModifyOrder(name, quantity=number))  # type: ignore[arg-type]  # what is no number on purpose
        assert (desk.state(name), desk.order(name).limit) == ("ACCEPTED", 399_000)
        assert len(peer.received("placeOrder")) == sent


@exchanged
async def test_fault_33_an_order_below_the_least_that_the_exchange_takes_is_denied_here(exchange: Exchange, folder: Path) -> None:
    async with at_exchange(exchange, folder) as desk:
        await desk.ready()
        name = desk.buy(1)
        await desk.until(lambda: desk.state(name) == "REJECTED")
        assert "is below 5, the least that PAXGUSDT takes" in desk.order(name).reason
        assert desk.wire.seen == []


@played
async def test_fault_34_an_order_that_may_only_reduce_never_flips_the_position(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        only = {"reduce_only": True, "stop_loss": None}
        assert "no XAUUSD position that this order would reduce" in refused(desk, ticket(side="sell", **only))
        desk.buy()
        await is_protected(desk, 2)
        sent = len(peer.received("placeOrder"))
        assert "larger than the position" in refused(desk, ticket(side="sell", quantity=3, **only))
        assert "larger than the position" in refused(desk, ticket(side="sell", quantity=3, type="limit", price=401_000, **only))
        assert "no XAUUSD position that this order would reduce" in refused(desk, ticket(quantity=1, **only))
        assert limits_of(desk) == ("reduce_only",)
        assert len(peer.received("placeOrder")) == sent
        desk.do(ticket(side="sell", **only))
        await desk.until(lambda: desk.position == 0)
        assert peer.position(GOLD) == 0


@played
async def test_fault_35_without_a_reference_price_nothing_passes_the_collar(peer: Peer, folder: Path) -> None:
    for kind in ("tickPrice", "tickByTickBidAsk"):
        peer.faults.on(kind, Drop(), times=None)
    async with at_tws(peer, folder) as desk:
        await desk.until(lambda: not desk.session.trouble)
        for terms in ({}, {"type": "limit", "price": 399_900}, {"type": "stop", "price": 400_500}):
            assert "no price of XAUUSD has come yet" in refused(desk, ticket(**terms))
            assert {"blocked", "quote"} <= set(limits_of(desk))
        assert peer.received("placeOrder") == []


@dataclass
class Machine:
    """A machine on which time passes by itself, and further as it is told."""

    ahead: Nanos = 0

    def now(self) -> Nanos:
        return SystemClock().now() + self.ahead

    def monotonic(self) -> Nanos:
        return SystemClock().monotonic() + self.ahead


@played
async def test_fault_35_on_a_stale_reference_price_nothing_passes_the_collar(peer: Peer, folder: Path) -> None:
    machine = Machine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "SteadyClock", lambda: SteadyClock(machine))
        async with at_tws(peer, folder) as desk:
            await desk.ready()
            machine.ahead = (shipped_instrument("XAUUSD@ib").stale_after_s + 2) * SECOND
            for terms in ({}, {"type": "limit", "price": 399_900}):
                assert "the last price of XAUUSD is 12" in refused(desk, ticket(**terms))
                assert {"blocked", "stale"} <= set(limits_of(desk))
            assert peer.received("placeOrder") == []
            await peer.quote(GOLD, "4000.10", "4000.40")
            await desk.ready()
            desk.buy()
            await is_protected(desk, 2)


@played
async def test_fault_35_a_price_far_from_the_market_is_denied_here(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder) as desk:
        await desk.ready()
        for price in (1, 300_000, 4_000_000):
            reason = refused(desk, ticket(type="limit", price=price, stop_loss=None))
            assert "more than 5 % away from the market" in reason
            assert "collar" in limits_of(desk)
        name = await rests(desk)
        sent = len(peer.received("placeOrder"))
        assert "more than 5 % away from the market" in refused(desk, ModifyOrder(name, price=300_000))
        assert len(peer.received("placeOrder")) == sent


@played
async def test_fault_36_of_a_burst_of_identical_orders_one_leaves(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, limits={"duplicate_window_s": 60}) as desk:
        await desk.ready()
        name = desk.buy()
        for _ in range(50):
            assert "the same order was placed less than 60 s ago" in refused(desk, ticket())
        assert limits_of(desk) == ("duplicate",)
        await is_protected(desk, 2)
        assert desk.wire.seen == [name, f"{name}-stop"]


@played
async def test_fault_36_of_a_burst_of_orders_only_so_many_leave_in_a_minute(peer: Peer, folder: Path) -> None:
    async with at_tws(peer, folder, limits={"orders_per_minute": 3}) as desk:
        await desk.ready()
        names = [desk.buy(1, type="limit", price=399_000 + number) for number in range(3)]
        for number in range(50):
            reason = refused(desk, ticket(quantity=1, type="limit", price=399_100 + number))
            assert "3 orders in the last minute, the cap is 3" in reason
        assert limits_of(desk) == ("rate",)
        await desk.until(lambda: [desk.state(name) for name in names] == ["ACCEPTED"] * 3)
        assert [order for order in desk.wire.seen if not order.endswith("-stop")] == names
        assert len(peer.orders) == 6


@exchanged
async def test_fault_36_at_an_exchange_too(exchange: Exchange, folder: Path) -> None:
    async with at_exchange(exchange, folder, limits={"duplicate_window_s": 60}) as desk:
        await desk.ready()
        terms = {"symbol": PAXG, "quantity": 1_000, "type": "limit", "price": 395_000, "stop_loss": 390_000}
        name = desk.buy(**terms)
        for _ in range(50):
            assert "the same order was placed" in refused(desk, ticket(**terms))
        await desk.until(lambda: desk.state(name) == "ACCEPTED")
        assert desk.wire.seen == [name]
