"""Frames of finplot and vnpy.chart on the same bars. Imports nothing of the project, so that any interpreter can run it:

python tests/bench/chart_peers.py finplot|vnpy.chart BARS
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

WIDTH, HEIGHT = 1600, 900
VISIBLE = 5000
PAN_BARS = 10
FRAMES, WARM_UP = 60, 5
START_S = 1_577_836_800


def walk(bars: int) -> dict[str, np.ndarray]:
    """Minute bars of a random walk: at (seconds since 1970), open, high, low, close, volume."""
    draw = np.random.default_rng(7)
    close = 1500 + np.cumsum(draw.normal(0, 0.2, bars))
    opened = np.concatenate([[1500.0], close[:-1]])
    high = np.maximum(opened, close) + draw.uniform(0, 0.3, bars)
    low = np.minimum(opened, close) - draw.uniform(0, 0.3, bars)
    at = START_S + 60 * np.arange(bars, dtype=np.int64)
    return {"at": at, "open": opened, "high": high, "low": low, "close": close, "volume": draw.uniform(10, 200, bars)}


def median_ms(step: Callable[[int], None], frames: int = FRAMES) -> float:
    """Median time of `step`, which is told the frame's number."""
    for number in range(WARM_UP):
        step(number)
    taken = []
    for number in range(frames):
        start = time.perf_counter()
        step(number)
        taken.append(time.perf_counter() - start)
    return round(float(np.median(taken)) * 1000, 3)


def finplot(bars: int) -> dict[str, float]:
    import finplot as plot
    import pandas as pd
    from pyqtgraph.Qt import QtGui, QtWidgets

    columns = walk(bars)
    index = pd.to_datetime(columns.pop("at"), unit="s")
    frame = pd.DataFrame({name: columns[name] for name in ("open", "close", "high", "low", "volume")}, index=index)
    axes = plot.create_plot("bench", init_zoom_periods=VISIBLE, maximize=False)
    candles = plot.candlestick_ochl(frame[["open", "close", "high", "low"]], ax=axes)
    volume = plot.volume_ocv(frame[["open", "close", "volume"]], ax=axes.overlay())
    window = plot.windows[0]
    window.resize(WIDTH, HEIGHT)
    plot.show(qt_exec=False)
    image = QtGui.QImage(WIDTH, HEIGHT, QtGui.QImage.Format.Format_RGB32)

    def draw() -> None:
        QtWidgets.QWidget.render(window, image)

    def pan(number: int) -> None:
        axes.vb.pan_x(steps=-PAN_BARS)
        draw()

    def update(number: int) -> None:
        frame.iloc[-1, 1] = frame.iloc[-1, 3] + 0.01 * (number % 3)
        candles.update_data(frame[["open", "close", "high", "low"]])
        volume.update_data(frame[["open", "close", "volume"]])
        draw()

    updated = median_ms(update, 20)
    return {"bars": bars, "pan_ms": median_ms(pan), "update_ms": updated}


def vnpy(bars: int) -> dict[str, float]:
    from PySide6 import QtGui, QtWidgets
    from vnpy.chart import CandleItem, ChartWidget, VolumeItem
    from vnpy.trader.constant import Exchange
    from vnpy.trader.object import BarData

    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    columns = walk(bars)
    names = ("open", "high", "low", "close", "volume")
    start = datetime.fromtimestamp(START_S, UTC)

    def bar(number: int, row: tuple[float, ...]) -> Any:
        opened, high, low, close, volume = row
        at = start + timedelta(minutes=number)
        return BarData("bench", "XAUUSD", Exchange.OTC, at, None, volume, 0, 0, opened, high, low, close)

    history = [bar(number, row) for number, row in enumerate(zip(*(columns[name].tolist() for name in names), strict=True))]
    widget = ChartWidget()
    widget.add_plot("candle", hide_x_axis=True)
    widget.add_plot("volume", maximum_height=200)
    widget.add_item(CandleItem, "candle", "candle")
    widget.add_item(VolumeItem, "volume", "volume")
    widget.resize(WIDTH, HEIGHT)
    widget.show()
    application.processEvents()
    widget.update_history(history)
    widget._bar_count = VISIBLE
    widget.move_to_right()
    application.processEvents()
    image = QtGui.QImage(WIDTH, HEIGHT, QtGui.QImage.Format.Format_RGB32)

    def draw() -> None:
        QtWidgets.QWidget.render(widget, image)

    def pan(number: int) -> None:
        widget._right_ix -= PAN_BARS
        widget._update_x_range()
        draw()

    def update(number: int) -> None:
        last = history[-1]
        last.close_price = last.low_price + 0.01 * (number % 3)
        widget.update_bar(last)
        draw()

    updated = median_ms(update, 20)
    return {"bars": bars, "pan_ms": median_ms(pan), "update_ms": updated}


PEERS = {"finplot": finplot, "vnpy.chart": vnpy}

if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    print(json.dumps(PEERS[sys.argv[1]](int(sys.argv[2]))))
    sys.stdout.flush()
    # their windows and threads need not be taken down in order
    os._exit(0)
