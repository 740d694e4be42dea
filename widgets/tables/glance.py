"""The instrument chosen in the watchlist at one glance: its price, its day, its spread."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from engine.domain.instrument import Instrument, money
from widgets import format as fmt
from widgets.style import headline_font, set_role, sign_role, table_font
from widgets.tables.column import Row
from widgets.tables.spark import paint_spark
from widgets.theme import UNIT, Theme

LINE_HEIGHT = 56
_ROLES = {"up": "good", "down": "loss", "text0": "label"}


class DayLine(QWidget):
    """The day's closes as a line as wide as the panel."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.row: Row = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Closes of the day, midnight to midnight UTC")

    def sizeHint(self) -> QSize:
        return QSize(120, LINE_HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        if self.row is not None:
            paint_spark(QPainter(self), self.rect(), self.row, self.theme)


class Glance(QWidget):
    """The last bid with its change of the day, the day's line, range and spread."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.price = QLabel(font=headline_font())
        self.price.setToolTip("Bid")
        self.change = QLabel()
        self.line = DayLine(theme)
        self.values = {name: QLabel(font=table_font()) for name in ("Day's closes", "Before", "Spread", "Spread a lot")}
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, UNIT)
        column.setSpacing(UNIT)
        for widget in (self.price, self.change, self.line):
            column.addWidget(widget)
        column.addLayout(self._grid())

    def _grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(1, 1)
        for at, (name, value) in enumerate(self.values.items()):
            label = QLabel(name, font=table_font())
            label.setProperty("role", "hint")
            grid.addWidget(label, at, 0)
            grid.addWidget(value, at, 1, Qt.AlignmentFlag.AlignRight)
        return grid

    def show_row(self, row: Row, instrument: Instrument) -> None:
        """The row as it stands in this frame; the panel gives way while it has no quote."""
        self.setVisible(row.bid is not None)
        if row.bid is None:
            return
        self.price.setText(fmt.price(row.bid, instrument))
        why = row.doubt or (f"this price is {row.age} old" if row.age else "")
        self.price.setToolTip(f"Bid. {why[:1].upper()}{why[1:]}." if why else "Bid")
        set_role(self.price, "role", "hint" if why else None)
        moved = None if row.change is None else (row.bid + row.ask) / 2 - row.reference
        self.change.setText("" if moved is None else self._moved(moved, row.change, instrument))
        set_role(self.change, "role", _ROLES[sign_role(moved or 0)])
        closes = (
            [round(close / float(instrument.tick_size)) for close in (min(row.closes), max(row.closes))] if row.closes else []
        )
        spread = row.spread * instrument.tick_value / instrument.lot_step
        texts = (
            " – ".join(fmt.price(close, instrument) for close in closes) or fmt.DASH,
            fmt.price(row.reference, instrument),
            f"{row.spread} ticks",
            f"{money(round(spread)):,.2f} {instrument.currency}",
        )
        for label, text in zip(self.values.values(), texts, strict=True):
            label.setText(text)
        if row is not self.line.row:
            self.line.row = row
            self.line.update()

    def _moved(self, ticks: float, share: float, instrument: Instrument) -> str:
        by = fmt.signed(float(instrument.tick_size) * ticks, instrument.price_decimals)
        return f"{'▲' if ticks > 0 else '▼' if ticks < 0 else ''} {by} ({fmt.signed_percent(share)})".strip()

    def set_theme(self, theme: Theme) -> None:
        self.line.theme = theme
        self.line.update()

    def state(self) -> dict[str, Any]:
        shown = {name: label.text() for name, label in self.values.items()}
        return {"price": self.price.text(), "change": self.change.text(), **shown} if not self.isHidden() else {}
