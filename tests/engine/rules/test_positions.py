"""Average-cost arithmetic, exact in integers."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from engine.rules.positions import book, share

FILLS = st.lists(st.tuples(st.integers(-500, 500).filter(bool), st.integers(1, 400_000)), min_size=1, max_size=30)
TICK_VALUE = 10_000


@given(st.integers(-(10**15), 10**15), st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_share_is_rounded_half_to_even(basis: int, one: int, other: int) -> None:
    part, whole = min(one, other), max(one, other)
    assert share(basis, part, whole) == round(Fraction(basis * part, whole))


@given(FILLS)
def test_cash_paid_and_cash_booked_agree_to_the_unit(fills: list[tuple[int, int]]) -> None:
    quantity = basis = realised = paid = 0
    for signed, price in fills:
        value = signed * price * TICK_VALUE
        quantity, basis, gained = book(quantity, basis, signed, value)
        realised += gained
        paid += value
        assert paid == basis - realised
    assert quantity == sum(signed for signed, _ in fills)
    assert quantity or not basis


@given(FILLS)
def test_what_is_open_costs_no_more_and_no_less_than_its_fills(fills: list[tuple[int, int]]) -> None:
    """The average of an open position lies between the cheapest and the dearest fill since it was flat."""
    quantity = basis = 0
    since: list[int] = []
    for signed, price in fills:
        before = quantity
        quantity, basis, _ = book(quantity, basis, signed, signed * price * TICK_VALUE)
        through = before * quantity < 0
        since = [price] if through or before == 0 else [*since, price]
        if quantity:
            average = Fraction(abs(basis), abs(quantity) * TICK_VALUE)
            assert min(since) - 1 <= average <= max(since) + 1
            assert (basis > 0) == (quantity > 0)


def test_reducing_leaves_the_average_where_it_was() -> None:
    quantity, basis, realised = book(10, 1_000, -4, -4 * 130)
    assert (quantity, basis, realised) == (6, 600, 120)


def test_a_reversal_through_zero_starts_from_the_fill_s_own_price() -> None:
    quantity, basis, realised = book(10, 1_000, -15, -15 * 130)
    assert (quantity, basis, realised) == (-5, -650, 300)
