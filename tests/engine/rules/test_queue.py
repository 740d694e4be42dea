"""Where a resting limit order stands in its queue."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.queue import shown, traded

STEPS = st.integers(0, 1_000_000)


def test_a_trade_uses_up_what_is_ahead_before_it_reaches_the_order() -> None:
    assert [traded(5, steps) for steps in (3, 5, 8)] == [(2, 0), (0, 0), (0, 3)]


def test_no_more_is_ahead_than_is_shown() -> None:
    assert [shown(5, size) for size in (9, 5, 2)] == [5, 5, 2]


@given(STEPS, STEPS)
def test_a_trade_is_shared_between_the_queue_and_the_order_to_the_step(ahead: int, steps: int) -> None:
    left, reaching = traded(ahead, steps)
    assert (ahead - left) + reaching == steps
    assert min(left, reaching) >= 0
