"""Opens the terminal's window as `main.py` does, says when its bars were painted, and closes it.

python tests/bench/start_window.py [--bare] [--replay FILE --clock CLOCK] [--db URL]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.run import Terminal

FEWEST = 10_000


def terminal(options: argparse.Namespace) -> None:
    """The real window by the way of the command line, up to the first paint of a chart that has its bars."""
    from app.cli import _request
    from app.preflight import qt_problem

    request = _request(options.db, options.replay, "XAUUSD", None, options.clock, "model", 7, None, mode="confirm", new=False)
    problem = qt_problem()
    if problem is not None:
        sys.exit(problem.sentence)
    from app.run import run_window

    def watch(opened: Terminal) -> None:
        from PySide6.QtCore import QTimer
        from PySide6.QtGui import QPaintEvent

        from widgets.chart.canvas import Canvas

        paint, seen = Canvas.paintEvent, {}

        def say(bars: int) -> None:
            print(json.dumps({"window": seen["window"], "painted": seen["painted"], "bars": bars}), flush=True)
            opened.leave()

        def painted(canvas: Canvas, event: QPaintEvent) -> None:
            paint(canvas, event)
            seen.setdefault("window", time.time())
            if canvas.model.series.count >= FEWEST and "painted" not in seen:
                seen["painted"] = time.time()
                QTimer.singleShot(0, lambda: say(canvas.model.series.count))

        Canvas.paintEvent = painted

    run_window(request, None, watch)


def bare() -> None:
    """The least a window in this toolkit can take."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QWidget

    class Window(QWidget):
        def paintEvent(self, _event: object) -> None:
            QTimer.singleShot(0, application.quit)

    application = QApplication(sys.argv[:1])
    window = Window()
    window.resize(1366, 768)
    window.show()
    application.exec()
    print(json.dumps({"window": time.time(), "painted": time.time(), "bars": 0}))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--clock")
    parser.add_argument("--db")
    options = parser.parse_args()
    bare() if options.bare else terminal(options)


if __name__ == "__main__":
    main()
