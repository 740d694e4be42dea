"""Milliseconds a frame while panning and while the last bar changes, beside finplot and vnpy.chart on the same bars."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench import chart_peers
from tests.bench.chart_peers import HEIGHT, PEERS, VISIBLE, WIDTH, median_ms, walk

PATIENCE_S = 600
ROUNDS = 300
PAN_PIXELS = 3
"""A hand drags by whole pixels; at 5,000 bars three are the ten bars the peers are moved by."""


def run(
    bars: int = 1_000_000, busy: AbstractContextManager[object] | None = None, python: str = sys.executable
) -> dict[str, Any]:
    """The figures of the chart and of those peers that the interpreter `python` can import (extra `bench`).

    `busy` keeps the machine busy while it is entered (a replay at full speed, say); the same figures are then
    taken again as `ours_busy`. Frames are 1600 x 900 with 5,000 bars in view, all painted whole.
    """
    ours = measure(bars)
    result: dict[str, Any] = {
        "ours": ours,
        "peers": {name: _peer(python, name, bars) for name in PEERS if _is_installed(python, name)},
    }
    result["ratio"] = {
        figure: round(min(peer[figure] for peer in result["peers"].values()) / ours[figure], 2)
        for figure in ("pan_ms", "update_ms")
        if result["peers"]
    }
    if busy is not None:
        with busy:
            result["ours_busy"] = measure(bars)
    return result


def measure(bars: int) -> dict[str, float]:
    """Our own frames, offscreen, in this process."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QApplication

    from engine.domain.instrument import instrument_of
    from engine.domain.market import Bars
    from widgets import theme
    from widgets.chart.canvas import Canvas
    from widgets.chart.model import ChartModel

    application = QApplication.instance() or QApplication([])
    columns = walk(bars)
    model = ChartModel()
    model.set_instrument(instrument_of("XAUUSD"))
    canvas = Canvas(model, theme.load("dark"))
    canvas.resize(WIDTH, HEIGHT)
    canvas.arrange()
    opened, high, low, close, volume = (columns[name] for name in ("open", "high", "low", "close", "volume"))
    model.set_bars(Bars(columns["at"] * 1_000_000_000, opened, high, low, close, volume, np.zeros(bars)))
    model.view.bar = model.view.width / VISIBLE
    model.view.end()
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)

    def update(number: int) -> None:
        last = model.series.row(model.series.count - 1)
        model.update_last(last._replace(close=last.low + 0.01 * (number % 3)))
        canvas.render(image)

    def pan(_number: int) -> None:
        model.view.pan(PAN_PIXELS)
        canvas.render(image)

    updated = median_ms(update, ROUNDS)
    figures = {"bars": bars, "pan_ms": median_ms(pan, ROUNDS), "update_ms": updated}
    application.processEvents()
    return figures


def _is_installed(python: str, name: str) -> bool:
    question = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({name.split('.')[0]!r}) is None)"
    return subprocess.run([python, "-c", question], check=False).returncode == 0


def _peer(python: str, name: str, bars: int) -> dict[str, float]:
    """A peer in its own process: finplot brings another Qt binding, and both change global settings."""
    command = [python, str(Path(chart_peers.__file__)), name, str(bars)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, env=environment, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])
