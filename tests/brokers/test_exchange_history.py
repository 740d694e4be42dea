"""Bars of the loopback exchange through the real ccxt, page by page."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from engine.brokers.exchange.history import history
from engine.brokers.exchange.venue import ExchangeVenue
from engine.core.clock import MINUTE
from engine.core.errors import BrokerError, UserError
from engine.domain.market import Timeframe
from tests.brokers.exchange_adapter import connected
from tests.peers.exchange import Exchange, garbage
from tests.peers.exchange.tape import Bar
from tests.peers.faults import Replace

pytestmark = pytest.mark.xdist_group("ccxt")

START = 1_700_000_100_000
"""ms; on a five-minute boundary."""
NS = 1_000_000
M1, M5 = Timeframe.of("M1"), Timeframe.of("M5")


def minutes(numbers: range, opened_ms: int = START) -> list[Bar]:
    prices = [(opened_ms + number * 60_000, Decimal(3900) + Decimal(number) / 100) for number in numbers]
    return [Bar(at, price, price + 2, price - 1, price + 1, Decimal(3)) for at, price in prices]


@connected
async def test_a_long_history_comes_in_pages_each_bar_once(exchange: Exchange, venue: ExchangeVenue) -> None:
    exchange.history("PAXGUSDT", minutes(range(2500)))
    bars = await history(venue, "PAXGUSDT", M1, START * NS, (START + 2500 * 60_000) * NS)
    assert len(exchange.asked("GET klines")) == 3
    assert np.array_equal(bars.at, (START + np.arange(2500) * 60_000) * NS)
    assert (bars.row(2499).open, bars.row(2499).high, bars.row(2499).low, bars.row(2499).close) == (
        3924.99,
        3926.99,
        3923.99,
        3925.99,
    )
    assert bars.volume.tolist() == [3.0] * 2500
    assert np.isnan(bars.spread).all()


@connected
async def test_longer_bars_and_gaps_are_as_the_venue_has_them(exchange: Exchange, venue: ExchangeVenue) -> None:
    exchange.history("PAXGUSDT", minutes(range(5)) + minutes(range(20, 25)))
    bars = await history(venue, "PAXGUSDT", M5, START * NS, (START + 3_600_000) * NS)
    assert (bars.at // NS - START).tolist() == [0, 1_200_000]


@connected
async def test_the_running_bar_is_left_out_by_the_exchanges_clock(exchange: Exchange, venue: ExchangeVenue) -> None:
    opened = exchange.now_ms() // 60_000 * 60_000 - 3 * 60_000
    exchange.history("PAXGUSDT", minutes(range(4), opened))
    venue.wire.offset_ms = 0
    bars = await history(venue, "PAXGUSDT", M1, opened * NS, (opened + 3_600_000) * NS)
    assert (bars.at // NS)[:3].tolist() == [opened + number * 60_000 for number in range(3)]
    assert int(bars.at[-1]) + MINUTE <= exchange.now_ms() * NS
    venue.wire.offset_ms = -60_000
    assert len(await history(venue, "PAXGUSDT", M1, opened * NS, (opened + 3_600_000) * NS)) == len(bars) - 1


@connected
async def test_an_end_is_left_out_and_nothing_is_an_empty_history(exchange: Exchange, venue: ExchangeVenue) -> None:
    exchange.history("PAXGUSDT", minutes(range(10)))
    assert len(await history(venue, "PAXGUSDT", M1, START * NS, (START + 5 * 60_000) * NS)) == 5
    assert len(await history(venue, "BTCUSDT", M1, START * NS, (START + 5 * 60_000) * NS)) == 0


@pytest.mark.parametrize(
    "body", ["<html>", "{}", '[["x"]]', "[[1700000100000]]", "[null]"], ids=["html", "{}", "text", "short", "null"]
)
def test_a_page_that_is_no_page_is_an_error_and_not_the_end(body: str) -> None:
    @connected
    async def scenario(exchange: Exchange, venue: ExchangeVenue) -> None:
        exchange.history("PAXGUSDT", minutes(range(1500)))
        exchange.faults.on("answer GET klines", garbage(body), after=1)
        with pytest.raises(BrokerError, match="nothing was taken from"):
            await history(venue, "PAXGUSDT", M1, START * NS, (START + 1500 * 60_000) * NS)

    scenario()


@connected
async def test_a_bar_whose_high_is_below_its_low_is_refused(exchange: Exchange, venue: ExchangeVenue) -> None:
    exchange.history("PAXGUSDT", minutes(range(3)))
    broken = Replace(lambda it: replace(it, body=it.body.replace(b'"3902.00000000"', b'"3802.00000000"')))
    exchange.faults.on("answer GET klines", broken)
    with pytest.raises(BrokerError, match="a bar that cannot be"):
        await history(venue, "PAXGUSDT", M1, START * NS, (START + 180_000) * NS)


@connected
async def test_a_symbol_that_is_not_traded_there_is_refused(exchange: Exchange, venue: ExchangeVenue) -> None:
    with pytest.raises(UserError, match="does not trade XAUUSD"):
        await history(venue, "XAUUSD", M1, 0, 1)
