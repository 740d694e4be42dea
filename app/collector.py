"""Garbage is collected on the window's thread only: a widget in a reference cycle must not die on the engine's thread."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 500


class Collector(QObject):
    """Takes over from Python's own collector, which runs on whichever thread happens to allocate. `stop` gives it back."""

    def __init__(self) -> None:
        super().__init__()
        self._thresholds = gc.get_threshold()
        self._timer = QTimer(self, interval=EVERY_MS)
        self._timer.timeout.connect(self.collect)

    def start(self) -> None:
        """What is there now stays for good: it is never looked at again, which keeps collections short."""
        gc.collect()
        gc.freeze()
        gc.disable()
        self._timer.start()

    def collect(self) -> None:
        """Collects the oldest generation that is full, by Python's own thresholds."""
        full = [age for age, (count, most) in enumerate(zip(gc.get_count(), self._thresholds, strict=True)) if count > most > 0]
        if full:
            gc.collect(full[-1])

    def stop(self) -> None:
        self._timer.stop()
        gc.collect()
        gc.unfreeze()
        gc.enable()
