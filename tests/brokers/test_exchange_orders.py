"""Orders through the real ccxt at the loopback exchange: what is sent, and what is reported of it."""

from __future__ import annotations

import pytest

from engine.brokers.exchange.broker import ExchangeBroker
from engine.domain import facts as f
from engine.domain.order import OrderType, Side, TimeInForce
from tests.brokers.exchange_broker import Told, dealing, market, order
from tests.peers.exchange import Exchange

pytestmark = pytest.mark.xdist_group("ccxt")


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
