"""Orders at the loopback exchange, placed by the real ccxt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.peers.exchange import (
    Exchange,
)
from tests.peers.exchange.scenario import GOLD, failure, limit, own, trading

pytestmark = pytest.mark.xdist_group("ccxt")


@trading
async def test_a_market_order_walks_the_book_and_pays_its_commission_in_gold(exchange: Exchange, client: Any) -> None:
    await exchange.quote("PAXGUSDT", "3900.00", "3900.10", depth="0.5")
    order = await client.create_order(GOLD, "market", "buy", 0.7, None, own("one"))
    assert (order["status"], order["filled"]) == ("closed", 0.7)
    assert [(it["price"], it["amount"]) for it in order["trades"]] == [(3900.1, 0.5), (3900.11, 0.2)]
    wallet = exchange.wallet
    assert wallet.free["PAXG"] == 10 + Decimal("0.7") * Decimal("0.999")
    assert wallet.free["USDT"] == 100_000 - Decimal("0.5") * Decimal("3900.10") - Decimal("0.2") * Decimal("3900.11")
    assert wallet.locked["USDT"] == 0


@trading
async def test_a_market_order_may_name_what_it_costs(exchange: Exchange, client: Any) -> None:
    order = await client.create_order(GOLD, "market", "buy", 1, None, own("one", cost=1000))
    assert exchange.asked("POST order")[0].parameters["quoteOrderQty"] == "1000"
    assert order["filled"] == 0.2564


@trading
async def test_a_resting_order_locks_its_money_and_a_cancel_frees_it(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3890, "one")
    balance = await client.fetch_balance()
    assert (balance["USDT"]["free"], balance["USDT"]["used"]) == (98055.0, 1945.0)
    assert [it["clientOrderId"] for it in await client.fetch_open_orders(GOLD)] == ["one"]
    cancelled = await client.cancel_order(order["id"], GOLD)
    assert cancelled["status"] == "canceled"
    assert (await client.fetch_balance())["USDT"]["used"] == 0
    assert await client.fetch_open_orders(GOLD) == []


@trading
async def test_an_order_is_found_by_its_own_id_and_its_trades_with_it(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3900.10, "one")
    found = await client.fetch_order("", GOLD, own("one"))
    assert (found["id"], found["status"], found["average"]) == (order["id"], "closed", 3900.1)
    [trade] = await client.fetch_my_trades(GOLD)
    assert (trade["order"], trade["amount"], trade["takerOrMaker"], trade["fee"]["cost"]) == (order["id"], 0.5, "taker", 0.0005)
    assert [it["id"] for it in await client.fetch_orders(GOLD)] == [order["id"]]


@trading
async def test_an_order_is_cancelled_by_its_own_id(exchange: Exchange, client: Any) -> None:
    await limit(client, "sell", 0.5, 3910, "one")
    await client.cancel_order("", GOLD, own("one"))
    assert exchange.order("one").status == "CANCELED"  # type: ignore[union-attr]  # it was just placed


@trading
async def test_cancel_all_ends_every_order_of_the_symbol(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    await limit(client, "sell", 0.5, 3910, "two")
    assert {it["clientOrderId"] for it in await client.cancel_all_orders(GOLD)} <= {it.cancel_id for it in exchange.orders}
    assert {it.status for it in exchange.orders} == {"CANCELED"}


@trading
async def test_what_stands_before_an_order_at_its_price_trades_first(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 1, 3900.00, "one")
    book, order = exchange.market("PAXGUSDT").book, exchange.order("one")
    assert order is not None
    assert book.ahead_of(order) == 1
    await exchange.trade("PAXGUSDT", "SELL", "0.6")
    await exchange.quote("PAXGUSDT", "3900.00", "3900.10", depth="1")
    assert (book.ahead_of(order), order.executed) == (Decimal("0.4"), 0)
    await exchange.trade("PAXGUSDT", "SELL", "0.65")
    assert (await client.fetch_order(order.order_id, GOLD))["filled"] == 0.25
    assert order.fills[0].maker


@trading
async def test_a_market_that_comes_to_an_order_fills_it_as_far_as_it_goes(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 2, 3895, "one")
    await exchange.quote("PAXGUSDT", "3894.90", "3895.00", depth="0.5")
    order = await client.fetch_order("", GOLD, own("one"))
    assert (order["status"], order["filled"], order["average"]) == ("open", 0.5, 3895.0)
    assert exchange.wallet.locked["USDT"] == Decimal("1.5") * 3895


@trading
async def test_a_better_price_than_the_limit_frees_the_difference_at_once(exchange: Exchange, client: Any) -> None:
    await exchange.book("PAXGUSDT", [], [(Decimal("3900.10"), Decimal("0.5"))])
    await limit(client, "buy", 2, 3905, "one")
    assert exchange.wallet.locked["USDT"] == Decimal("1.5") * 3905
    assert exchange.wallet.total("USDT") == 100_000 - Decimal("0.5") * Decimal("3900.10")


@pytest.mark.parametrize(("tif", "status", "filled"), [("IOC", "expired", 1.0), ("FOK", "expired", 0.0), ("GTC", "open", 1.0)])
def test_time_in_force_says_what_becomes_of_the_rest(tif: str, status: str, filled: float) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        await limit(client, "buy", 3, 3900.10, "one", timeInForce=tif)
        order = await client.fetch_order("", GOLD, own("one"))
        assert (order["status"], order["filled"]) == (status, filled)

    scenario()


@trading
async def test_an_order_that_only_adds_to_the_book_is_refused_when_it_would_trade(exchange: Exchange, client: Any) -> None:
    assert await failure(limit(client, "buy", 1, 3900.10, "one", postOnly=True)) == "OrderImmediatelyFillable"
    await limit(client, "buy", 1, 3900.05, "two", postOnly=True)
    assert [it.ticket.kind for it in exchange.orders] == ["LIMIT_MAKER"]


@trading
async def test_a_sell_stop_trades_when_the_last_price_gets_there(exchange: Exchange, client: Any) -> None:
    await client.create_order(GOLD, "market", "sell", 0.5, None, own("stop", stopLossPrice=3890))
    await exchange.quote("PAXGUSDT", "3891.00", "3891.10")
    assert exchange.order("stop").executed == 0  # type: ignore[union-attr]  # it was just placed
    await exchange.quote("PAXGUSDT", "3889.00", "3889.10")
    order = await client.fetch_order("", GOLD, own("stop"))
    assert (order["status"], order["type"], order["average"]) == ("closed", "market", 3889.0)


@trading
async def test_a_stop_limit_rests_when_the_market_jumped_past_its_limit(exchange: Exchange, client: Any) -> None:
    await limit(client, "sell", 0.5, 3889, "stop", stopPrice=3890)
    sent = exchange.asked("POST order")[0].parameters
    assert (sent["type"], sent["stopPrice"], sent["price"], sent["timeInForce"]) == ("STOP_LOSS_LIMIT", "3890", "3889", "GTC")
    await exchange.quote("PAXGUSDT", "3880.00", "3880.10")
    order = await client.fetch_order("", GOLD, own("stop"))
    assert (order["status"], order["filled"], order["info"]["isWorking"]) == ("open", 0.0, True)
    assert (await client.fetch_order_book(GOLD))["asks"][-1] == [3889.0, 0.5]


@trading
async def test_a_buy_stop_and_a_target_wait_for_higher_prices(exchange: Exchange, client: Any) -> None:
    await client.create_order(GOLD, "market", "buy", 0.5, None, own("stop", stopLossPrice=3910))
    await client.create_order(GOLD, "market", "sell", 0.5, None, own("target", takeProfitPrice=3910))
    await exchange.quote("PAXGUSDT", "3910.00", "3910.10")
    assert [(it.status, it.fills[0].price) for it in exchange.orders] == [
        ("FILLED", Decimal("3910.10")),
        ("FILLED", Decimal("3910.00")),
    ]


@trading
async def test_a_stop_on_the_wrong_side_is_refused(exchange: Exchange, client: Any) -> None:
    assert await failure(limit(client, "sell", 0.5, 3900, "stop", stopPrice=3910)) == "OrderImmediatelyFillable"


@trading
async def test_one_leg_of_a_pair_ends_the_other(exchange: Exchange, client: Any) -> None:
    words = {"symbol": "PAXGUSDT", "side": "SELL", "quantity": "0.5", "aboveType": "LIMIT_MAKER", "abovePrice": "3910"}
    stop = {"belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "3890", "belowPrice": "3889", "belowTimeInForce": "GTC"}
    answer = await client.private_post_orderlist_oco({**words, **stop, "aboveClientOrderId": "up", "belowClientOrderId": "down"})
    assert (answer["contingencyType"], len(answer["orderReports"])) == ("OCO", 2)
    assert exchange.wallet.locked["PAXG"] == Decimal("0.5")
    await exchange.quote("PAXGUSDT", "3910.00", "3910.10")
    assert {it.ticket.client_id: it.status for it in exchange.orders} == {"up": "FILLED", "down": "EXPIRED"}
    assert exchange.wallet.locked["PAXG"] == 0


@trading
async def test_cancelling_one_leg_of_a_pair_cancels_both(exchange: Exchange, client: Any) -> None:
    words = {"symbol": "PAXGUSDT", "side": "SELL", "quantity": "0.5", "price": "3910", "stopPrice": "3890"}
    await client.private_post_order_oco({**words, "limitClientOrderId": "up", "stopClientOrderId": "down"})
    await client.cancel_order("", GOLD, own("up"))
    assert {it.status for it in exchange.orders} == {"CANCELED"}
    assert exchange.wallet.locked["PAXG"] == 0


@trading
async def test_an_edit_cancels_and_places_in_one_request(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3890, "one")
    edited = await client.edit_order(order["id"], GOLD, "limit", "buy", 0.4, 3891, own("two"))
    assert (edited["clientOrderId"], edited["status"]) == ("two", "open")
    assert [it.status for it in exchange.orders] == ["CANCELED", "NEW"]


@trading
async def test_an_edit_of_a_filled_order_places_nothing(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3900.10, "one")
    assert await failure(client.edit_order(order["id"], GOLD, "limit", "buy", 0.4, 3891, own("two"))) == "ExchangeError"
    assert (exchange.requests[-1].status, exchange.requests[-1].code) == (400, -2022)
    assert exchange.order("two") is None


@trading
async def test_an_edit_may_cancel_the_old_order_and_be_refused_the_new(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3890, "one")
    assert await failure(client.edit_order(order["id"], GOLD, "limit", "buy", 100, 3891, own("two"))) == "ExchangeError"
    assert (exchange.requests[-1].status, exchange.requests[-1].code) == (409, -2021)
    assert [(it.ticket.client_id, it.status) for it in exchange.orders] == [("one", "CANCELED")]


@trading
async def test_a_trailing_stop_follows_the_highest_price(exchange: Exchange, client: Any) -> None:
    follow = own("stop", trailingPercent=1, stopLossOrTakeProfit="stopLoss")
    await client.create_order(GOLD, "market", "sell", 0.5, None, follow)
    assert exchange.asked("POST order")[0].parameters["trailingDelta"] == "100"
    await exchange.quote("PAXGUSDT", "4000.00", "4000.10")
    await exchange.quote("PAXGUSDT", "3960.20", "3960.30")
    assert exchange.orders[0].trigger_price == Decimal("4000.10") * 99 / 100
    assert exchange.orders[0].status == "NEW"
    await exchange.quote("PAXGUSDT", "3960.00", "3960.05")
    assert exchange.orders[0].fills[0].price == Decimal("3960.00")


@trading
async def test_a_symbol_takes_five_conditional_orders(exchange: Exchange, client: Any) -> None:
    for number in range(5):
        await client.create_order(GOLD, "market", "sell", 0.5, None, own(f"stop-{number}", stopLossPrice=3890))
    assert await failure(client.create_order(GOLD, "market", "sell", 0.5, None, own("six", stopLossPrice=3890))) == "BadRequest"
    assert exchange.requests[-1].code == -1013


@trading
async def test_orders_by_hand_at_the_venue_are_listed_with_the_rest(exchange: Exchange, client: Any) -> None:
    foreign = exchange.place("PAXGUSDT", "BUY", "LIMIT", "0.5", price=3890, timeInForce="GTC")
    assert [it["id"] for it in await client.fetch_open_orders(GOLD)] == [str(foreign.order_id)]
    exchange.cancel(foreign)
    assert await client.fetch_open_orders(GOLD) == []


@trading
async def test_an_order_never_trades_with_another_of_the_same_account(exchange: Exchange, client: Any) -> None:
    await limit(client, "sell", 0.5, 3900.05, "maker")
    await limit(client, "buy", 0.5, 3900.10, "taker")
    assert [(it.status, it.executed) for it in exchange.orders] == [("EXPIRED_IN_MATCH", 0), ("FILLED", Decimal("0.5"))]


@trading
async def test_orders_go_over_the_socket_too(exchange: Exchange, client: Any) -> None:
    order = await client.create_order_ws(GOLD, "limit", "buy", 0.5, 3890, {"newClientOrderId": "one"})
    assert (order["status"], exchange.asked("order.place")[0].method) == ("open", "WS")
    await client.cancel_order_ws(order["id"], GOLD)
    assert exchange.order("one").status == "CANCELED"  # type: ignore[union-attr]  # it was just placed
