"""The arithmetic of the risk limits."""

from __future__ import annotations

import pytest

from engine.rules.limits import DAILY_LOSS, DRAWDOWN, LEVERAGE, OPEN_RISK, POSITION, WORST_DAY, empty_rows, preview


def rows() -> list[list[float]]:
    out = empty_rows()
    # equity, day start, peak; symbol, risk and gross each before, after and once stopped out; cost, loss
    preview(9_800, 10_000, 12_000, 100, 300, 80, 200, 400, 180, 5_000, 20_000, 4_000, 50, 250, 0, out)
    return out.tolist()


def test_now_is_measured_in_equity_as_it_stands() -> None:
    now = [row[0] for row in rows()]
    assert now[POSITION] == pytest.approx(100 / 9_800)
    assert now[DAILY_LOSS] == pytest.approx(200 / 10_000)
    assert now[WORST_DAY] == pytest.approx((200 + 200) / 10_000)
    assert now[OPEN_RISK] == pytest.approx(200 / 9_800)
    assert now[LEVERAGE] == pytest.approx(5_000 / 9_800)
    assert now[DRAWDOWN] == pytest.approx(2_200 / 12_000)


def test_after_the_fill_its_cost_is_gone_and_its_risk_is_there() -> None:
    after = [row[1] for row in rows()]
    assert after[POSITION] == pytest.approx(300 / 9_750)
    assert after[DAILY_LOSS] == pytest.approx(250 / 10_000)
    assert after[WORST_DAY] == pytest.approx((250 + 400) / 10_000)
    assert after[OPEN_RISK] == pytest.approx(400 / 9_750)
    assert after[LEVERAGE] == pytest.approx(20_000 / 9_750)
    assert after[DRAWDOWN] == pytest.approx(2_250 / 12_000)


def test_after_the_stop_out_the_loss_is_realised_and_what_was_not_closed_is_left() -> None:
    out = [row[2] for row in rows()]
    assert out[DAILY_LOSS] == pytest.approx(500 / 10_000)
    assert out[POSITION] == pytest.approx(80 / 9_500)
    assert out[OPEN_RISK] == pytest.approx(180 / 9_500)
    assert out[LEVERAGE] == pytest.approx(4_000 / 9_500)
    assert out[DRAWDOWN] == pytest.approx(2_500 / 12_000)


def test_an_account_that_lost_everything_does_not_divide_by_zero() -> None:
    out = empty_rows()
    preview(-5, 0, 0, 0, 0, 0, 0, 0, 0, 10, 10, 10, 0, 0, 0, out)
    assert out[LEVERAGE, 0] == 10.0
    assert out[DRAWDOWN, 0] == 5.0
