"""Which bars are seen and how prices map to pixels. Knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.market import Floats

WIDEST_BAR = 60.0
FEWEST_BARS = 5
DEFAULT_BAR = 7.0
ROOM = 170.0
"""Pixels right of the newest bar, where the labels of lines stand."""


@dataclass(slots=True)
class YScale:
    """A linear map of values to pixels: `high` is drawn at `top`, `low` at `top + height`."""

    low: float = 0.0
    high: float = 1.0
    top: float = 0.0
    height: float = 1.0

    def y(self, value: float | Floats) -> float | Floats:
        return self.top + (self.high - value) * (self.height / (self.high - self.low))

    def value(self, y: float) -> float:
        return self.high - (y - self.top) * (self.high - self.low) / self.height

    def stretch(self, factor: float) -> None:
        """Show `factor` times the range about the same middle."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2 * factor
        if half > 0:
            self.low, self.high = middle - half, middle + half

    def shift(self, pixels: float) -> None:
        """Move the picture down by `pixels`."""
        by = pixels * (self.high - self.low) / self.height
        self.low, self.high = self.low + by, self.high + by


@dataclass(slots=True)
class TimeView:
    """The horizontal view: bar i takes the places [i, i + 1); `right` is the place at the plot's right edge."""

    width: float = 800.0
    count: int = 0
    bar: float = DEFAULT_BAR
    right: float = 0.0

    @property
    def visible(self) -> float:
        """How many bars fit."""
        return self.width / self.bar

    @property
    def left(self) -> float:
        return self.right - self.visible

    @property
    def follows(self) -> bool:
        """True while the newest bar is in view, so that the chart moves on with it."""
        return self.right >= self.count

    def x(self, place: float | Floats) -> float | Floats:
        """The pixel of a place; a bar's middle is at index + 0.5."""
        return self.width - (self.right - place) * self.bar

    def place(self, x: float) -> float:
        return self.right - (self.width - x) / self.bar

    def range(self) -> tuple[int, int]:
        """First and one past the last bar in view."""
        start = min(max(int(self.left), 0), self.count)
        return start, max(start, min(int(self.right) + 1, self.count))

    def zoom(self, factor: float, x: float) -> None:
        """Make bars `factor` times as wide, keeping what is under pixel `x`."""
        anchor = self.place(x)
        self.bar = min(max(self.bar * factor, self._narrowest()), WIDEST_BAR)
        self.right = anchor + (self.width - x) / self.bar
        self.clamp()

    def pan(self, pixels: float) -> None:
        """Move the picture right by `pixels`."""
        self.right -= pixels / self.bar
        self.clamp()

    def resize(self, width: float) -> None:
        self.width = max(width, 1.0)
        self.clamp()

    def end(self) -> None:
        """Show the newest bar with a little room at its right."""
        self.right = self.count + self.room()

    def home(self) -> None:
        self.right = self.visible
        self.clamp()

    def reset(self) -> None:
        self.bar = DEFAULT_BAR
        self.end()

    def appended(self, count: int) -> None:
        """The series grew to `count` bars; move on if the last one was in view."""
        if self.follows:
            self.right += count - self.count
        self.count = count

    def room(self) -> float:
        return min(self.visible * 0.24, ROOM / self.bar)

    def clamp(self) -> None:
        self.bar = max(self.bar, self._narrowest())
        lowest = min(self.visible * 0.2, max(self.count, FEWEST_BARS))
        self.right = min(max(self.right, lowest), self.count + self.visible * 0.8)

    def _narrowest(self) -> float:
        return min(DEFAULT_BAR, self.width / max(self.count * 1.1, FEWEST_BARS))
