"""Recorded exchange messages as history."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.core.clock import MINUTE, from_iso
from engine.core.errors import DataError
from engine.domain.instrument import instrument_of
from engine.domain.market import Timeframe
from engine.market.formats import Parsed, Source, Wanted, open_source, sniff
from engine.market.importing import read_history
from tests.engine.market.histories import recorded

M1 = Timeframe.of("M1")


def parse(path: str, symbol: str | None, timeframe: Timeframe | None = None) -> Parsed:
    source = open_source(recorded(f"exchange-recordings/{path}"), wanted=Wanted(symbol, timeframe))
    found = sniff(source.head, source.name)
    assert found is not None
    assert found.name == "recording"
    return found.parse(source)


def lines(url: str, *messages: object, symbol: str | None = None, timeframe: Timeframe | None = None) -> Parsed:
    text = f"{url} <-> 1618678132.38\n{url} <- 1618678132.5: {{}}\n"
    text += "".join(f"{1618678133 + number}.5: {json.dumps(message)}\n" for number, message in enumerate(messages))
    found = sniff(text.encode(), "VENUE.ws")
    assert found is not None
    return found.parse(Source(Path("VENUE.ws"), "VENUE.ws", text.encode(), "", Wanted(symbol, timeframe)))


@pytest.mark.parametrize(
    ("path", "symbol", "rows"),
    [
        ("BINANCE.ws.1.0.txt.gz", "NKNUSDT", 74),
        ("BINANCE.http.0.0.txt.gz", "BLZETH", 1),
        ("BINANCE_FUTURES.ws.1.0.txt.gz", "SUSHIUSDT", 305),
        ("COINBASE.ws.28.0.txt.gz", "SKLUSD", 246),
        ("KRAKEN.ws.50.0.txt.gz", "BTCCHF", 41),
        ("OKX.ws.1.0.txt.gz", "BTCUSDT", 23),
        ("BYBIT.ws.26.0.txt.gz", "BTCUSD", 7),
    ],
)
def test_a_recording_holds_quotes_that_never_cross_in_order_of_arrival(path: str, symbol: str, rows: int) -> None:
    parsed = parse(path, symbol)
    assert len(parsed.at) == rows
    assert (parsed.columns["bid"] < parsed.columns["ask"]).all()
    assert (np.diff(parsed.at) >= 0).all()
    assert (parsed.bad, parsed.clock) == ((), "UTC")


def test_the_book_that_is_kept_up_agrees_with_the_venue_s_own_tickers() -> None:
    path = recorded("exchange-recordings/COINBASE.ws.28.0.txt.gz")
    quotes = parse(path.name, "SKLUSD")
    said = []
    for number, line in enumerate(open_source(path).text.decode().splitlines(), 1):
        if '"type":"ticker"' in line and '"SKL-USD"' in line:
            body = json.loads(line.partition(": ")[2])
            said.append((number, float(body["best_bid"]), float(body["best_ask"])))
    met = 0
    for number, bid, ask in said:
        near = np.abs(quotes.line - number) < 400
        met += bool((near & (quotes.columns["bid"] == bid) & (quotes.columns["ask"] == ask)).any())
    assert met / len(said) > 0.9


def test_a_finished_kline_is_a_bar_of_the_wanted_timeframe() -> None:
    parsed = parse("BINANCE_FUTURES.ws.1.0.txt.gz", "SUSHIUSDT", M1)
    assert parsed.at.tolist() == [from_iso("2021-07-22T22:25")]
    assert parsed.columns["close"][0] <= parsed.columns["high"][0]
    assert not parsed.is_ticks


def test_trades_make_bars_where_no_kline_was_recorded() -> None:
    parsed = parse("OKX.ws.1.0.txt.gz", "BTCUSDT", M1)
    assert len(parsed.at) == 1
    assert parsed.at[0] % MINUTE == 0
    assert parsed.columns["low"][0] <= parsed.columns["open"][0] <= parsed.columns["high"][0]


def test_a_recorded_market_is_imported_as_quotes_or_as_bars() -> None:
    path = recorded("exchange-recordings/OKX.ws.1.0.txt.gz")
    quotes = read_history(path, instrument_of("BTCUSDT")).quotes
    assert quotes is not None
    assert len(quotes) == 23
    bars = read_history(path, instrument_of("BTCUSDT"), M1).bars
    assert bars is not None
    assert 25_000 < bars.close[0] < 35_000


@pytest.mark.parametrize("path", ["BINANCE.0.txt.gz", "KRAKEN.0.txt.gz", "OKX.0.txt.gz", "BYBIT.0.txt.gz", "COINBASE.0.txt.gz"])
def test_a_recording_of_descriptions_only_says_so(path: str) -> None:
    with pytest.raises(DataError, match="holds no prices, only descriptions"):
        parse(path, "BTCUSDT")


def test_the_instruments_of_a_recording_are_named_where_the_wanted_one_is_missing() -> None:
    with pytest.raises(DataError, match="holds BTCUSD, EOSUSD, not XAUUSD; check --instrument"):
        parse("BYBIT.ws.26.0.txt.gz", "XAUUSD")


def test_kraken_tickers_and_trades_are_read() -> None:
    ticker = [1, {"b": ["10.1", "1", "2"], "a": ["10.2", "1", "2"]}, "ticker", "XBT/USDT"]
    trade = [
        2,
        [["10.15", "0.5", "1618678133.1", "b", "l", ""], ["10.25", "1.5", "1618678133.2", "s", "m", ""]],
        "trade",
        "XBT/USDT",
    ]
    quotes = lines("wss://ws.kraken.com", {"event": "heartbeat"}, ticker, trade, symbol="BTCUSDT")
    assert (quotes.columns["bid"].tolist(), quotes.columns["ask"].tolist()) == ([10.1], [10.2])
    bars = lines("wss://ws.kraken.com", ticker, trade, symbol="BTCUSDT", timeframe=M1)
    prices = [bars.columns[name].tolist() for name in ("open", "high", "low", "close", "volume")]
    assert prices == [[10.15], [10.25], [10.15], [10.25], [2.0]]


def test_a_level_of_no_size_leaves_the_book_and_a_crossed_book_is_passed_over() -> None:
    book = {"as": [["10.3", "1", "0"], ["10.4", "1", "0"]], "bs": [["10.1", "1", "0"]]}
    parsed = lines(
        "wss://ws.kraken.com",
        [1, book, "book-10", "A/B"],
        [1, {"a": [["10.3", "0.000", "0"]]}, {"b": [["10.2", "2", "0"]]}, "book-10", "A/B"],
        [1, {"b": [["10.5", "2", "0"]]}, "book-10", "A/B"],
    )
    assert parsed.columns["bid"].tolist() == [10.1, 10.2]
    assert parsed.columns["ask"].tolist() == [10.3, 10.4]


def test_a_line_cut_short_is_refused_by_number_and_the_rest_stays() -> None:
    text = 'wss://ws.okx.com:8443/ws <-> 1652459224.5\n1652459225.5: {"arg":{"chan\n'
    text += '1652459226.25: {"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"bidPx":"1.5","askPx":"1.6"}]}\n'
    found = sniff(text.encode(), "OKX.ws")
    assert found is not None
    parsed = found.parse(Source(Path("OKX.ws"), "OKX.ws", text.encode(), ""))
    assert [(bad.line, bad.reason) for bad in parsed.bad] == [(2, "message is not JSON")]
    assert parsed.at.tolist() == [1652459226_250_000_000]


def test_an_exchange_that_is_not_known_is_refused() -> None:
    with pytest.raises(DataError, match=r"recorded at wss://example\.org, whose messages are not known"):
        lines("wss://example.org", {})


def test_a_message_that_is_not_as_the_exchange_sends_it_is_named() -> None:
    with pytest.raises(DataError, match=r"not as wss://ws\.kraken\.com sends them"):
        lines("wss://ws.kraken.com", [1, {"b": []}, "ticker", "XBT/USDT"])
