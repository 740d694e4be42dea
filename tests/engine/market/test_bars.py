"""Bars from quotes, quotes from bars, and what is kept out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.clock import MINUTE
from engine.domain.market import Bar, Bars, BarSide, Quote
from engine.market.bars import BarBuilder
from engine.market.book import QuoteBook
from engine.market.tape import BarTape, spread_ticks
from tests.engine.rig import GOLD, M1, MONDAY, market

QUOTES = st.lists(st.tuples(st.integers(1, 400_000), st.integers(0, 500), st.integers(0, MINUTE - 1)), min_size=1, max_size=40)


@given(QUOTES, st.sampled_from(list(BarSide)))
def test_a_bar_is_the_first_highest_lowest_and_last_of_its_side(quotes: list[tuple[int, int, int]], side: BarSide) -> None:
    builder = BarBuilder(replace(GOLD, bar_side=side), M1)
    quotes.sort(key=lambda quote: quote[2])
    prices = []
    for bid, spread, after in quotes:
        builder.push(Quote("XAUUSD", MONDAY + after, bid, bid + spread))
        prices.append({BarSide.BID: bid, BarSide.ASK: bid + spread, BarSide.MID: (2 * bid + spread) // 2}[side])
    assert builder.due == MONDAY + MINUTE
    peeked, bar = builder.peek(), builder.close()
    assert peeked == bar
    found = [round(value * 100) for value in (bar.open, bar.high, bar.low, bar.close)]
    assert found == [prices[0], max(prices), min(prices), prices[-1]]
    assert (bar.at, bar.volume) == (MONDAY, len(quotes))
    assert round(bar.spread * 100) == round(sum(spread for _, spread, _ in quotes) / len(quotes))
    assert builder.due == 0
    assert builder.peek() is None


def test_a_span_without_a_quote_makes_no_bar() -> None:
    builder = BarBuilder(GOLD, M1)
    builder.push(Quote("XAUUSD", MONDAY, 100, 110))
    builder.close()
    builder.push(Quote("XAUUSD", MONDAY + 5 * MINUTE + 7, 100, 110))
    assert builder.due == MONDAY + 6 * MINUTE


def test_a_recorded_bar_is_handed_on_as_it_was_recorded() -> None:
    builder, bar = BarBuilder(GOLD, M1), Bar(MONDAY, 1.0, 2.0, 0.5, 1.5, 77.0, 0.2)
    builder.record(bar)
    builder.push(Quote("XAUUSD", MONDAY, 100, 110))
    assert builder.close() is bar
    builder.push(Quote("XAUUSD", MONDAY + MINUTE, 100, 110))
    assert builder.close() is not bar


@pytest.mark.parametrize("quote", [(0, 10), (-5, 10), (11, 10)])
def test_a_quote_that_cannot_be_is_counted_and_kept_out(quote: tuple[int, int]) -> None:
    book = QuoteBook()
    assert not book.update(Quote("XAUUSD", 0, *quote))
    assert (book.last, book.quarantined) == ({}, {"XAUUSD": 1})
    assert book.update(Quote("XAUUSD", 0, 10, 10))


@pytest.mark.parametrize("side", list(BarSide))
def test_quotes_of_recorded_bars_have_the_recorded_side_at_the_recorded_prices(side: BarSide) -> None:
    bars = market(50, 8, holes=0)
    instrument = replace(GOLD, bar_side=side)
    quotes = [quote for reel in BarTape(instrument, M1, bars).reels() for quote in reel.quotes]
    assert len(quotes) == 200
    spread = spread_ticks(bars, instrument).tolist()
    for number, quote in enumerate(quotes):
        assert quote.ask - quote.bid == spread[number // 4]
        assert quote.path == bool(number % 4)
    opens = np.rint(bars.open * 100).astype(int)
    shown = {BarSide.BID: 0, BarSide.ASK: 1, BarSide.MID: 0.5}[side]
    for row in range(50):
        first = quotes[4 * row]
        assert abs(first.bid + shown * (first.ask - first.bid) - opens[row]) <= 0.5


def test_a_bar_without_a_spread_gets_the_instrument_s() -> None:
    bars = market(100, 9)
    missing = np.isnan(bars.spread)
    assert missing.any()
    assert not missing.all()
    found = spread_ticks(bars, GOLD)
    assert set(found[missing].tolist()) == {GOLD.spread}
    assert (found[~missing] == np.rint(bars.spread[~missing] * 100)).all()


def test_a_long_tape_comes_in_reels_that_join_without_a_seam() -> None:
    bars = market(5_000, 10)
    tape = BarTape(GOLD, M1, bars)
    times = [quote.at for reel in tape.reels() for quote in reel.quotes]
    assert times == sorted(times)
    assert tape.quotes == len(times) == 20_000
    assert [bar.at for reel in tape.reels() for bar in reel.bars] == bars.at.tolist()
    assert list(BarTape(GOLD, M1, Bars.empty()).reels()) == []
