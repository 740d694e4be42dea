"""One order weighed whole, and the tail of a book, by the arithmetic alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine.domain.market import Floats
from engine.rules.limits import (
    LEVERAGE,
    MARGIN,
    OPEN_RISK,
    POSITION,
    SHORTFALL,
    VALUE_AT_RISK,
    WORST_DAY,
    empty_rows,
    tell,
    weigh,
)
from engine.rules.var import HISTORICAL, LARGER, PARAMETRIC, tails

ORDER = {"side": 1, "price": 1_000, "spread": 10, "stop": 900, "has_stop": True, "quantity": 5, "closing": 0, "slippage": 2}
TERMS = {"tick_value": 10, "fee_per_step": 3, "fee_ppm": 0}
STAKE = {"risk": 400, "risk_kept": 400, "notional": 9_000, "notional_kept": 9_000, "pending_risk": 50, "pending_notional": 1_000}
BOOK = {"equity": 100_000, "day_start": 100_000, "peak": 100_000, "book_risk": 1_000, "book_gross": 30_000, "kin": 0}


def weighed(**changes: object) -> tuple[int, int, Floats]:
    rows = empty_rows()
    given = {**ORDER, **TERMS, **STAKE, **BOOK, "by_risk": True, "margin": 5_000.0, "margin_rate": 0.1, "out": rows, **changes}
    cost, loss = weigh(*given.values())
    return cost, loss, rows


def test_an_order_costs_its_spread_and_fee_and_loses_the_way_to_its_stop_with_slippage() -> None:
    cost, loss, rows = weighed()
    assert cost == 5 * 3 + 5 * 10 * 10
    assert loss == 5 * (90 + 2) * 10
    filled = 100_000 - cost
    assert rows[POSITION].tolist() == pytest.approx([450 / 100_000, (450 + loss) / filled, 450 / (filled - loss)])
    assert rows[OPEN_RISK].tolist() == pytest.approx([1_000 / 100_000, (1_000 + loss) / filled, 1_000 / (filled - loss)])
    assert rows[LEVERAGE, 1] == pytest.approx((30_000 + 5 * 990 * 10) / filled)
    assert rows[WORST_DAY, 1] == pytest.approx((cost + 1_000 + loss) / 100_000)
    assert rows[MARGIN].tolist() == pytest.approx([0.05, (5_000 + 0.1 * 5 * 990 * 10) / filled, 5_000 / (filled - loss)])


def test_what_closes_opens_nothing() -> None:
    cost, loss, rows = weighed(closing=5, risk_kept=0, notional_kept=0)
    assert (cost, loss) == (15, 0)
    assert rows[POSITION, 1] == rows[POSITION, 2] == pytest.approx(50 / 99_985)
    assert rows[LEVERAGE, 1] == pytest.approx(21_000 / 99_985)


def test_by_notional_the_position_is_what_it_is_worth() -> None:
    _, _, rows = weighed(by_risk=False)
    assert rows[POSITION, 0] == pytest.approx(10_000 / 100_000)


def test_caps_are_counted_where_the_fill_is_over_them() -> None:
    rows = empty_rows()
    rows[POSITION], rows[LEVERAGE] = (0.0, 0.5, 9.0), (0.0, 2.0, 0.0)
    capped = np.array([POSITION, POSITION, LEVERAGE], np.int64)
    told = np.zeros((3, 3))
    assert tell(rows, capped, np.array([0.5, 0.4, 1.9]), told) == 2
    assert tell(rows, capped, np.array([0.5, 0.5, 2.0]), told) == 0
    assert told.T.tolist() == [[0.0, 0.5, 9.0], [0.0, 0.5, 9.0], [0.0, 2.0, 0.0]]


RETURNS = np.array([[-0.1, 0.2, -0.3, 0.0, 9.0], [0.0, 0.0, 0.1, -0.4, 9.0]])


def tail(method: int, places: int = 2, after: float = 0.0) -> Floats:
    """Of four known scenarios: 100 of the first instrument and 100 of the second held now, of the first `after` then."""
    rows = empty_rows()
    tails(
        RETURNS,
        np.array([100.0, 100.0]),
        0,
        after,
        100.0,
        4,
        places,
        1.0,
        2.0,
        3.0,
        method,
        1_000,
        0,
        500,
        rows,
        np.empty(4),
        np.empty(2),
        False,
    )
    return rows[[VALUE_AT_RISK, SHORTFALL]]


def test_the_historical_tail_is_of_the_worst_scenarios_of_the_book_together() -> None:
    found = tail(HISTORICAL)  # losses now: 10, -20, 20, 40
    assert found[:, 0] == pytest.approx([0.020, 0.030])
    assert found[:, 1] == pytest.approx([0.0, 0.020])  # the second alone: 0, 0, -10, 40
    assert found[:, 2] == pytest.approx([0.040, 0.060])


def test_a_book_that_never_lost_has_no_tail_but_a_deviation() -> None:
    rows = empty_rows()
    gains = np.array([[0.1, 0.2, 0.1]])
    tails(
        gains,
        np.array([100.0]),
        0,
        100.0,
        100.0,
        3,
        1,
        1.0,
        2.0,
        3.0,
        HISTORICAL,
        1_000,
        0,
        0,
        rows,
        np.empty(3),
        np.empty(2),
        False,
    )
    assert not rows[[VALUE_AT_RISK, SHORTFALL]].any()
    tails(
        gains, np.array([100.0]), 0, 100.0, 100.0, 3, 1, 1.0, 2.0, 3.0, LARGER, 1_000, 0, 0, rows, np.empty(3), np.empty(2), False
    )
    assert rows[VALUE_AT_RISK, 0] == pytest.approx(2.0 * np.sqrt((100 + 400 + 100) / 3) / 1_000)


def test_the_parametric_tail_is_so_many_deviations() -> None:
    deviation = np.sqrt((100 + 400 + 400 + 1_600) / 4)
    assert tail(PARAMETRIC)[:, 0] == pytest.approx([2 * deviation / 1_000, 3 * deviation / 1_000])
