"""Paper as a broker outside: connecting, what it tells of itself, going on after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from engine.brokers.sim.paper import PaperBroker
from engine.brokers.sim.terms import SimTerms
from engine.brokers.sim.venues import VENUES
from engine.core.clock import SECOND
from engine.core.errors import BrokerError
from engine.domain import facts as f
from engine.domain.instrument import Instrument, cash
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Role, Side, terms
from engine.ports.broker import Report
from tests.engine.rig import FREE_GOLD, MONDAY


class Clock:
    def __init__(self) -> None:
        self.at = MONDAY

    def now(self) -> int:
        return self.at


class Account:
    """A paper account in which 100 000 dollars lie, and what it said."""

    def __init__(self, given: SimTerms | None = None, instrument: Instrument = FREE_GOLD) -> None:
        self.said: list[f.Fact] = []
        self.on_word: Callable[[], None] = lambda: None
        self.clock = Clock()
        self.broker = PaperBroker(
            {"XAUUSD": instrument},
            given or SimTerms(slippage=0),
            self._hear,
            "paper",
            "USD",
            Decimal(100_000),
            self.clock,
        )

    def _hear(self, report: Report) -> None:
        self.said.append(report.fact)
        self.on_word()

    def quote(self, bid: int, ask: int | None = None, size: int = 100) -> None:
        self.clock.at += SECOND
        self.broker.on_market(Quote("XAUUSD", self.clock.at, bid, ask or bid + 20, False, size, size))

    def buy(self, name: str, quantity: int = 10, type_: OrderType = OrderType.MARKET, limit: int | None = None) -> Order:
        order = Order(name, "XAUUSD", Side.BUY, type_, quantity, Role.ENTRY, limit)
        self.broker.submit(order)
        return order


def played(scenario: Callable[[Account], Awaitable[None]]) -> Callable[[], None]:
    async def play() -> None:
        account = Account()
        await account.broker.connect()
        await scenario(account)
        await account.broker.close()

    def test() -> None:
        asyncio.run(play())

    test.__doc__ = scenario.__doc__
    return test


def test_until_it_is_connected_nothing_is_sent() -> None:
    account = Account()
    account.buy("a")
    account.broker.cancel("a")
    account.broker.modify("a", 1, None, None)
    assert [type(fact) for fact in account.said] == [f.OrderRejected, f.CancelRejected, f.ModifyRejected]
    assert not account.broker.is_ready


@played
async def test_it_tells_orders_positions_cash_and_executions(account: Account) -> None:
    account.quote(200_000)
    account.buy("filled")
    waits = account.buy("waits", 5, OrderType.LIMIT, 190_000)
    gone = account.buy("gone", 5, OrderType.LIMIT, 180_000)
    account.broker.cancel("gone")
    state = await account.broker.standing([waits, gone, waits._replace(id="never")])
    assert (state.is_live, state.accounts) == (False, ("paper",))
    assert [(it.client_order_id, it.quantity, it.limit, it.status) for it in state.open_orders] == [
        ("waits", Decimal("0.05"), Decimal("1900.00"), "open")
    ]
    assert [(it.client_order_id, it.status) for it in state.ended_orders] == [("gone", "cancelled")]
    assert [(it.execution_id, it.quantity, it.price) for it in state.executions] == [
        ("filled/1", Decimal("0.10"), Decimal("2000.20"))
    ]
    held = state.positions[0]
    assert (held.symbol, held.quantity, held.average) == ("XAUUSD", Decimal("0.10"), Decimal("2000.20"))
    assert state.cash[0].total == Decimal(100_000) - Decimal("2000.20") * 10


@played
async def test_what_is_held_against_margin_is_not_paid_for(account: Account) -> None:
    margined = Account(instrument=replace(FREE_GOLD, kind="cfd"))
    await margined.broker.connect()
    margined.quote(200_000)
    margined.buy("a")
    state = await margined.broker.standing()
    assert state.cash[0].total == Decimal(100_000)
    assert state.positions[0].quantity == Decimal("0.10")


@played
async def test_it_never_fills_more_than_the_market_shows(account: Account) -> None:
    account.quote(200_000, size=4)
    account.buy("a", 10)
    assert [fact.quantity for fact in account.said if isinstance(fact, f.OrderFilled)] == [4]


@played
async def test_an_order_that_left_and_was_not_answered_on_record_never_reached_it(account: Account) -> None:
    order = Order("a", "XAUUSD", Side.BUY, OrderType.LIMIT, 10, Role.ENTRY, limit=190_000)
    account.broker.apply(f.OrderIntended(**terms(order)))
    account.broker.apply(f.OrderSent("a"))
    state = await account.broker.standing([order])
    assert (state.open_orders, state.ended_orders) == ((), ())


@played
async def test_it_goes_on_where_its_record_ended(account: Account) -> None:
    account.quote(200_000)
    orders = [account.buy("in"), account.buy("waits", 5, OrderType.LIMIT, 190_000)]
    again = Account()
    again.broker.apply(f.AccountOpened("paper", "USD", cash("100000")))
    for order in orders:
        again.broker.apply(f.OrderIntended(**terms(order)))
        again.broker.apply(f.OrderSent(order.id))
    for fact in account.said:
        again.broker.apply(fact)
        if isinstance(fact, f.OrderFilled):
            again.broker.apply(f.PositionChanged("XAUUSD", fact.execution, 10, cash("20002"), 0, 1))
    await again.broker.connect()
    before, after = await account.broker.standing(orders), await again.broker.standing(orders)
    assert (after.open_orders, after.positions, after.cash) == (before.open_orders, before.positions, before.cash)
    again.quote(189_000)
    assert [fact.order for fact in again.said if isinstance(fact, f.OrderFilled)] == ["waits"]


@played
async def test_a_quantity_that_is_no_whole_number_of_steps_is_refused(account: Account) -> None:
    assert account.broker.steps("XAUUSD", Decimal("-0.25")) == -25
    with pytest.raises(BrokerError, match="not a whole number of lot steps"):
        account.broker.steps("XAUUSD", Decimal("0.005"))


def test_what_it_holds_is_what_its_venue_has() -> None:
    assert Account().broker.abilities.shorts
    assert not Account(SimTerms(venue=VENUES["okx"])).broker.abilities.shorts


def test_a_request_that_takes_time_arrives_though_the_market_is_silent() -> None:
    async def play() -> None:
        account = Account(SimTerms(latency=SECOND // 100))
        await account.broker.connect()
        account.quote(200_000)
        arrived = asyncio.Event()
        account.on_word = arrived.set
        order = account.buy("a", 5, OrderType.LIMIT, 190_000)
        assert account.said == []
        assert [it.client_order_id for it in (await account.broker.standing([order])).open_orders] == ["a"]
        account.clock.at += SECOND
        await asyncio.wait_for(arrived.wait(), 60)
        assert account.said == [f.OrderAccepted("a", "sim-a")]
        await account.broker.close()

    asyncio.run(play())


def recorded(account: Account, order: Order, *facts: f.OrderFact) -> None:
    """The order's facts, recalled by a new process."""
    for fact in (f.OrderIntended(**terms(order)), *facts):
        account.broker.apply(fact)


@played
async def test_an_order_that_was_held_here_reaches_it_as_it_left(account: Account) -> None:
    order = Order("a", "XAUUSD", Side.BUY, OrderType.LIMIT, 10, Role.ENTRY, limit=190_000)
    held = f.OrderHeld("a", "it follows b"), f.OrderModified("a", 10, 191_000, None), f.OrderReleased("a", 7)
    recorded(account, order, *held)
    assert (await account.broker.standing()).open_orders == ()
    for fact in (f.OrderSent("a"), f.OrderAccepted("a", "sim-a")):
        account.broker.apply(fact)
    told = (await account.broker.standing()).open_orders
    assert [(it.quantity, it.limit) for it in told] == [(Decimal("0.07"), Decimal("1910.00"))]


@played
async def test_an_order_withdrawn_before_it_left_is_not_known_there(account: Account) -> None:
    order = Order("a", "XAUUSD", Side.BUY, OrderType.LIMIT, 10, Role.ENTRY, limit=190_000)
    recorded(account, order, f.OrderHeld("a", "it follows b"), f.OrderCancelled("a", "as asked"))
    account.broker.cancel("a")
    assert [type(fact) for fact in account.said] == [f.CancelRejected]


@played
async def test_an_order_lost_with_the_process_is_over_once_its_absence_is_believed(account: Account) -> None:
    order = Order("a", "XAUUSD", Side.BUY, OrderType.LIMIT, 10, Role.ENTRY, limit=190_000)
    recorded(account, order, f.OrderSent("a"), f.OrderUnknown("a", "the program ended"), f.OrderRejected("a", "not found"))
    account.quote(180_000)
    assert account.said == []
    assert [it.status for it in (await account.broker.standing([order])).ended_orders] == ["rejected"]


@played
async def test_where_a_trailing_stop_stood_is_on_record(account: Account) -> None:
    order = Order("a", "XAUUSD", Side.SELL, OrderType.TRAILING, 10, Role.ENTRY, trail=500)
    recorded(account, order, f.OrderSent("a"), f.OrderAccepted("a", "sim-a"), f.OrderTrailed("a", 199_000))
    account.quote(199_200)
    assert account.said == []
    account.quote(199_000)
    assert [fact.order for fact in account.said if isinstance(fact, f.OrderFilled)] == ["a"]
