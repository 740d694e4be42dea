"""The chart as a trader uses it: a real widget, real events."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QHelpEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from engine.core.clock import MINUTE, from_iso
from engine.domain.instrument import instrument_of
from engine.domain.market import Bars
from engine.domain.order import OrderType, Side
from tests.widgets.pointer import hover
from widgets import theme
from widgets.chart import ChartWidget, FillMark, PriceLine, SignalMark
from widgets.chart.paint.lines import last_price_height

START = from_iso("2026-03-02T00:00Z")

# what the offscreen platform says of itself whenever a window or menu is shown
pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)


def walk(n: int = 2000) -> Bars:
    draw = np.random.default_rng(11)
    close = (1900 + np.cumsum(draw.normal(0, 0.4, n))).round(2)
    opened = np.concatenate([[1900.0], close[:-1]])
    high, low = np.maximum(opened, close) + 0.1, np.minimum(opened, close) - 0.1
    at = START + np.arange(n, dtype=np.int64) * MINUTE
    return Bars(at, opened, high, low, close, np.full(n, 10.0), np.full(n, 0.2))


@pytest.fixture
def chart(qtbot):
    widget = ChartWidget(theme.load("dark"))
    qtbot.addWidget(widget)
    widget.resize(1000, 640)
    widget.set_instrument(instrument_of("XAUUSD"))
    widget.set_bars(walk())
    widget.show()
    widget.surface.setFocus()
    widget.grab()
    return widget


def wheel(surface, at: QPoint, steps: int, sideways: int = 0) -> None:
    event = QWheelEvent(
        QPointF(at), QPointF(surface.mapToGlobal(at)), QPoint(), QPoint(sideways * 120, steps * 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(surface, event)
    surface.grab()


def drag(surface, start: QPoint, end: QPoint, release: bool = True) -> None:
    QTest.mousePress(surface, Qt.MouseButton.LeftButton, pos=start)
    for part in (0.3, 0.7, 1.0):
        QTest.mouseMove(surface, start + (end - start) * part)
    if release:
        QTest.mouseRelease(surface, Qt.MouseButton.LeftButton, pos=end)
    surface.grab()


def height_of(chart, ticks: int) -> int:
    return round(chart.model.price_pane.scale.y(chart.model.price(ticks)))


def ticks_at(chart, share: float) -> int:
    """A price in view, `share` of the way from the bottom up."""
    scale = chart.model.price_pane.scale
    return chart.model.ticks(scale.low + (scale.high - scale.low) * share)


def shows(chart, token: str, rect=None) -> bool:
    """Whether the colour of `token` is somewhere in the picture."""
    image = chart.surface.grab(rect).toImage() if rect else chart.surface.grab().toImage()
    wanted = QColor(getattr(theme.load("dark"), token)).rgb()
    return any(image.pixel(x, y) == wanted for x in range(image.width()) for y in range(0, image.height(), 1))


def test_the_newest_bar_is_in_view_at_first(chart):
    state = chart.state()
    assert state["visible"]["times"][1] == "2026-03-03T09:19:00Z"
    assert state["bars"] == 2000
    assert shows(chart, "up")
    assert shows(chart, "down")


def test_the_wheel_zooms_about_the_pointer(chart):
    view, at = chart.model.view, QPoint(300, 200)
    place, before = view.place(300), view.visible
    wheel(chart.surface, at, 3)
    assert view.visible < before
    assert view.place(300) == pytest.approx(place)
    wheel(chart.surface, at, -3)
    assert view.visible == pytest.approx(before)


def test_a_sideways_wheel_pans(chart):
    right = chart.model.view.right
    wheel(chart.surface, QPoint(300, 200), 0, sideways=1)
    assert chart.model.view.right < right


def test_dragging_the_plot_pans_with_the_hand(chart):
    place = chart.model.view.place(400)
    drag(chart.surface, QPoint(400, 200), QPoint(600, 200))
    assert chart.model.view.place(600) == pytest.approx(place)
    assert chart.model.price_pane.auto


def test_dragging_the_price_axis_scales_it_and_a_double_click_resets(chart):
    scale = chart.model.price_pane.scale
    span, x = scale.high - scale.low, chart.surface.width() - 20
    drag(chart.surface, QPoint(x, 200), QPoint(x, 300))
    assert scale.high - scale.low > span * 1.2
    assert not chart.header.auto.isChecked()
    QTest.mouseDClick(chart.surface, Qt.MouseButton.LeftButton, pos=QPoint(x, 200))
    chart.grab()
    assert scale.high - scale.low == pytest.approx(span)
    assert chart.header.auto.isChecked()


def test_with_its_own_scale_the_plot_moves_up_and_down_too(chart):
    chart.set_auto_scale(False)
    scale = chart.model.price_pane.scale
    value = scale.value(200)
    drag(chart.surface, QPoint(400, 200), QPoint(400, 260))
    assert scale.value(260) == pytest.approx(value)


def test_dragging_the_time_axis_zooms_and_a_double_click_resets(chart):
    bar, y = chart.model.view.bar, chart.surface.height() - 8
    drag(chart.surface, QPoint(300, y), QPoint(400, y))
    assert chart.model.view.bar > bar
    QTest.mouseDClick(chart.surface, Qt.MouseButton.LeftButton, pos=QPoint(300, y))
    assert chart.model.view.bar == bar


def test_the_keys_move_and_zoom(chart):
    view, press = chart.model.view, lambda key: QTest.keyClick(chart.surface, key)
    right, bar = view.right, view.bar
    press(Qt.Key.Key_Left)
    assert view.right < right
    press(Qt.Key.Key_Right)
    assert view.right == pytest.approx(right)
    press(Qt.Key.Key_Plus)
    assert view.bar > bar
    press(Qt.Key.Key_Minus)
    assert view.bar == pytest.approx(bar)
    press(Qt.Key.Key_Home)
    assert view.range()[0] == 0
    press(Qt.Key.Key_End)
    assert view.range()[1] == 2000
    press(Qt.Key.Key_Up)
    assert not chart.model.price_pane.auto
    press(Qt.Key.Key_0)
    assert chart.model.price_pane.auto


def test_letters_switch_magnet_and_automatic_scale(chart, qtbot):
    qtbot.waitExposed(chart)
    chart.activateWindow()
    chart.surface.setFocus()
    qtbot.waitUntil(chart.surface.hasFocus)
    QTest.keyClick(chart.surface, Qt.Key.Key_M)
    assert chart.surface.magnet
    QTest.keyClick(chart.surface, Qt.Key.Key_A)
    assert not chart.model.price_pane.auto


def test_a_new_bar_moves_the_chart_on_when_the_newest_is_in_view(chart):
    last, right = chart.model.series.row(1999), chart.model.view.right
    chart.append_bar(last._replace(at=last.at + MINUTE))
    assert chart.model.view.right == right + 1


def test_a_new_bar_leaves_the_past_where_it_is(chart):
    chart.show_time(START + 500 * MINUTE)
    last, right = chart.model.series.row(1999), chart.model.view.right
    chart.append_bar(last._replace(at=last.at + MINUTE))
    assert chart.model.view.right == right


def test_a_live_price_shows_in_the_legend_and_on_the_axis(chart):
    last = chart.model.series.row(1999)
    chart.update_last(last._replace(close=last.high, volume=77.0))
    legend = chart.state()["legend"][0]
    assert f"C {last.high:,.2f}" in legend
    assert "Vol 77" in legend


def test_the_kept_picture_and_a_fresh_one_are_the_same(chart):
    chart.show_indicator("EMA 20")
    chart.show_indicator("MACD 12 26 9")
    for bar in (0.3, 1.5, 7.0):
        chart.model.view.bar = bar
        chart.model.view.end()
        fresh = chart.surface.grab().toImage()
        kept = [chart.surface.grab().toImage() for _ in range(3)]
        assert all(image == fresh for image in kept)


def test_the_crosshair_reads_the_bar_under_the_pointer(chart):
    hover(chart.surface, QPoint(300, 200))
    index = int(chart.model.view.place(300))
    bar = chart.model.series.row(index)
    legend = chart.state()["legend"]
    assert f"O {bar.open:,.2f}" in legend[0]
    assert "2026" in legend[-1]


def test_the_magnet_snaps_to_a_price_of_the_bar(chart):
    chart.set_magnet(True)
    index = int(chart.model.view.place(300))
    high = chart.model.series.row(index).high
    hover(chart.surface, QPoint(300, round(chart.model.price_pane.scale.y(high)) - 5))
    chart.grab()
    assert chart.surface.frame.cursor.y() == pytest.approx(chart.model.price_pane.scale.y(high), abs=1)


def test_times_are_those_of_the_chosen_zone(chart):
    chart.set_zone("Asia/Bangkok")
    hover(chart.surface, QPoint(300, 200))
    assert "Tue 3 Mar 2026 1" in chart.state()["legend"][-1]


def test_an_unknown_zone_is_refused(chart):
    with pytest.raises(KeyError):
        chart.set_zone("Mars/Olympus")


def test_indicators_come_and_go_by_the_menu(chart):
    chart.header.indicators["RSI 14"].setChecked(True)
    chart.header.indicators["VWAP"].setChecked(True)
    state = chart.state()
    assert state["panes"] == ["price", "RSI 14"]
    assert any(line.startswith("RSI 14") for line in state["legend"])
    chart.header.indicators["RSI 14"].setChecked(False)
    assert chart.state()["panes"] == ["price"]


def test_timeframe_buttons_only_ask(chart, qtbot):
    with qtbot.waitSignal(chart.timeframe_chosen) as asked:
        QTest.mouseClick(chart.header.timeframes["H1"], Qt.MouseButton.LeftButton)
    assert asked.args == ["H1"]
    assert chart.state()["timeframe"] == "M1"


def test_every_button_says_what_it_does_and_can_be_reached_by_tab(chart):
    for button in (*chart.header.timeframes.values(), chart.header.magnet, chart.header.auto, chart.header.reset):
        assert "(" in button.toolTip()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_click_on_a_signal_names_it(chart, qtbot):
    mark = SignalMark(START + 1950 * MINUTE, Side.BUY, 0.63, 190_000, "waiting", "s-1", "LONG 0.63")
    chart.set_marks((mark,))
    chart.grab()
    rect, _ = chart.surface.frame.mark_hits[0]
    with qtbot.waitSignal(chart.mark_clicked) as clicked:
        QTest.mouseClick(chart.surface, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
    assert clicked.args == ["s-1"]
    assert shows(chart, "gold", rect.toRect())


def test_hovering_a_mark_shows_its_words(chart, qtbot):
    chart.set_marks((FillMark(START + 1990 * MINUTE, Side.SELL, ticks_at(chart, 0.5), "f-1", "sold 0.40"),))
    chart.grab()
    at = chart.surface.frame.mark_hits[0][0].center().toPoint()
    QApplication.sendEvent(chart.surface, QHelpEvent(QHelpEvent.Type.ToolTip, at, chart.surface.mapToGlobal(at)))
    assert QToolTip.text() == "sold 0.40"
    QToolTip.hideText()


@pytest.mark.parametrize("price", [190_000, 150_000])
def test_hovering_a_lines_label_explains_it_in_view_and_at_the_edge(chart, qtbot, price):
    chart.set_lines((PriceLine("l", "warn", price, "position cap", tooltip="The loss at the stop grows to the cap."),))
    chart.grab()
    at = chart.surface.frame.labels[0][0].center().toPoint()
    QApplication.sendEvent(chart.surface, QHelpEvent(QHelpEvent.Type.ToolTip, at, chart.surface.mapToGlobal(at)))
    assert QToolTip.text() == "The loss at the stop grows to the cap."
    QToolTip.hideText()


@pytest.mark.parametrize("above", [True, False])
def test_labels_of_lines_out_of_view_lie_on_no_other_label_nor_on_the_legend(chart, above):
    far = 900_000 if above else 1_000
    scale = chart.model.price_pane.scale
    edge = round(float(scale.value(scale.top + 3 if above else scale.top + scale.height - 3)) * 100)
    lines = [PriceLine(f"l{n}", "warn", far + n, f"a limit of some length {n}") for n in range(3)]
    chart.set_lines((PriceLine("stop", "stop", edge, "stop", "−496.00 USD", movable=True, symbol="XAUUSD"), *lines))
    chart.grab()
    labels = [rect for rect, _ in chart.surface.frame.labels]
    assert len(labels) == 4
    assert not any(one.intersects(other) for n, one in enumerate(labels) for other in labels[:n])
    assert len({rect.right() for rect in labels}) == 1


def test_marks_stay_on_their_bars_when_the_timeframe_changes(chart):
    chart.set_marks((SignalMark(START + 1950 * MINUTE, Side.SELL, 0.6, 190_000, "vetoed", "s-2"),))
    bars = walk()
    chart.set_bars(Bars(*(getattr(bars, name)[::5] for name in ("at", "open", "high", "low", "close", "volume", "spread"))))
    assert chart.model.mark_bars.tolist() == [390]


def test_dragging_an_order_asks_for_its_new_price(chart, qtbot):
    price, wanted = ticks_at(chart, 0.4), ticks_at(chart, 0.6)
    chart.set_lines((PriceLine("o-1", "order", price, "Buy limit 0.20", movable=True, side=Side.BUY, symbol="XAUUSD"),))
    chart.set_money(lambda line, ticks: f"{ticks - line.price:+d} ticks")
    chart.grab()
    start, end = QPoint(300, height_of(chart, price)), QPoint(300, height_of(chart, wanted))
    drag(chart.surface, start, end, release=False)
    assert chart.surface.drag_text.startswith("+")
    with qtbot.waitSignal(chart.order_moved) as moved:
        QTest.mouseRelease(chart.surface, Qt.MouseButton.LeftButton, pos=end)
    assert moved.args[0] == "o-1"
    assert moved.args[1] == pytest.approx(wanted, abs=3)
    assert chart.model.lines["o-1"].price == price


@pytest.mark.parametrize("kind", ["stop", "target"])
def test_dragging_a_stop_or_target_asks_for_protection(chart, qtbot, kind):
    price, wanted = ticks_at(chart, 0.5), ticks_at(chart, 0.7)
    chart.set_lines((PriceLine(kind, kind, price, kind, movable=True, symbol="XAUUSD"),))
    chart.grab()
    with qtbot.waitSignal(chart.protection_moved) as moved:
        drag(chart.surface, QPoint(300, height_of(chart, price)), QPoint(300, height_of(chart, wanted)))
    symbol, stop, target = moved.args
    assert symbol == "XAUUSD"
    assert (target if kind == "target" else stop) == pytest.approx(wanted, abs=3)
    assert (stop if kind == "target" else target) is None


def test_escape_gives_up_a_drag(chart, qtbot):
    price = ticks_at(chart, 0.5)
    chart.set_lines((PriceLine("stop", "stop", price, "Stop", movable=True, symbol="XAUUSD"),))
    chart.grab()
    drag(chart.surface, QPoint(300, height_of(chart, price)), QPoint(300, 100), release=False)
    QTest.keyClick(chart.surface, Qt.Key.Key_Escape)
    with qtbot.assertNotEmitted(chart.protection_moved):
        QTest.mouseRelease(chart.surface, Qt.MouseButton.LeftButton, pos=QPoint(300, 100))


def test_a_line_that_may_not_move_pans_instead(chart, qtbot):
    price = ticks_at(chart, 0.5)
    chart.set_lines((PriceLine("l", "trip", price, "daily loss 2 %"),))
    chart.grab()
    right = chart.model.view.right
    with qtbot.assertNotEmitted(chart.order_moved):
        drag(chart.surface, QPoint(500, height_of(chart, price)), QPoint(600, 100))
    assert chart.model.view.right < right


def test_a_limit_out_of_view_is_an_arrow_at_the_edge(chart):
    far = PriceLine("l", "trip", 150_000, "drawdown 15 %")
    chart.set_lines((far,))
    edge = chart.surface.rect().adjusted(500, 520, -80, -22)
    assert shows(chart, "trip", edge)
    assert chart.surface.frame.tags == []


def test_the_same_lines_again_change_nothing(chart):
    lines = (PriceLine("l", "warn", 190_000, "position 5 %"),)
    assert chart.model.set_lines(lines)
    assert not chart.model.set_lines(lines)


def test_the_menu_offers_what_makes_sense_at_its_price(chart, qtbot):
    last = height_of(chart, chart.model.ticks(chart.model.series.row(1999).close))
    above, below = (chart.surface.order_menu(QPointF(300, last + offset)) for offset in (-60, 60))
    assert [action.text().split(" at ")[0] for action in above.actions()[:2]] == ["Sell limit", "Buy stop"]
    assert [action.text().split(" at ")[0] for action in below.actions()[:2]] == ["Buy limit", "Sell stop"]
    with qtbot.waitSignal(chart.order_requested) as asked:
        below.actions()[0].trigger()
    side, kind, ticks = asked.args
    assert (side, kind) == (Side.BUY, OrderType.LIMIT)
    assert ticks == pytest.approx(chart.model.ticks(chart.model.price_pane.scale.value(last + 60)), abs=1)


def test_a_right_click_opens_the_menu(chart, qtbot):
    at = QPoint(300, 200)
    QApplication.sendEvent(chart.surface, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, chart.surface.mapToGlobal(at)))
    menu = QApplication.activePopupWidget()
    assert menu.actions()[-1].text().startswith("Reset view")
    menu.close()


def test_an_empty_chart_says_what_would_fill_it(qtbot):
    widget = ChartWidget(theme.load("light"))
    qtbot.addWidget(widget)
    widget.resize(600, 400)
    widget.set_empty_text("No bars of XAUUSD yet: import a file or start the simulated market")
    state = widget.state()
    assert "import a file" in state["empty_text"]
    assert state["last_bar"] is None
    wheel(widget.surface, QPoint(100, 100), 2)
    drag(widget.surface, QPoint(100, 100), QPoint(200, 150))
    bars = walk(1)
    widget.append_bar(bars.row(0))
    assert widget.state()["bars"] == 1


def test_badges_and_probabilities_are_part_of_the_state(chart):
    bars = walk()
    chart.set_badges((("SIMULATED", "warn"), ("PAPER", "paper")))
    chart.set_probabilities(bars.at[-100:], np.full(100, 0.6), np.full(100, 0.2))
    state = chart.state()
    assert state["badges"] == ["SIMULATED", "PAPER"]
    assert state["panes"] == ["price", "Probability"]
    assert shows(chart, "warn")
    chart.set_probabilities(np.empty(0, np.int64), np.empty(0), np.empty(0))
    assert chart.state()["panes"] == ["price"]


def test_the_countdown_runs_to_the_close_of_the_bar(chart):
    last = int(chart.model.series.at[1999])
    chart.set_now(last + 15 * 1_000_000_000)
    assert chart.surface.countdown == "00:45"
    chart.set_now(last + MINUTE)
    assert chart.surface.countdown == ""


def test_the_theme_can_change_while_the_chart_is_open(chart):
    chart.set_theme(theme.load("light"))
    image = chart.surface.grab().toImage()
    assert QColor(image.pixel(2, chart.surface.height() - 60)).name().upper() != theme.load("dark").bg0
    assert QColor(image.pixel(chart.surface.width() - 2, 2)).name().upper() == theme.load("light").bg0


def test_another_timeframe_shows_the_same_time(chart):
    chart.show_time(START + 500 * MINUTE)
    bars = walk()
    fives = Bars(*(getattr(bars, name)[::5] for name in ("at", "open", "high", "low", "close", "volume", "spread")))
    chart.set_bars(fives)
    view = chart.model.view
    assert view.right - view.visible / 2 == pytest.approx(100, abs=1.5)


def test_an_empty_chart_shows_how_far_its_filling_has_come(qtbot):
    widget = ChartWidget(theme.load("dark"))
    qtbot.addWidget(widget)
    widget.resize(800, 500)
    gold = QColor(theme.load("dark").gold)

    def filled(share: float) -> int:
        widget.set_empty_text("Getting ready", share)
        image = widget.surface.grab().toImage()
        return sum(image.pixelColor(x, y) == gold for x in range(image.width()) for y in range(200, 300))

    assert 0 == filled(0.0) < filled(0.25) < filled(1.0)


def test_another_symbol_starts_empty(chart):
    chart.set_lines((PriceLine("l", "warn", 190_000, "position 5 %"),))
    chart.set_auto_scale(False)
    chart.set_instrument(instrument_of("EURUSD"))
    state = chart.state()
    assert (state["bars"], state["lines"]) == (0, [])
    assert chart.header.auto.isChecked()


def test_an_order_that_went_away_under_the_hand_is_not_moved(chart, qtbot):
    price = ticks_at(chart, 0.5)
    chart.set_lines((PriceLine("o-1", "order", price, "Buy limit", movable=True),))
    chart.grab()
    drag(chart.surface, QPoint(300, height_of(chart, price)), QPoint(300, 100), release=False)
    chart.set_lines(())
    with qtbot.assertNotEmitted(chart.order_moved):
        QTest.mouseRelease(chart.surface, Qt.MouseButton.LeftButton, pos=QPoint(300, 100))


@pytest.mark.parametrize("bar", [0.3, 1.0, 2.0, 7.0, 20.0])
def test_a_picture_scrolled_by_hand_equals_one_painted_anew(chart, bar):
    for name in ("EMA 20", "VWAP", "RSI 14", "MACD 12 26 9"):
        chart.show_indicator(name)
    view = chart.model.view
    view.bar = bar
    chart.show_time(START + 1500 * MINUTE)
    chart.grab()
    for pane in chart.model.panes:
        pane.auto = False
    for pixels in (0, 0, 3, 50, -7, 120, -40, 1, -200):
        view.pan(pixels)
        scrolled = pixels_of(chart)
    chart.set_theme(theme.load("light"))
    chart.grab()
    chart.set_theme(theme.load("dark"))
    # a line cut by the edge of the view or of the strip is rounded a little differently by Qt
    assert (scrolled != pixels_of(chart)).mean() < 5e-4


def pixels_of(chart) -> np.ndarray:
    image = chart.surface.grab().toImage()
    return np.frombuffer(image.constBits(), np.uint32).copy()


def test_letters_mean_the_chart_only_while_it_has_the_focus(chart, qtbot):
    qtbot.waitExposed(chart)
    chart.activateWindow()
    chart.header.reset.setFocus()
    qtbot.waitUntil(chart.header.reset.hasFocus)
    QTest.keyClick(chart.header.reset, Qt.Key.Key_M)
    assert not chart.surface.magnet


def test_the_tag_of_a_price_in_doubt_is_grey_and_says_why(chart):
    height = last_price_height(chart.surface.frame)
    at = QPoint(round(chart.surface.panes.plot + 8), round(height))
    grey = QColor(theme.load("dark").text2)
    assert chart.grab().toImage().pixelColor(chart.surface.mapTo(chart, at - QPoint(3, 0))) != grey
    chart.set_doubt("the last price of XAUUSD is 90 s old")
    assert chart.grab().toImage().pixelColor(chart.surface.mapTo(chart, at - QPoint(3, 0))) == grey
    assert chart.surface._told_at(QPointF(at)) == "The last price of XAUUSD is 90 s old."
    chart.set_doubt("")
    assert chart.surface._told_at(QPointF(at)) == ""
