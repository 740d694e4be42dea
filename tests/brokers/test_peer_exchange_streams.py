"""The loopback exchange's streams as the real ccxt.pro reads them, also when they go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.peers.exchange import (
    CutAt,
    Exchange,
    changed,
    crossed,
    stale,
)
from tests.peers.exchange.scenario import GOLD, failure, limit, listening_to, listening_to_the_account, own, trading
from tests.peers.faults import Drop, Duplicate, Reorder

pytestmark = pytest.mark.xdist_group("ccxt")


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
            exchange.hub.has = lambda name: True  # type: ignore[method-assign]  # listens in on the hub
            # listens in on the hub
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
    await asyncio.ensure_future(client.watch_order_book(GOLD))
    for number in range(1, 6):
        task = asyncio.ensure_future(client.watch_order_book(GOLD))
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
async def test_a_ping_from_the_exchange_is_answered(exchange: Exchange, client: Any) -> None:
    task = await listening_to(exchange, "paxgusdt@trade", client.watch_trades(GOLD))
    exchange.ping()
    await exchange.until(lambda: exchange.hub.sockets[0].pongs == 1)
    task.cancel()


@trading
async def test_money_from_outside_is_told(exchange: Exchange, client: Any) -> None:
    [balance] = await listening_to_the_account(exchange, client.watch_balance())
    exchange.deposit("PAXG", -1)
    await balance
    assert (await client.fetch_balance())["PAXG"]["total"] == 9


@pytest.mark.parametrize("close", [Exchange.drop_sockets, Exchange.close_sockets], ids=["dropped", "closed with 1001"])
def test_a_lost_socket_is_a_network_error_and_the_next_call_subscribes_again(close: Callable[[Exchange], None]) -> None:
    @trading
    async def scenario(exchange: Exchange, client: Any) -> None:
        public = await listening_to(exchange, "paxgusdt@trade", client.watch_trades(GOLD))
        [private] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
        close(exchange)
        assert [await failure(task) for task in (public, private)] == ["NetworkError"] * 2
        await exchange.until(lambda: not exchange.hub.sockets)
        [private] = await listening_to_the_account(exchange, client.watch_orders(GOLD))
        await limit(client, "buy", 0.5, 3890, "one")
        assert (await private)[0]["clientOrderId"] == "one"

    scenario()


@trading
async def test_a_gap_in_the_books_numbers_is_a_checksum_error_once(exchange: Exchange, client: Any) -> None:
    await asyncio.ensure_future(client.watch_order_book(GOLD))
    task = asyncio.ensure_future(client.watch_order_book(GOLD))
    await exchange.quote("PAXGUSDT", "3900.00", "3900.20")
    await task
    exchange.faults.on("depthUpdate", Drop())
    task = asyncio.ensure_future(client.watch_order_book(GOLD))
    await exchange.quote("PAXGUSDT", "3901.00", "3901.10")
    await exchange.quote("PAXGUSDT", "3902.00", "3902.10")
    assert await failure(task) == "ChecksumError"
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
async def test_executions_may_come_twice_and_in_another_order(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    [trades] = await listening_to_the_account(exchange, client.watch_my_trades(GOLD))
    exchange.faults.on("executionReport", Reorder(behind=2))
    twice = exchange.faults.on("executionReport", Duplicate())
    await exchange.book("PAXGUSDT", [], [(Decimal("3889.5"), Decimal("0.3")), (Decimal(3890), Decimal("0.2"))])
    await trades
    await client.fetch_balance()
    first, second = (str(fill.trade_id) for fill in exchange.orders[0].fills)
    assert [it["id"] for it in client.myTrades] == [second, first]
    assert twice.hits == 1


@trading
async def test_an_execution_may_be_told_larger_than_the_order(exchange: Exchange, client: Any) -> None:
    await limit(client, "buy", 0.5, 3890, "one")
    [trades] = await listening_to_the_account(exchange, client.watch_my_trades(GOLD))
    exchange.faults.on("executionReport", changed(l="0.80000000"))
    await exchange.quote("PAXGUSDT", "3889.90", "3890.00")
    assert [it["amount"] for it in await trades] == [0.8]


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
    assert await failure(task) == "NetworkError"


@trading
async def test_a_half_open_link_is_silent_until_it_thaws(exchange: Exchange, client: Any) -> None:
    client.timeout = 100
    exchange.faults.freeze()
    assert await failure(client.fetch_balance()) == "RequestTimeout"
    exchange.faults.thaw()
    client.timeout = 10_000
    await client.fetch_balance()
