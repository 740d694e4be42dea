"""The loopback exchange against the real ccxt: what it answers, streams and remembers, and each way it misbehaves."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.peers.exchange import (
    CutAt,
    Exchange,
    banned,
    crossed,
    garbage,
    refused,
    saying,
    stale,
    too_heavy,
)
from tests.peers.exchange.aside import Aside
from tests.peers.exchange.client import binance
from tests.peers.exchange.tape import Bar
from tests.peers.faults import Answer, Cut, Drop, Duplicate, Hold, Mute, Reorder

pytestmark = pytest.mark.xdist_group("ccxt")

ROOT = Path(__file__).parents[2]
GOLD = "PAXG/USDT"
PATIENCE_S = 20
Scenario = Callable[[Exchange, Any], Coroutine[Any, Any, None]]


def trading(scenario: Scenario) -> Callable[[], None]:
    """A test with an exchange that quotes gold 3900.00 to 3900.10, one ounce at each price, and a client of it."""

    async def run() -> None:
        async with asyncio.timeout(PATIENCE_S), Exchange() as exchange:
            await exchange.quote("PAXGUSDT", "3900.00", "3900.10")
            client = binance(exchange)
            try:
                await client.load_markets()
                await scenario(exchange, client)
            finally:
                await client.close()

    def test() -> None:
        asyncio.run(run())

    test.__doc__ = scenario.__doc__
    return test


def own(name: str, **more: Any) -> dict[str, Any]:
    return {"clientOrderId": name, **more}


async def limit(client: Any, side: str, quantity: float, price: float, name: str, **more: Any) -> Any:
    return await client.create_order(GOLD, "limit", side, quantity, price, own(name, **more))


async def failure(call: Coroutine[Any, Any, Any]) -> Exception:
    """What the call raises; it must raise."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the test looks at the class
        await call
    return caught.value


def ounces(exchange: Exchange) -> Decimal:
    return exchange.desk.matching.wallet.total("PAXG")


def listening(call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.ensure_future(call)


async def listening_to(exchange: Exchange, stream: str, call: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """The call waits for its first event."""
    task = listening(call)
    await exchange.until(lambda: exchange.hub.has(stream))
    return task


async def listening_to_the_account(exchange: Exchange, *calls: Coroutine[Any, Any, Any]) -> list[asyncio.Task[Any]]:
    tasks = [listening(call) for call in calls]
    await exchange.until(lambda: any(socket.accounts for socket in exchange.hub.sockets))
    return tasks


# What anybody may ask


@trading
async def test_loading_the_markets_is_one_request(exchange: Exchange, client: Any) -> None:
    assert [it.kind for it in exchange.requests] == ["GET exchangeInfo"]
    market = client.market(GOLD)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.0001)
    assert market["limits"]["cost"]["min"] == 5


def test_a_client_with_default_options_loads_its_markets_too() -> None:
    async def run() -> None:
        async with Exchange() as exchange:
            client = binance(
                exchange, options={"fetchMarkets": {"types": ["spot", "linear", "inverse"]}, "fetchCurrencies": True}
            )
            client.options["fetchMargins"] = True
            await client.load_markets()
            await client.close()
            assert {"GET capital/config/getall", "GET margin/allPairs", "GET margin/isolated/allPairs"} <= {
                it.kind for it in exchange.requests
            }
            assert client.symbols == ["BTC/USDT", GOLD]

    asyncio.run(run())


@trading
async def test_bars_come_from_the_history_and_longer_ones_are_made_of_it(exchange: Exchange, client: Any) -> None:
    minutes = [(1_700_000_100_000 + number * 60_000, Decimal(3900 + number)) for number in range(10)]
    exchange.history("PAXGUSDT", [Bar(at, price, price + 2, price - 1, price + 1, Decimal(3)) for at, price in minutes])
    assert (await client.fetch_ohlcv(GOLD, "1m", limit=2))[0] == [1_700_000_580_000, 3908.0, 3910.0, 3907.0, 3909.0, 3.0]
    fives = await client.fetch_ohlcv(GOLD, "5m", since=1_700_000_100_000)
    assert fives == [
        [1_700_000_100_000, 3900.0, 3906.0, 3899.0, 3905.0, 15.0],
        [1_700_000_400_000, 3905.0, 3911.0, 3904.0, 3910.0, 15.0],
    ]


@trading
async def test_the_ticker_has_bid_ask_and_last(exchange: Exchange, client: Any) -> None:
    ticker = await client.fetch_ticker(GOLD)
    assert (ticker["bid"], ticker["ask"], ticker["last"]) == (3900.0, 3900.1, 3900.1)
    best = (await client.fetch_bids_asks([GOLD]))[GOLD]
    assert (best["bid"], best["askVolume"]) == (3900.0, 1.0)


@trading
async def test_the_book_is_listed_best_first(exchange: Exchange, client: Any) -> None:
    book = await client.fetch_order_book(GOLD, 2)
    assert book["bids"] == [[3900.0, 1.0], [3899.99, 1.0]]
    assert book["asks"] == [[3900.1, 1.0], [3900.11, 1.0]]


@trading
async def test_trades_tell_the_takers_side(exchange: Exchange, client: Any) -> None:
    await exchange.trade("PAXGUSDT", "SELL", "0.3")
    last = (await client.fetch_trades(GOLD))[-1]
    assert (last["side"], last["price"], last["amount"]) == ("sell", 3900.0, 0.3)


@trading
async def test_time_status_and_fees_are_told(exchange: Exchange, client: Any) -> None:
    exchange.clock_offset_ms = 90_000
    assert await client.fetch_time() - client.milliseconds() > 80_000
    exchange.clock_offset_ms = 0
    assert (await client.fetch_status())["status"] == "ok"
    assert (await client.fetch_trading_fee(GOLD))["taker"] == 0.001


@trading
async def test_the_key_tells_whether_it_may_withdraw(exchange: Exchange, client: Any) -> None:
    assert not (await client.sapi_get_account_apirestrictions())["enableWithdrawals"]
    exchange.gate.may_withdraw = True
    assert (await client.sapi_get_account_apirestrictions())["enableWithdrawals"]


# Orders


@trading
async def test_a_market_order_walks_the_book_and_pays_its_commission_in_gold(exchange: Exchange, client: Any) -> None:
    await exchange.quote("PAXGUSDT", "3900.00", "3900.10", depth="0.5")
    order = await client.create_order(GOLD, "market", "buy", 0.7, None, own("one"))
    assert (order["status"], order["filled"]) == ("closed", 0.7)
    assert [(it["price"], it["amount"]) for it in order["trades"]] == [(3900.1, 0.5), (3900.11, 0.2)]
    wallet = exchange.desk.matching.wallet
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
    assert exchange.order("one").status == "CANCELED"  # type: ignore[union-attr]


@trading
async def test_cancel_all_ends_every_order_of_the_symbol(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    await limit(client, "sell", 0.5, 3910, "two")
    assert {it["clientOrderId"] for it in await client.cancel_all_orders(GOLD)} <= {it.cancel_id for it in exchange.orders}
    assert {it.status for it in exchange.orders} == {"CANCELED"}


@trading
async def test_what_stands_before_an_order_at_its_price_trades_first(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 1, 3900.00, "one")
    book, order = exchange.desk.matching.markets["PAXGUSDT"].book, exchange.order("one")
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
    assert exchange.desk.matching.wallet.locked["USDT"] == Decimal("1.5") * 3895


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
    error = await failure(limit(client, "buy", 1, 3900.10, "one", postOnly=True))
    assert type(error).__name__ == "OrderImmediatelyFillable"
    await limit(client, "buy", 1, 3900.05, "two", postOnly=True)
    assert [it.ticket.kind for it in exchange.orders] == ["LIMIT_MAKER"]


@trading
async def test_a_sell_stop_trades_when_the_last_price_gets_there(exchange: Exchange, client: Any) -> None:
    await client.create_order(GOLD, "market", "sell", 0.5, None, own("stop", stopLossPrice=3890))
    await exchange.quote("PAXGUSDT", "3891.00", "3891.10")
    assert exchange.order("stop").executed == 0  # type: ignore[union-attr]
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
    error = await failure(limit(client, "sell", 0.5, 3900, "stop", stopPrice=3910))
    assert type(error).__name__ == "OrderImmediatelyFillable"


@trading
async def test_one_leg_of_a_pair_ends_the_other(exchange: Exchange, client: Any) -> None:
    words = {"symbol": "PAXGUSDT", "side": "SELL", "quantity": "0.5", "aboveType": "LIMIT_MAKER", "abovePrice": "3910"}
    stop = {"belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "3890", "belowPrice": "3889", "belowTimeInForce": "GTC"}
    answer = await client.private_post_orderlist_oco({**words, **stop, "aboveClientOrderId": "up", "belowClientOrderId": "down"})
    assert (answer["contingencyType"], len(answer["orderReports"])) == ("OCO", 2)
    assert exchange.desk.matching.wallet.locked["PAXG"] == Decimal("0.5")
    await exchange.quote("PAXGUSDT", "3910.00", "3910.10")
    assert {it.ticket.client_id: it.status for it in exchange.orders} == {"up": "FILLED", "down": "EXPIRED"}
    assert exchange.desk.matching.wallet.locked["PAXG"] == 0


@trading
async def test_cancelling_one_leg_of_a_pair_cancels_both(exchange: Exchange, client: Any) -> None:
    words = {"symbol": "PAXGUSDT", "side": "SELL", "quantity": "0.5", "price": "3910", "stopPrice": "3890"}
    await client.private_post_order_oco({**words, "limitClientOrderId": "up", "stopClientOrderId": "down"})
    await client.cancel_order("", GOLD, own("up"))
    assert {it.status for it in exchange.orders} == {"CANCELED"}
    assert exchange.desk.matching.wallet.locked["PAXG"] == 0


@trading
async def test_an_edit_cancels_and_places_in_one_request(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3890, "one")
    edited = await client.edit_order(order["id"], GOLD, "limit", "buy", 0.4, 3891, own("two"))
    assert (edited["clientOrderId"], edited["status"]) == ("two", "open")
    assert [it.status for it in exchange.orders] == ["CANCELED", "NEW"]


@trading
async def test_an_edit_of_a_filled_order_places_nothing(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3900.10, "one")
    error = await failure(client.edit_order(order["id"], GOLD, "limit", "buy", 0.4, 3891, own("two")))
    assert "-2022" in str(error)
    assert exchange.order("two") is None


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
    assert exchange.order("one").status == "CANCELED"  # type: ignore[union-attr]


# What is on the wire


@trading
async def test_price_and_quantity_arrive_rounded_and_cut(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.50019, 3890.129, "one")
    [sent] = exchange.asked("POST order")
    assert (sent.parameters["price"], sent.parameters["quantity"]) == ("3890.13", "0.5001")
    assert (sent.parameters["newClientOrderId"], sent.parameters["newOrderRespType"]) == ("one", "FULL")
    assert b"quantity=0.5001" in sent.body
    assert sent.target == "/api/v3/order"
    assert sent.status == 200


@trading
async def test_an_amount_below_the_step_is_refused_without_a_request(exchange: Exchange, client: Any) -> None:
    assert type(await failure(limit(client, "buy", 0.00001, 3890, "one"))).__name__ == "InvalidOrder"
    assert exchange.asked("POST order") == []


@trading
async def test_a_cancel_names_its_order_in_the_query(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3890, "one")
    await client.cancel_order(order["id"], GOLD)
    [sent] = exchange.asked("DELETE order")
    assert (sent.body, sent.parameters["orderId"]) == (b"", order["id"])
    assert "signature=" in sent.target


# Streams


@pytest.mark.parametrize(
    ("stream", "call", "shown"),
    [
        ("bookTicker", lambda it: it.watch_bids_asks([GOLD]), lambda got: (got[GOLD]["bid"], got[GOLD]["ask"]) == (3901, 3901.1)),
        ("miniTicker", lambda it: it.watch_ticker(GOLD), lambda got: (got["last"], got["bid"]) == (3901.1, None)),
        ("ticker", lambda it: it.watch_ticker(GOLD, {"name": "ticker"}), lambda got: (got["bid"], got["ask"]) == (3901, 3901.1)),
        ("trade", lambda it: it.watch_trades(GOLD), lambda got: (got[-1]["price"], got[-1]["side"]) == (3901.1, "buy")),
        ("kline_1m", lambda it: it.watch_ohlcv(GOLD), lambda got: got[-1][2:5] == [3901.1, 3900.1, 3901.1]),
    ],
    ids=["bookTicker", "miniTicker", "ticker", "trade", "kline"],
)
def test_a_stream_tells_what_changed(stream: str, call: Callable[[Any], Any], shown: Callable[[Any], bool]) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        task = await listening_to(exchange, f"paxgusdt@{stream}", call(client))
        await exchange.quote("PAXGUSDT", "3901.00", "3901.10")
        assert shown(await task)

    scenario()


def test_a_bar_is_closed_before_the_next_one_is_told() -> None:
    now = 1_795_000_000_000

    async def run() -> None:
        async with Exchange(clock_ms=lambda: now) as exchange:
            told: list[Any] = []
            exchange.hub.has = lambda name: True  # type: ignore[method-assign]
            exchange.hub.tell = lambda name, kind, event: told.append((name, event))  # type: ignore[method-assign]
            await exchange.quote("PAXGUSDT", "3900.00", "3900.10")
            exchange.clock_offset_ms = 60_000
            await exchange.trade("PAXGUSDT", "SELL", 1)
            bars = [event["k"] for name, event in told if name == "paxgusdt@kline_1m"]
            assert [(bar["x"], bar["o"]) for bar in bars] == [
                (False, "3900.10000000"),
                (True, "3900.10000000"),
                (False, "3900.00000000"),
            ]

    asyncio.run(run())


@trading
async def test_the_streamed_book_stays_equal_to_the_exchanges(exchange: Exchange, client: Any) -> None:
    await listening(client.watch_order_book(GOLD))
    for number in range(1, 6):
        task = listening(client.watch_order_book(GOLD))
        await exchange.quote("PAXGUSDT", f"390{number}.00", f"390{number}.10", depth=number)
        book = await task
    whole = await client.fetch_order_book(GOLD)
    assert (book["bids"], book["asks"], book["nonce"]) == (whole["bids"], whole["asks"], whole["nonce"])


@trading
async def test_the_account_hears_of_its_orders_trades_and_balances(exchange: Exchange, client: Any) -> None:
    calls = (client.watch_orders(GOLD), client.watch_my_trades(GOLD), client.watch_balance())
    orders, trades, balance = await listening_to_the_account(exchange, *calls)
    await limit(client, "buy", 0.5, 3890, "one")
    assert [(it["clientOrderId"], it["status"]) for it in await orders] == [("one", "open")]
    assert (await balance)["USDT"] == {"free": 98055.0, "used": 1945.0, "total": 100_000.0}
    await exchange.quote("PAXGUSDT", "3889.90", "3890.00")
    [trade] = await trades
    assert (trade["amount"], trade["price"], trade["takerOrMaker"], trade["fee"]["cost"]) == (0.5, 3890.0, "maker", 0.0005)


@trading
async def test_a_cancel_is_told_under_the_orders_own_id(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    [orders] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
    await client.cancel_order("", GOLD, own("one"))
    assert [(it["clientOrderId"], it["status"]) for it in await orders] == [("one", "canceled")]


@trading
async def test_money_from_outside_is_told(exchange: Exchange, client: Any) -> None:
    [balance] = await listening_to_the_account(exchange, client.watch_balance())
    exchange.deposit("PAXG", -1)
    await balance
    assert (await client.fetch_balance())["PAXG"]["total"] == 9


# Refusals and failures


@trading
async def test_what_breaks_a_rule_is_refused_in_the_venues_words(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    calls = {
        "BadRequest": (limit(client, "buy", 0.001, 3890, "small"), "Filter failure: NOTIONAL"),
        "InsufficientFunds": (limit(client, "buy", 100, 3890, "large"), "insufficient balance"),
        "InvalidOrder": (limit(client, "buy", 0.5, 3890, "one"), "Duplicate order sent"),
        "OrderNotFound": (client.cancel_order("12345", GOLD), "Unknown order sent"),
    }
    for name, (call, words) in calls.items():
        error = await failure(call)
        assert (type(error).__name__, words in str(error)) == (name, True)
    assert type(await failure(client.fetch_order("", GOLD, own("none")))).__name__ == "OrderNotFound"
    assert [it.ticket.client_id for it in exchange.orders] == ["one"]


@trading
async def test_a_wrong_secret_is_found_out_by_the_signature(exchange: Exchange, client: Any) -> None:
    client.secret = "another"
    error = await failure(client.fetch_balance())
    assert (type(error).__name__, exchange.requests[-1].code) == ("AuthenticationError", -1022)


@trading
async def test_a_clock_that_is_off_is_an_invalid_nonce_until_the_client_adjusts(exchange: Exchange, client: Any) -> None:
    for offset in (-60_000, 60_000):
        exchange.clock_offset_ms = offset
        client.options["timeDifference"] = 0
        error = await failure(client.fetch_balance())
        assert (type(error).__name__, exchange.requests[-1].code) == ("InvalidNonce", -1021)
        await client.load_time_difference()
        await client.fetch_balance()


@trading
async def test_a_key_that_never_worked_and_one_that_was_deleted_look_different(exchange: Exchange, client: Any) -> None:
    exchange.gate.revoke()
    assert type(await failure(client.fetch_balance())).__name__ == "AuthenticationError"
    exchange.gate.is_revoked = False
    await client.fetch_balance()
    exchange.revoke_key()
    error = await failure(client.fetch_balance())
    assert (type(error).__name__, exchange.requests[-1].code) == ("DDoSProtection", -2015)


@trading
async def test_a_deleted_key_ends_the_accounts_stream_and_nobody_who_waits_is_told(exchange: Exchange, client: Any) -> None:
    [orders] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
    exchange.revoke_key()
    await client.fetch_order_book(GOLD)
    assert type(await failure(client.watch_balance())).__name__ == "KeyError"
    assert exchange.requests[-1].code == -2015
    assert not orders.done()
    orders.cancel()


@pytest.mark.parametrize("status", [429, 418])
def test_too_many_requests_are_told_when_to_come_back(status: int) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        client.enableLastResponseHeaders = True
        exchange.storm(too_heavy(6000, 7) if status == 429 else banned(exchange.now_ms() + 7000, 7), times=2)
        for _ in range(2):
            error = await failure(client.fetch_order_book(GOLD))
            assert (type(error).__name__, client.last_response_headers["Retry-After"]) == ("DDoSProtection", "7")
        await client.fetch_order_book(GOLD)

    scenario()


@trading
async def test_weights_add_up_to_429_and_insisting_to_418(exchange: Exchange, client: Any) -> None:
    exchange.clock_offset_ms -= exchange.now_ms() % 60_000
    exchange.gate.weight_limit = exchange.gate.used_weight + 10
    errors = [await failure(client.fetch_order_book(GOLD)) for _ in range(2) if exchange.gate.used_weight >= 25]
    await client.fetch_order_book(GOLD)
    statuses = [exchange.requests[-1].status]
    for _ in range(13):
        await failure(client.fetch_balance())
        statuses.append(exchange.requests[-1].status)
    assert errors == []
    assert statuses == [200] + [429] * 11 + [418] * 2


@trading
async def test_orders_in_a_burst_meet_the_order_limit(exchange: Exchange, client: Any) -> None:
    exchange.gate.order_limit = 2
    await limit(client, "buy", 0.5, 3890, "one")
    await limit(client, "buy", 0.5, 3891, "two")
    await failure(limit(client, "buy", 0.5, 3892, "three"))
    assert (exchange.requests[-1].code, len(exchange.orders)) == (-1015, 2)


@pytest.mark.parametrize("acted", [True, False], ids=["after it took effect", "before it took effect"])
@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (Answer(500, "Internal Server Error"), "ExchangeNotAvailable"),
        (Answer(502, "Bad Gateway"), "ExchangeNotAvailable"),
        (Answer(503, "Service Unavailable"), "ExchangeNotAvailable"),
        (Answer(504, "Gateway Timeout"), "RequestTimeout"),
        (saying(refused("bus")), "OperationFailed"),
        (saying(refused("backend")), "RequestTimeout"),
    ],
    ids=["500", "502", "503", "504", "-1006", "-1007"],
)
def test_an_order_may_stand_behind_a_failure(answer: Answer, name: str, acted: bool) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        exchange.faults.on("answer POST order" if acted else "POST order", answer)
        error = await failure(limit(client, "buy", 0.5, 3890, "one"))
        assert type(error).__name__ == name
        assert (exchange.order("one") is not None) == acted
        assert len(exchange.asked("POST order")) == 1

    scenario()


@trading
async def test_garbage_instead_of_an_answer_is_an_order_without_a_number(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("answer POST order", garbage())
    order = await limit(client, "buy", 0.5, 3890, "one")
    assert (order["id"], order["clientOrderId"], order["status"]) == (None, None, None)
    assert (await client.fetch_order("", GOLD, own("one")))["status"] == "open"


@pytest.mark.parametrize(
    ("count", "name"),
    [(0, "ExchangeNotAvailable"), (5, "ExchangeNotAvailable"), (60, "ExchangeNotAvailable"), (200, "ExchangeError")],
    ids=["before the status", "in the status", "in the headers", "in the body"],
)
def test_an_answer_may_break_off_at_any_byte(count: int, name: str) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        exchange.faults.on("answer POST order", CutAt(count))
        assert type(await failure(limit(client, "buy", 0.5, 3890, "one"))).__name__ == name
        assert exchange.order("one") is not None
        assert len(exchange.asked("POST order")) == 1

    scenario()


@trading
async def test_a_request_may_break_off_at_any_byte(exchange: Exchange, client: Any) -> None:
    exchange.faults.cut_received = 100
    assert type(await failure(limit(client, "buy", 0.5, 3890, "one"))).__name__ == "ExchangeNotAvailable"
    assert exchange.orders == []


@pytest.mark.parametrize(("action", "stands"), [(Drop(), False), (Mute(), True)], ids=["swallowed", "reply lost"])
def test_silence_is_a_timeout_that_proves_nothing(action: Any, stands: bool) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        client.timeout = 100
        exchange.faults.on("POST order", action)
        assert type(await failure(limit(client, "buy", 0.5, 3890, "one"))).__name__ == "RequestTimeout"
        assert (exchange.order("one") is not None) == stands

    scenario()


@trading
async def test_a_connection_cut_after_the_order_leaves_it_standing(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("POST order", Cut(acted=True))
    assert type(await failure(limit(client, "buy", 0.5, 3890, "one"))).__name__ == "ExchangeNotAvailable"
    assert [it["clientOrderId"] for it in await client.fetch_open_orders(GOLD)] == ["one"]


@trading
async def test_a_request_delivered_twice_is_one_order(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("POST order", Duplicate())
    await limit(client, "buy", 0.5, 3890, "one")
    assert len(exchange.orders) == 1


@trading
async def test_a_held_answer_comes_after_the_accounts_stream(exchange: Exchange, client: Any) -> None:
    [orders] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
    held = exchange.faults.on("answer POST order", Hold())
    answer = listening(limit(client, "buy", 0.5, 3890, "one"))
    assert (await orders)[0]["status"] == "open"
    assert not answer.done()
    held.release()
    assert (await answer)["status"] == "open"


@trading
async def test_requests_may_arrive_in_another_order(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("POST order", Reorder())
    first = listening(limit(client, "buy", 0.5, 3890, "one"))
    await exchange.until(lambda: exchange.asked("POST order"))
    await asyncio.gather(limit(client, "buy", 0.5, 3891, "two"), first)
    assert [it.ticket.client_id for it in exchange.orders] == ["two", "one"]


@trading
async def test_a_forgotten_order_cannot_be_found_again(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    order = exchange.order("one")
    assert order is not None
    exchange.forget(order)
    assert type(await failure(client.fetch_order("", GOLD, own("one")))).__name__ == "OrderNotFound"
    assert (await client.fetch_balance())["USDT"]["used"] == 0


@trading
async def test_a_closed_port_is_not_available_and_a_restart_keeps_the_books(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    await exchange.stop()
    assert type(await failure(client.fetch_balance())).__name__ == "ExchangeNotAvailable"
    await exchange.restart(lower_ids=True)
    later = await limit(client, "buy", 0.5, 3891, "two")
    earlier = await client.fetch_order("", GOLD, own("one"))
    assert int(later["id"]) < int(earlier["id"])


# Streams that go wrong


@pytest.mark.parametrize("close", [Exchange.drop_sockets, Exchange.close_sockets], ids=["dropped", "closed with 1001"])
def test_a_lost_socket_is_a_network_error_and_the_next_call_subscribes_again(close: Callable[[Exchange], None]) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        public = await listening_to(exchange, "paxgusdt@trade", client.watch_trades(GOLD))
        [private] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
        close(exchange)
        assert [type(await failure(task)).__name__ for task in (public, private)] == ["NetworkError"] * 2
        await exchange.until(lambda: not exchange.hub.sockets)
        [private] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
        await limit(client, "buy", 0.5, 3890, "one")
        assert (await private)[0]["clientOrderId"] == "one"

    scenario()


@trading
async def test_a_gap_in_the_books_numbers_is_a_checksum_error_once(exchange: Exchange, client: Any) -> None:
    await listening(client.watch_order_book(GOLD))
    task = listening(client.watch_order_book(GOLD))
    await exchange.quote("PAXGUSDT", "3900.00", "3900.20")
    await task
    exchange.faults.on("depthUpdate", Drop())
    task = listening(client.watch_order_book(GOLD))
    await exchange.quote("PAXGUSDT", "3901.00", "3901.10")
    await exchange.quote("PAXGUSDT", "3902.00", "3902.10")
    assert type(await failure(task)).__name__ == "ChecksumError"
    assert (await client.watch_order_book(GOLD))["bids"][0] == [3902.0, 1.0]


@trading
async def test_a_crossed_book_is_streamed_without_complaint(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("bookTicker", crossed())
    task = await listening_to(exchange, "paxgusdt@bookTicker", client.watch_bids_asks([GOLD]))
    await exchange.quote("PAXGUSDT", "3901.00", "3901.10")
    best = (await task)[GOLD]
    assert best["bid"] > best["ask"]


@trading
async def test_stale_data_is_streamed_without_complaint(exchange: Exchange, client: Any) -> None:
    exchange.faults.on("trade", stale())
    task = await listening_to(exchange, "paxgusdt@trade", client.watch_trades(GOLD))
    await exchange.trade("PAXGUSDT", "BUY", "0.1")
    assert exchange.now_ms() - (await task)[-1]["timestamp"] >= 3_600_000


@trading
async def test_a_stalled_stream_is_silent_while_rest_moves_on(exchange: Exchange, client: Any) -> None:
    task = await listening_to(exchange, "paxgusdt@bookTicker", client.watch_bids_asks([GOLD]))
    exchange.stall()
    await exchange.quote("PAXGUSDT", "3901.00", "3901.10")
    assert (await client.fetch_ticker(GOLD))["bid"] == 3901.0
    assert not task.done()
    exchange.resume()
    await exchange.quote("PAXGUSDT", "3902.00", "3902.10")
    assert (await task)[GOLD]["bid"] == 3902.0


@trading
async def test_executions_may_come_twice_and_out_of_order(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    [trades] = await listening_to_the_account(exchange, client.watch_my_trades(GOLD))
    exchange.faults.on("executionReport", Reorder())
    exchange.faults.on("executionReport", Duplicate())
    await exchange.trade("PAXGUSDT", "SELL", 5, 3900)
    await exchange.book("PAXGUSDT", [], [(Decimal(3890), Decimal("0.2")), (Decimal("3889.5"), Decimal("0.3"))])
    await trades
    await client.fetch_balance()
    fills = [fill.trade_id for fill in exchange.orders[0].fills]
    assert [int(it["id"]) for it in client.myTrades] != fills


@trading
async def test_a_lost_execution_is_found_in_the_trades(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    [trades] = await listening_to_the_account(exchange, client.watch_my_trades(GOLD))
    exchange.faults.on("executionReport", Drop())
    await exchange.quote("PAXGUSDT", "3889.90", "3890.00")
    assert [it["amount"] for it in await client.fetch_my_trades(GOLD)] == [0.5]
    assert not trades.done()
    trades.cancel()


@trading
async def test_an_event_may_break_off_at_any_byte(exchange: Exchange, client: Any) -> None:
    task = await listening_to(exchange, "paxgusdt@trade", client.watch_trades(GOLD))
    exchange.faults.on("trade", CutAt(17))
    await exchange.trade("PAXGUSDT", "BUY", "0.1")
    assert type(await failure(task)).__name__ == "NetworkError"


@trading
async def test_a_half_open_link_is_silent_until_it_thaws(exchange: Exchange, client: Any) -> None:
    client.timeout = 100
    exchange.faults.freeze()
    assert type(await failure(client.fetch_balance())).__name__ == "RequestTimeout"
    exchange.faults.thaw()
    client.timeout = 10_000
    await client.fetch_balance()


# By hand, and from a thread


def test_the_exchange_is_started_by_hand_and_its_prices_move() -> None:
    words = [sys.executable, "-m", "tests.peers.exchange", "--port", "0", "--history", "5"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        address = program.stdout.readline().split()[3]
        assert b"serverTime" in urlopen(f"{address}/api/v3/time").read()
        seen = set()
        while len(seen) < 2:
            seen.add(urlopen(f"{address}/api/v3/ticker/price?symbol=PAXGUSDT").read())
        program.send_signal(signal.SIGTERM)
    assert program.returncode == 0


def test_an_exchange_on_a_thread_of_its_own_leaves_nothing_behind() -> None:
    with Aside() as peer:
        peer.do(lambda it: it.quote("PAXGUSDT", 3900, 3901))
        url = peer.do(lambda it: it.rest_url)
        assert b"3901.00000000" in urlopen(f"{url}/api/v3/ticker/bookTicker?symbol=PAXGUSDT").read()
