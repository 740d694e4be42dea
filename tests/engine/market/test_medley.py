"""Several tapes as one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.instrument import INSTRUMENTS
from engine.domain.market import QuoteColumns
from engine.market.medley import Medley
from engine.market.tape import BarTape, TickTape
from tests.engine.rig import GOLD, M1, market

SILVER = INSTRUMENTS["XAGUSD"]


def ticks(instrument, at: list[int]) -> TickTape:
    bid = np.full(len(at), 100.0)
    return TickTape(instrument, QuoteColumns(np.array(sorted(at), np.int64), bid, bid + 1))


@given(st.lists(st.integers(0, 50), max_size=30), st.lists(st.integers(0, 50), max_size=30))
def test_every_quote_is_played_once_in_the_order_of_time_and_the_first_tape_goes_first(one: list[int], two: list[int]) -> None:
    played = [quote for reel in Medley([ticks(GOLD, one), ticks(SILVER, two)]).reels() for quote in reel.quotes]
    expected = sorted([(at, 0) for at in one] + [(at, 1) for at in two])
    assert [(quote.at, int(quote.symbol == "XAGUSD")) for quote in played] == expected


def test_each_recorded_bar_stands_at_its_own_first_quote() -> None:
    one, two = market(1_500, 1), market(1_300, 2)
    medley = Medley([BarTape(GOLD, M1, one), BarTape(SILVER, M1, two)])
    seen: dict[str, list[int]] = {"XAUUSD": [], "XAGUSD": []}
    for reel in medley.reels():
        assert all(before < after for before, after in pairwise(reel.starts))
        for start, bar in zip(reel.starts, reel.bars, strict=True):
            quote = reel.quotes[start]
            assert bar.at <= quote.at < bar.at + M1.span
            seen[quote.symbol].append(bar.at)
    assert seen["XAUUSD"] == one.at.tolist()
    assert seen["XAGUSD"] == two.at.tolist()
    assert medley.quotes == 4 * 2_800
