from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint

from engine.core.clock import MINUTE
from engine.domain.views import Gauge
from tests.widgets import samples
from tests.widgets.pointer import hover
from widgets.format import Display
from widgets.gauges import curve as curves
from widgets.gauges.bar import Bar, level
from widgets.gauges.curve import Curve
from widgets.gauges.equity import EquityCurve
from widgets.gauges.limits import LimitGauges

GAUGES = (
    Gauge("daily_loss", 0.005, 0.02, "ok", "Lost 0.5 % of 2 %."),
    Gauge("worst_day", 0.0168, 0.02, "warn", "All stops would cost 1.68 %."),
    Gauge("leverage", 0.96, 3.0, "ok", "96 % of equity."),
)


@pytest.mark.parametrize(("share", "word"), [(0.0, "ok"), (0.75, "ok"), (0.76, "warn"), (1.0, "trip"), (3.0, "trip")])
def test_a_limit_warns_above_three_quarters_and_trips_when_full(share, word):
    assert level(share) == word


def test_the_tightest_limit_is_the_one_number(qtbot, dark):
    panel = LimitGauges(dark)
    qtbot.addWidget(panel)
    panel.show_gauges(GAUGES, samples.ACCOUNT)
    state = panel.state()
    assert state["headline"] == "84\u00a0%"
    assert panel.subject.text() == "of worst day, the tightest limit"
    assert state["rows"][1] == ["worst day", "1.68\u00a0%", "of 2\u00a0%", "near"]
    assert state["rows"][2] == ["leverage", "0.96×", "of 3.00×", ""]
    assert "Open risk 480.00 USD" in state["figures"]


def test_fewer_limits_leave_no_ghosts(qtbot, dark):
    panel = LimitGauges(dark)
    qtbot.addWidget(panel)
    panel.show_gauges(GAUGES)
    panel.show_gauges(GAUGES[:1])
    assert len(panel.state()["rows"]) == 1
    panel.show_gauges(())
    assert panel.state()["headline"] == ""
    assert not panel.empty.isHidden()


def test_a_bar_is_repainted_only_when_it_changes(qtbot, dark):
    bar = Bar(dark)
    qtbot.addWidget(bar)
    bar.resize(80, 8)
    empty = bar.grab().toImage()
    bar.show_shares(0.5, 0.9)
    half = bar.grab().toImage()
    assert half != empty
    bar.show_shares(0.5, 0.9)
    assert bar.grab().toImage() == half


def test_the_equity_curve_says_where_it_stands(qtbot, dark):
    panel = EquityCurve(dark)
    qtbot.addWidget(panel)
    assert not panel.empty.isHidden()
    at = samples.NOW + np.arange(3) * MINUTE
    panel.set_curve(at, np.array([100_000.0, 101_000.0, 100_500.0]))
    panel.set_display(Display("Asia/Bangkok"))
    state = panel.state()
    assert state["headline"] == "100,500.00 USD"
    assert state["change"] == "+500.00 (+0.50\u00a0%) since the start"
    assert state["last"] == "2026-11-20 14:05:12 Bangkok  100,500.00  drawdown 0.50\u00a0%"


def test_the_equity_curve_grows_and_shows_the_value_under_the_pointer(qtbot, dark):
    panel = EquityCurve(dark)
    qtbot.addWidget(panel)
    panel.resize(600, 300)
    panel.show()
    for number in range(50):
        panel.append(samples.NOW + number * MINUTE, 100_000.0 + number)
    before = panel.plot.grab().toImage()
    hover(panel.plot, QPoint(200, 50))
    qtbot.waitUntil(lambda: panel.plot._hover is not None, timeout=30_000)
    assert panel.plot.grab().toImage() != before


def drawdown(curve: Curve) -> float:
    n = len(curve)
    return float(curve.peak[n - 1] - curve.last[n - 1])


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=200), st.integers(0, 200))
def test_a_curve_taken_whole_or_grown_keeps_its_extremes(values, cut):
    original = curves.BUCKETS
    equity, at = np.array(values), samples.NOW + np.arange(len(values))
    cut = min(cut, len(values))
    curve = Curve()
    curve.replace(at[:cut], equity[:cut])
    for when, value in zip(at[cut:].tolist(), values[cut:], strict=True):
        curve.append(when, value)
    n = len(curve)
    assert n <= original
    assert curve.high[:n].max() == equity.max()
    assert curve.low[:n].min() == equity.min()
    assert curve.last[n - 1] == equity[-1]
    assert drawdown(curve) == equity.max() - equity[-1]
    assert curve.until == at[-1]


def test_a_long_curve_stays_within_its_buckets():
    rng = np.random.default_rng(3)
    equity = 100_000 + np.cumsum(rng.normal(0, 1, 50_000))
    at = np.arange(50_000, dtype=np.int64)
    whole, grown = Curve(), Curve()
    whole.replace(at, equity)
    for when, value in zip(at.tolist(), equity.tolist(), strict=True):
        grown.append(when, value)
    for curve in (whole, grown):
        n = len(curve)
        assert curves.BUCKETS // 4 < n <= curves.BUCKETS
        assert curve.high[:n].max() == equity.max()
        assert curve.low[:n].min() == equity.min()
        assert (np.diff(curve.at[:n]) > 0).all()
        assert (np.diff(curve.peak[:n]) >= 0).all()
