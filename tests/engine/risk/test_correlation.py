"""Positions that move together share one position's cap: how it is measured, and what it denies."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.clock import MINUTE
from engine.domain.instrument import INSTRUMENTS, cash
from engine.domain.limits import Limits, Verdict
from engine.domain.market import Bars, Quote
from engine.domain.order import OrderType, Side
from engine.risk.correlation import LEAST, Correlations
from engine.risk.draft import Draft
from engine.risk.exposure import Snapshot, Stake
from engine.risk.gate import Gate
from tests.engine.rig import FREE_GOLD, MONDAY, WIDE

SILVER = replace(INSTRUMENTS["XAGUSD"], commission=0)
GOLD_BID, SILVER_BID = 200_000, 25_000
EQUITY = cash("100000")
CAPS = replace(WIDE, position=Decimal("0.05"))


# --- how it is measured -----------------------------------------------------------------------------------------------


def fed(first: list[float], second: list[float], half_life: int = 20) -> Correlations:
    known = Correlations(("A", "B"), half_life)
    for number, (one, two) in enumerate(zip(first, second, strict=True)):
        known.push("A", number * MINUTE, one)
        known.push("B", number * MINUTE, two)
    return known


@given(st.integers(0, 1_000), st.floats(-1, 1), st.integers(10, 200))
@settings(deadline=None, max_examples=40)
def test_it_is_the_exponentially_weighted_correlation_of_log_returns(seed: int, share: float, half_life: int) -> None:
    rng = np.random.default_rng(seed)
    steps = rng.normal(0, 0.001, (2, 120))
    steps[1] = share * steps[0] + np.sqrt(1 - share * share) * steps[1]
    prices = 100 * np.exp(np.cumsum(steps, axis=1))
    weights = 0.5 ** (np.arange(118, -1, -1) / half_life)
    one, two = np.diff(np.log(prices), axis=1)
    expected = np.sum(weights * one * two) / np.sqrt(np.sum(weights * one * one) * np.sum(weights * two * two))
    known = fed(prices[0].tolist(), prices[1].tolist(), half_life)
    assert known.between("A", "B") == pytest.approx(expected, abs=1e-9)
    assert known.between("B", "A") == known.between("A", "B")


def test_it_is_unknown_until_enough_bars_are_shared() -> None:
    prices = [100.0 + number % 3 for number in range(LEAST + 1)]
    assert fed(prices[:-1], prices[:-1]).between("A", "B") is None
    assert fed(prices, prices).between("A", "B") == pytest.approx(1.0)


def test_a_market_that_stands_still_is_related_to_nothing() -> None:
    prices = [100.0 + number % 3 for number in range(LEAST + 5)]
    assert fed(prices, [50.0] * len(prices)).between("A", "B") == 0.0


def test_a_hole_in_one_market_shifts_nothing_in_the_other() -> None:
    rng = np.random.default_rng(3)
    prices = (100 * np.exp(np.cumsum(rng.normal(0, 0.001, 200)))).tolist()
    known = Correlations(("A", "B"), 50)
    for number, price in enumerate(prices):
        known.push("A", number * MINUTE, price)
        if number % 7:
            known.push("B", number * MINUTE, 2 * price)
    assert known.between("A", "B") == pytest.approx(1.0)


def test_the_history_before_a_session_teaches_what_its_bars_would_have_taught() -> None:
    rng = np.random.default_rng(4)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.001, (2, 90)), axis=1))

    def bars(close: Any) -> Bars:
        at = np.arange(len(close), dtype=np.int64) * MINUTE
        return Bars(at, close, close, close, close, np.ones(len(close)), np.zeros(len(close)))

    known = Correlations(("A", "B"), 20)
    known.warm({"A": bars(closes[0]), "B": bars(closes[1])})
    assert known.between("A", "B") == fed(closes[0].tolist(), closes[1].tolist()).between("A", "B")


# --- what it denies ---------------------------------------------------------------------------------------------------


def silver(quantity: int, risk: str, **rest: Any) -> Stake:
    """A position in silver that loses `risk` at its stop."""
    notional = abs(quantity) * SILVER_BID * SILVER.tick_value
    return Stake(quantity, SILVER_BID, notional, cash(risk), abs(quantity), **rest)


def ask(
    together: float | None, stake: Stake, side: Side = Side.BUY, quantity: int = 200, limits: Limits = CAPS, alone: bool = False
) -> Verdict:
    """What the gate says to gold that loses 10.00 an ounce at its stop, beside a position in silver."""
    gate = Gate({"XAUUSD": FREE_GOLD, "XAGUSD": SILVER}, limits, 0)
    quotes = {"XAUUSD": Quote("XAUUSD", MONDAY, GOLD_BID, GOLD_BID), "XAGUSD": Quote("XAGUSD", MONDAY, SILVER_BID, SILVER_BID)}
    book = Snapshot(
        at=MONDAY,
        state="ACTIVE",
        equity=EQUITY,
        day_start=EQUITY,
        peak=EQUITY,
        stakes={"XAGUSD": stake},
        quotes=quotes,
        atr={"XAUUSD": 100, "XAGUSD": 100},
        correlation=None if alone else lambda _symbol: {"XAGUSD": together},
    )
    stop = GOLD_BID - side.sign * 1_000
    return gate.check(Draft("XAUUSD", side, OrderType.MARKET, quantity, stop_loss=stop), book)


def test_what_moves_together_shares_the_cap_of_one_position() -> None:
    verdict = ask(0.85, silver(10, "3500"))
    assert verdict.limits == ("correlation",)
    assert verdict.reasons == (
        "correlation: with what moves along, the position's loss at its stop would be 5.50 % of equity, the cap is 5 %; "
        "XAGUSD correlates +0.85",
    )
    line = verdict.lines[-1]
    assert (line.name, line.now, line.after_fill) == ("correlation", pytest.approx(0.035), pytest.approx(0.055))


@pytest.mark.parametrize(
    ("together", "held", "side", "denied"),
    [
        (0.85, 10, Side.BUY, True),
        (0.85, -10, Side.SELL, True),
        (0.85, -10, Side.BUY, False),
        (0.85, 10, Side.SELL, False),
        (-0.85, -10, Side.BUY, True),
        (-0.85, 10, Side.BUY, False),
        (0.7, 10, Side.BUY, False),
        (0.71, 10, Side.BUY, True),
        (None, 10, Side.BUY, True),
        (None, -10, Side.BUY, True),
    ],
)
def test_the_sign_counts_and_what_is_not_known_counts_as_moving_along(
    together: float | None, held: int, side: Side, denied: bool
) -> None:
    assert ask(together, silver(held, "3500"), side).limits == (("correlation",) if denied else ())


def test_what_is_not_known_yet_is_said() -> None:
    assert ask(None, silver(10, "3500")).reasons[0].endswith("how XAGUSD correlates is not known yet")


def test_an_entry_that_waits_moves_along_as_well() -> None:
    waiting = Stake(0, SILVER_BID, pending_risk=cash("3500"), pending_buys=10)
    assert ask(0.9, waiting).limits == ("correlation",)
    assert ask(0.9, waiting, Side.SELL).limits == ()


def test_the_largest_that_passes_is_told() -> None:
    verdict = ask(0.9, silver(10, "3500"))
    assert verdict.largest == 150
    assert ask(0.9, silver(10, "3500"), quantity=verdict.largest).approved
    assert not ask(0.9, silver(10, "3500"), quantity=verdict.largest + 1).approved


def test_another_threshold_is_another_limit() -> None:
    assert ask(0.85, silver(10, "3500"), limits=replace(CAPS, correlation=Decimal("0.9"))).approved


def test_where_one_instrument_is_traded_nothing_is_said_of_correlation() -> None:
    verdict = ask(0.9, silver(10, "3500"), alone=True)
    assert verdict.approved
    assert "correlation" not in [line.name for line in verdict.lines]
