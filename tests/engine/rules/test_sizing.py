"""How much to trade."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.sizing import by_risk, default_stop, loss_per_step

SIDES = st.sampled_from([1, -1])


@given(st.integers(-1_000, 10**12), st.integers(-1_000, 10**9))
def test_the_size_by_risk_stays_within_the_budget_and_one_more_would_not(budget: int, loss: int) -> None:
    steps = by_risk(budget, loss)
    if loss <= 0 or budget <= 0:
        assert steps == 0
    else:
        assert steps * loss <= budget < (steps + 1) * loss


def test_the_loss_of_a_step_counts_the_slippage_and_the_costs() -> None:
    assert loss_per_step(1, 1_000, 900, 5, 10, 7) == 1_057
    assert loss_per_step(-1, 1_000, 1_100, 5, 10, 7) == 1_057


def test_a_stop_beyond_the_entry_loses_the_costs_at_least() -> None:
    assert loss_per_step(1, 1_000, 1_100, 5, 10, 7) == 7


@given(SIDES, st.integers(1_000, 10**6), st.integers(0, 300), st.integers(1, 3_000))
def test_a_default_stop_lies_at_least_a_tick_on_the_losing_side(side: int, entry: int, atr: int, per_mille: int) -> None:
    assert (entry - default_stop(side, entry, atr, per_mille)) * side == max(1, atr * per_mille // 1000)
