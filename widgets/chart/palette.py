"""The theme's colours as QColor, and the mixtures the chart needs."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont, QFontMetricsF

from widgets.theme import FONT_TABLE, FONT_UI, Theme

MOST_REMEMBERED = 4000


class Palette:
    """Colours by token; `mix` gives an opaque colour, so that nothing is blended while painting."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._made: dict[tuple[str, str, float], QColor] = {}

    def __getitem__(self, token: str) -> QColor:
        return self.mix(token, token, 1.0)

    def mix(self, token: str, ground: str, share: float) -> QColor:
        """`share` of `token` on `ground`."""
        key = (token, ground, share)
        if key not in self._made:
            top, under = QColor(getattr(self.theme, token)), QColor(getattr(self.theme, ground))
            parts = zip(top.getRgb()[:3], under.getRgb()[:3], strict=True)
            self._made[key] = QColor(*(round(a * share + b * (1 - share)) for a, b in parts))
        return self._made[key]


def figures_font(base: QFont, pixels: int = FONT_TABLE, bold: bool = False) -> QFont:
    """`base` at `pixels` with figures of equal width."""
    font = QFont(base)
    font.setPixelSize(pixels)
    font.setFeature(QFont.Tag("tnum"), 1)
    font.setBold(bold)
    return font


class Face:
    """A font with its measures remembered: asking Qt each time costs as much as drawing."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self._metrics = QFontMetricsF(font)
        self.baseline = (self._metrics.ascent() - self._metrics.descent()) / 2
        self._advances: dict[str, float] = {}

    def advance(self, text: str) -> float:
        """The width of `text` in pixels."""
        known = self._advances.get(text)
        if known is None:
            if len(self._advances) > MOST_REMEMBERED:
                self._advances.clear()
            known = self._advances[text] = self._metrics.horizontalAdvance(text)
        return known


def faces(base: QFont) -> dict[str, Face]:
    """The chart's fonts by use."""
    return {
        "small": Face(figures_font(base)),
        "bold": Face(figures_font(base, bold=True)),
        "legend": Face(figures_font(base, FONT_UI)),
        "title": Face(figures_font(base, FONT_UI, bold=True)),
    }
