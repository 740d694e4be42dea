"""Orders through the real ccxt at the loopback exchange: what is sent, and what is reported of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.brokers.exchange.broker import ExchangeBroker
from engine.domain import facts as f
from engine.domain.market import Quote
from engine.domain.order import Order, OrderType, Side, TimeInForce
from tests.brokers.exchange_broker import Told, dealing, market, order
from tests.peers.exchange import Exchange
from tests.peers.faults import Replace

pytestmark = pytest.mark.xdist_group("ccxt")

STOP, STOP_LIMIT, TRAILING = OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING
SENT = ("type", "side", "quantity", "price", "stopPrice", "timeInForce", "trailingDelta")


@dealing
async def test_a_limit_order_is_acknowledged_under_our_own_id(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order("NG000001"))
    accepted = await told.one(f.OrderAccepted)
    [at_venue] = exchange.orders
    assert (at_venue.ticket.client_id, str(at_venue.order_id)) == ("NG000001", accepted.broker_id)
    assert told.kinds("NG000001") == ["OrderAccepted"]


@dealing
async def test_a_market_order_fills_by_trade_and_pays_in_quote_value(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(market(quantity=15_000))
    await told.until(lambda: sum(it.quantity for it in told.of(f.OrderFilled)) == 15_000)
    fills = told.of(f.OrderFilled)
    assert [(it.price, it.quantity) for it in fills] == [(390_010, 10_000), (390_011, 5_000)]
    assert [it.commission for it in fills] == [3_900_100, 1_950_055]
    assert [it.execution for it in fills] == [f"PAXGUSDT-{it.trade_id}" for it in exchange.orders[0].fills]
    assert told.kinds("one") == ["OrderAccepted", "OrderFilled", "OrderFilled"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (order(), ("LIMIT", "BUY", "0.5", "3890", None, "GTC", None)),
        (order(tif=TimeInForce.IOC, limit=390_010), ("LIMIT", "BUY", "0.5", "3900.1", None, "IOC", None)),
        (order(tif=TimeInForce.FOK, limit=390_010), ("LIMIT", "BUY", "0.5", "3900.1", None, "FOK", None)),
        (order(post_only=True), ("LIMIT_MAKER", "BUY", "0.5", "3890", None, None, None)),
        (market(side=Side.SELL), ("MARKET", "SELL", "0.5", None, None, None, None)),
        (order(side=Side.SELL, limit=None, stop=380_000, type=STOP), ("STOP_LOSS", "SELL", "0.5", None, "3800", None, None)),
        (order(limit=401_000, stop=400_000, type=STOP_LIMIT), ("STOP_LOSS_LIMIT", "BUY", "0.5", "4010", "4000", "GTC", None)),
        (order(limit=None, trail_ppm=5_000, side=Side.SELL, type=TRAILING), ("STOP_LOSS", "SELL", "0.5", None, None, None, "50")),
    ],
    ids=["limit", "ioc", "fok", "post-only", "market", "stop", "stop-limit", "trailing"],
)
def test_each_kind_of_order_is_said_in_the_exchanges_words(given: Order, sent: tuple[Any, ...]) -> None:
    @dealing
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        broker.submit(given)
        await told.one(f.OrderAccepted)
        [request] = exchange.asked("POST order")
        assert tuple(request.parameters.get(name) for name in SENT) == sent

    scenario()


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (order(quantity=0), "must be above zero"),
        (order(limit=-5), "must be above zero"),
        (order(limit=None), "needs a limit price"),
        (order(quantity=1), "the notional 0.389 is below 5, the least that PAXGUSDT takes"),
        (market(quantity=1), "the notional 0.39001 is below 5"),
        (order(quantity=90_000_001), "above 9000, the most that PAXGUSDT takes"),
        (market(quantity=7_256_110), "above 725.61093958, the most"),
        (order(limit=100_000_001), "the limit price 1000000.01 is above 1000000"),
        (order(tif=TimeInForce.GTD), "there is no time in force GTD there"),
        (market(post_only=True), "only limit orders can be post-only there"),
        (market(tif=TimeInForce.FOK), "a market order cannot be FOK there"),
        (order(limit=None, trail=500, type=TRAILING), "no trailing stop of that kind"),
        (order(symbol="XAUUSD"), "does not trade XAUUSD"),
    ],
)
def test_fault_33_what_the_market_would_not_take_is_refused_here(given: Order, why: str) -> None:
    @dealing(listening=False)
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        broker.on_market(Quote("PAXGUSDT", 1, 390_000, 390_010))
        broker.submit(given)
        rejected = await told.one(f.OrderRejected)
        assert why in rejected.reason
        assert rejected.reason.endswith("nothing was sent")
        assert exchange.asked("POST order") == []

    scenario()


@dealing
async def test_legs_that_wait_for_their_entry_are_not_held_there(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order("entry"), order("leg", Side.SELL, limit=400_000, parent="entry"))
    rejected = await told.one(f.OrderRejected)
    assert (rejected.order, "holds no orders that wait for another" in rejected.reason) == ("leg", True)
    assert [it.ticket.client_id for it in exchange.orders] == ["entry"]


@dealing
async def test_what_the_market_refuses_is_rejected_in_its_own_words(
    exchange: Exchange, broker: ExchangeBroker, told: Told
) -> None:
    broker.submit(order("large", quantity=500_000))
    broker.submit(order("maker", limit=395_000, post_only=True))
    broker.submit(order("stop", limit=None, stop=380_000, type=STOP))
    await told.until(lambda: len(told.of(f.OrderRejected)) == 3)
    reasons = {it.order: it.reason.partition("refused it: ")[2] for it in told.of(f.OrderRejected)}
    assert reasons == {
        "large": "Account has insufficient balance for requested action",
        "maker": "Order would immediately match and take",
        "stop": "Stop price would trigger immediately",
    }


@dealing
async def test_what_does_not_fill_at_once_expires(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order("ioc", quantity=15_000, limit=390_010, tif=TimeInForce.IOC))
    broker.submit(order("fok", quantity=50_000, limit=390_014, side=Side.BUY, tif=TimeInForce.FOK))
    await told.until(lambda: len(told.of(f.OrderExpired)) == 2)
    assert told.kinds("ioc") == ["OrderAccepted", "OrderFilled", "OrderExpired"]
    assert told.kinds("fok") == ["OrderAccepted", "OrderExpired"]


@dealing
async def test_a_resting_order_is_told_of_as_it_fills(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    broker.submit(order())
    await told.one(f.OrderAccepted)
    await exchange.trade("PAXGUSDT", "SELL", "5.25", limit="3890.00")
    await exchange.trade("PAXGUSDT", "SELL", "0.25", limit="3890.00")
    await told.until(lambda: len(told.of(f.OrderFilled)) == 2)
    assert [it.quantity for it in told.of(f.OrderFilled)] == [2500, 2500]


@dealing
async def test_parts_of_a_lot_step_are_booked_when_they_make_one(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
    asks = [(Decimal(90_001), Decimal("0.00007")), (Decimal(90_003), Decimal(1))]
    await exchange.book("BTCUSDT", [(Decimal(89_000), Decimal(1))], asks)
    broker.submit(market(symbol="BTCUSDT", quantity=3))
    await told.one(f.OrderFilled)
    [fill] = told.of(f.OrderFilled)
    assert (fill.quantity, fill.price) == (3, 9_000_253)
    assert fill.commission == 27_001


def taken_in(coin: str) -> Replace:
    """An answer whose fee is half a coin."""
    ours, theirs = (
        b'"commission":"0.00050000","commissionAsset":"PAXG"',
        f'"commission":"0.5","commissionAsset":"{coin}"'.encode(),
    )
    return Replace(lambda reply: replace(reply, body=reply.body.replace(ours, theirs)))


@pytest.mark.parametrize(("coin", "charged"), [("USDT", 500_000), ("PAXG", 1_950_050_000), ("BTC", 45_000_000_000)])
def test_a_fee_is_booked_in_quote_value_whatever_coin_it_is_taken_in(coin: str, charged: int) -> None:
    @dealing
    async def scenario(exchange: Exchange, broker: ExchangeBroker, told: Told) -> None:
        exchange.stall()
        exchange.faults.on("answer POST order", taken_in(coin))
        broker.submit(market())
        await told.one(f.OrderFilled)
        if coin == "BTC":
            await told.one(f.CommissionCharged)
        fills, later = told.of(f.OrderFilled), told.of(f.CommissionCharged)
        assert sum(it.commission for it in fills) + sum(it.amount for it in later) == charged
        assert {it.execution for it in later} <= {it.execution for it in fills}

    scenario()
