"""Value at risk and expected shortfall: how they are measured, when they are known, and what they deny."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import DAY, MINUTE
from engine.domain.instrument import INSTRUMENTS, cash
from engine.domain.intents import SubmitOrder
from engine.domain.limits import Limits
from engine.domain.market import Bars, Floats, Quote
from engine.domain.order import OrderType, Side
from engine.picture import paint
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake
from engine.risk.gate import Gate
from engine.risk.returns import LEAST, Returns
from engine.rules.limits import SHORTFALL, VALUE_AT_RISK, empty_rows
from tests.engine.rig import FREE_GOLD, MONDAY, WIDE, Rig

SILVER = replace(INSTRUMENTS["XAGUSD"], commission=0)
BID, EQUITY = 200_000, cash("100000")


def walk(bars: int, columns: int, seed: int) -> Floats:
    steps: Floats = np.random.default_rng(seed).normal(0, 0.001, (bars, columns))
    return 100 * np.exp(np.cumsum(steps, axis=0))


def taught(prices: Floats, span: int = DAY, **limits: Any) -> Returns:
    symbols = tuple("ABCDEFGH"[: prices.shape[1]])
    known = Returns(symbols, span, replace(Limits(), **limits))
    for number, row in enumerate(prices.tolist()):
        for symbol, price in zip(symbols, row, strict=True):
            known.push(symbol, number * MINUTE, price)
    return known


def measured(known: Returns, signed: dict[str, float], symbol: str = "A", after: float | None = None) -> Floats:
    rows = empty_rows()
    now = signed.get(symbol, 0.0)
    known.measure(signed, symbol, now if after is None else after, now, 1, 0, 0, rows)
    return rows[[VALUE_AT_RISK, SHORTFALL]]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1_000), st.integers(110, 300), st.sampled_from(["0.95", "0.99"]))
def test_historical_figures_are_the_tail_of_what_the_past_would_have_done(seed: int, bars: int, confidence: str) -> None:
    prices = walk(bars + 1, 3, seed)
    held = np.array([1e6, -2e6, 5e5])
    known = taught(prices, var_method="historical", confidence=Decimal(confidence))
    losses = np.sort(-(np.diff(np.log(prices), axis=0) @ held))
    tail = losses[-max(1, round((1 - float(confidence)) * bars + 0.499)) :]
    found = measured(known, dict(zip("ABC", held, strict=True)))
    assert found[:, 0] == pytest.approx([max(0, tail[0]), max(0, tail.mean())], rel=1e-9)


def test_parametric_figures_are_those_of_a_normal_distribution_around_zero() -> None:
    prices = walk(301, 2, 5)
    known = taught(prices, var_method="parametric")
    result = np.diff(np.log(prices), axis=0) @ np.array([1e6, 1e6])
    deviation, z = np.sqrt(np.mean(result**2)), NormalDist().inv_cdf(0.99)
    expected = deviation * np.array([z, NormalDist().pdf(z) / 0.01])
    assert measured(known, {"A": 1e6, "B": 1e6})[:, 0] == pytest.approx(expected, rel=1e-9)


def test_the_larger_of_both_is_taken_unless_one_is_named() -> None:
    prices = walk(400, 2, 6)
    book = {"A": 1e6, "B": -3e6}
    one, other, larger = (measured(taught(prices, var_method=name), book) for name in ("historical", "parametric", "larger"))
    assert larger == pytest.approx(np.maximum(one, other))


def test_a_bar_is_stretched_to_a_day_by_the_root_of_time() -> None:
    prices = walk(200, 1, 7)
    daily, minutely = taught(prices), taught(prices, span=MINUTE)
    assert measured(minutely, {"A": 1e6}) == pytest.approx(measured(daily, {"A": 1e6}) * np.sqrt(1_440))


def test_the_oldest_bars_are_forgotten() -> None:
    prices = walk(500, 1, 8)
    prices[:200] *= np.linspace(1, 3, 200)[:, None]
    assert measured(taught(prices, var_bars=150), {"A": 1e6}) == pytest.approx(measured(taught(prices[-151:]), {"A": 1e6}))


def test_the_history_before_a_session_teaches_what_its_bars_would_have_taught() -> None:
    prices = walk(180, 2, 9)

    def bars(close: Floats) -> Bars:
        return Bars(np.arange(len(close), dtype=np.int64) * MINUTE, close, close, close, close, close, close)

    known = Returns(("A", "B"), DAY, Limits())
    known.warm({"A": bars(prices[:, 0]), "B": bars(prices[:, 1])})
    book = {"A": 1e6, "B": -3e5}
    assert measured(known, book) == pytest.approx(measured(taught(prices), book))


def test_a_bar_one_instrument_lacks_moves_the_other_alone() -> None:
    known = Returns(("A", "B"), DAY, replace(Limits(), var_method="historical"))
    for number in range(LEAST + 5):
        known.push("A", number * MINUTE, 100.0 + number % 2)
        if number % 2:
            known.push("B", number * MINUTE, 50.0)
    assert known.is_known
    assert measured(known, {"B": 1e6}, "B")[0, 0] == 0.0


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 500), st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=4), st.floats(1.1, 5))
def test_the_shortfall_is_no_less_than_the_value_at_risk_and_both_grow_with_the_book(
    seed: int, held: list[float], times: float
) -> None:
    known = taught(walk(160, len(held), seed))
    book = dict(zip("ABCD", held, strict=False))
    found = measured(known, book)
    assert found[1, 0] >= found[0, 0] * (1 - 1e-12)
    assert measured(known, {name: value * times for name, value in book.items()}) == pytest.approx(found * times)


# --- what the gate makes of it ----------------------------------------------------------------------------------------


def gate(limits: Limits, bars: int = 300) -> Gate:
    known = Returns(("XAUUSD", "XAGUSD"), DAY, limits)
    rng = np.random.default_rng(3)
    gold = 2_000 * np.exp(np.cumsum(rng.normal(0, 0.01, bars + 1)))
    for number, price in enumerate(gold.tolist()):
        known.push("XAUUSD", number * DAY, price)
        known.push("XAGUSD", number * DAY, price / 80)
    return Gate({"XAUUSD": FREE_GOLD, "XAGUSD": SILVER}, limits, 0, known)


def book(**stakes: Stake) -> Snapshot:
    quotes = {"XAUUSD": Quote("XAUUSD", MONDAY, BID, BID), "XAGUSD": Quote("XAGUSD", MONDAY, 25_000, 25_000)}
    atr = {"XAUUSD": 100, "XAGUSD": 100}
    return Snapshot(MONDAY, "ACTIVE", EQUITY, EQUITY, EQUITY, stakes, quotes, atr)


def gold(quantity: int, side: Side = Side.BUY) -> Draft:
    return Draft("XAUUSD", side, OrderType.MARKET, quantity, stop_loss=BID - side.sign * 100)


CAPPED = replace(WIDE, value_at_risk=Decimal("0.05"), soft={})


def test_an_order_beyond_the_value_at_risk_is_denied_and_the_largest_just_passes() -> None:
    verdict = gate(CAPPED).check(gold(300), book())
    assert verdict.limits == ("value_at_risk",)
    assert verdict.reasons[0].startswith("value at risk: what a day is not likely to lose more than would be ")
    assert 0 < verdict.largest < 300
    assert gate(CAPPED).check(gold(verdict.largest), book()).approved
    assert not gate(CAPPED).check(gold(verdict.largest + 1), book()).approved


def test_a_hedge_passes_though_the_book_is_over_its_cap() -> None:
    silver = Stake(250, 25_000, 250 * 25_000 * SILVER.tick_value, 0, 250)
    assert gate(CAPPED).check(gold(1), book(XAGUSD=silver)).limits == ("value_at_risk",)
    assert gate(CAPPED).check(gold(1, Side.SELL), book(XAGUSD=silver)).approved


def test_until_enough_bars_are_known_a_hard_cap_only_warns_and_says_so() -> None:
    verdict = gate(CAPPED, LEAST - 1).check(gold(300), book())
    assert verdict.approved
    assert verdict.warnings == ("value at risk is not known before 100 bars have closed; it denies nothing until then",)
    assert "value_at_risk" not in [line.name for line in verdict.lines]


def test_by_default_it_is_shown_and_warns() -> None:
    verdict = gate(replace(WIDE, soft=Limits().soft)).check(gold(300), book())
    assert verdict.approved
    names = [line.name for line in verdict.lines]
    assert names[-2:] == ["value_at_risk_soft", "expected_shortfall_soft"]
    assert [warning.split(":")[0] for warning in verdict.warnings] == ["value at risk", "expected shortfall"]
    line = verdict.lines[-2]
    assert (line.now, line.after_stop) == (0.0, 0.0)
    assert line.after_fill > line.cap


def test_what_is_previewed_is_what_the_fill_brings() -> None:
    rig = Rig(limits=replace(WIDE, value_at_risk=Decimal(1)))
    rig.warm(LEAST + 5)
    shown = rig.line.preview(ticket(40)).lines[-3:]
    rig.buy(40, stop_loss=BID - 500)
    rig.quote(BID)
    now = rig.line.preview(ticket(1)).lines[-3:]
    assert [line.now for line in now] == pytest.approx([line.after_fill for line in shown])
    assert all(line.now > 0 for line in now)


def ticket(quantity: int) -> SubmitOrder:
    return SubmitOrder("XAUUSD", "buy", "market", quantity, stop_loss=BID - 500)


def test_the_gauges_show_it_once_it_is_known() -> None:
    rig = Rig(limits=replace(WIDE, value_at_risk=Decimal("0.5")))
    rig.warm(50)
    assert "value_at_risk" not in {gauge.name for gauge in paint(rig.line).gauges}
    rig.warm(LEAST)
    rig.buy(40, stop_loss=BID - 500)
    rig.quote(BID)
    gauges = {gauge.name: gauge for gauge in paint(rig.line).gauges}
    line = rig.line.preview(ticket(1)).lines[-2]
    assert (gauges["value_at_risk"].value, gauges["value_at_risk"].cap) == (pytest.approx(line.now), 0.5)
    assert gauges["expected_shortfall"].cap == 0.08
    assert gauges["value_at_risk"].sentence == "what a day is not likely to lose more than"
