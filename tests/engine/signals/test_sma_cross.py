"""The moving-average cross against its definition."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from engine.domain.market import Bar, Quote
from engine.domain.order import Side
from engine.signals.sma_cross import SmaCross
from tests.engine.rig import GOLD

CLOSES = st.lists(st.integers(199_900, 200_100), min_size=1, max_size=60)
QUOTE = Quote("XAUUSD", 0, 200_000, 200_020)


def decide(policy: SmaCross, close: int) -> Side | None:
    policy.observe(Bar(0, 1.0, 1.0, 1.0, close / 100, 1.0, 0.2))
    proposal = policy.decide(None, 0.0, QUOTE)
    return proposal.side if proposal else None


@given(CLOSES, st.integers(2, 6), st.integers(7, 15))
def test_it_speaks_when_the_fast_average_crosses_the_slow_one_and_only_then(closes: list[int], fast: int, slow: int) -> None:
    policy = SmaCross(GOLD, fast, slow)
    above: bool | None = None
    for count, close in enumerate(closes, 1):
        expected = None
        if count > slow:
            quick = Fraction(sum(closes[count - fast : count]), fast)
            steady = Fraction(sum(closes[count - slow : count]), slow)
            if quick != steady:
                if above is not None and (quick > steady) != above:
                    expected = Side.BUY if quick > steady else Side.SELL
                above = quick > steady
        assert decide(policy, close) is expected


def test_stop_and_target_lie_around_the_touch() -> None:
    policy = SmaCross(GOLD, 2, 3, stop_fraction=0.005, reward_risk=2.0)
    sides = [decide(policy, close) for close in (300, 200, 200, 100, 400)]
    assert sides == [None, None, None, None, Side.BUY]
    proposal = policy.decide(None, 0.0, QUOTE)
    assert proposal is not None
    assert (proposal.reference, proposal.stop, proposal.target) == (200_020, 199_020, 202_020)


def test_it_explains_itself_by_its_averages() -> None:
    policy = SmaCross(GOLD, 2, 3)
    for close in (100, 200, 300, 400):
        decide(policy, close)
    base, contributions = policy.explain(None, Side.BUY)
    assert base == 0.0
    assert [(name, round(value, 6)) for name, value, _ in contributions] == [("sma_2", 3.5), ("sma_3", 3.0)]
