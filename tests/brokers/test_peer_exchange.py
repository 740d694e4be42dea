"""The loopback exchange against the real ccxt: what it answers and remembers, and what was on the wire."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.peers.exchange import (
    Exchange,
)
from tests.peers.exchange.aside import Aside
from tests.peers.exchange.client import binance
from tests.peers.exchange.scenario import GOLD, failure, limit, trading
from tests.peers.exchange.tape import Bar

pytestmark = pytest.mark.xdist_group("ccxt")

ROOT = Path(__file__).parents[2]


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
    assert await failure(limit(client, "buy", 0.00001, 3890, "one")) == "InvalidOrder"
    assert exchange.asked("POST order") == []


@trading
async def test_a_cancel_names_its_order_in_the_query(exchange: Exchange, client: Any) -> None:
    order = await limit(client, "buy", 0.5, 3890, "one")
    await client.cancel_order(order["id"], GOLD)
    [sent] = exchange.asked("DELETE order")
    assert (sent.body, sent.parameters["orderId"]) == (b"", order["id"])
    assert "signature=" in sent.target


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
