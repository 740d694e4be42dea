"""The depth panel: a price ladder around the spread, sizes as bars, one's own orders in gold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QStackedLayout, QToolTip, QWidget

from engine.domain.instrument import Instrument
from engine.domain.market import Depth
from engine.domain.order import Order
from widgets import format as fmt
from widgets.depth.rows import Row, nearest, rows
from widgets.empty import Empty
from widgets.style import blend, color, table_font
from widgets.theme import UNIT, Theme

ROW = 18
HEAD = 20
_NO_FEED = "Order books are of live markets: start a session with --feed at an exchange or a broker that shows depth."
_NOT_KNOWN = "{symbol}: no order book is known now. Orders on paper fill by the sizes that are quoted."


class LadderView(QWidget):
    """The ladder itself: asks above, bids below, as many levels as there is room for."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._instrument: Instrument | None = None
        self.asks: list[Row] = []
        self.bids: list[Row] = []
        self.setMinimumSize(180, HEAD + 5 * ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(260, HEAD + 21 * ROW)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def show_rows(self, instrument: Instrument, asks: list[Row], bids: list[Row]) -> None:
        if (instrument, asks, bids) != (self._instrument, self.asks, self.bids):
            self._instrument, self.asks, self.bids = instrument, asks, bids
            self.update()

    def visible(self) -> list[Row | None]:
        """The rows from the top; None is the spread's."""
        room = max(2, (self.height() - HEAD) // ROW - 1)
        above = min(len(self.asks), max(room // 2, room - len(self.bids)))
        return [*reversed(nearest(self.asks, above)), None, *nearest(self.bids, room - above)]

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self._told(int(event.pos().y())), self)
            return True
        return super().event(event)

    def _told(self, y: int) -> str:
        """What a row says on hover."""
        shown, at = self.visible(), (y - HEAD) // ROW
        instrument = self._instrument
        row = shown[at] if 0 <= at < len(shown) else None
        if row is None or instrument is None:
            return ""
        side = "bids" if row in self.bids else "asks"
        price = fmt.price(row.price, instrument)
        said = f"{fmt.lots(row.size, instrument)} lots at {price}; {fmt.lots(row.total, instrument)} of the {side} up to there"
        return said if row.own is None else f"{said}; your own: {_own(row, instrument)}"

    def paintEvent(self, _event: QPaintEvent) -> None:
        instrument = self._instrument
        if instrument is None:
            return
        painter = QPainter(self)
        painter.setFont(table_font())
        self._head(painter)
        shown = self.visible()
        largest = max((row.size for row in shown if row is not None), default=1) or 1
        is_bid = False
        for number, row in enumerate(shown):
            top = HEAD + number * ROW
            if row is None:
                self._spread(painter, top)
                is_bid = True
            else:
                self._row(painter, top, row, row.size / largest, is_bid, instrument)

    def _columns(self) -> tuple[QRectF, QRectF, QRectF]:
        """Bids, price, asks: x and width of each, at no height."""
        middle = min(92.0, self.width() * 0.36)
        side = (self.width() - middle) / 2
        return QRectF(0, 0, side, 0), QRectF(side, 0, middle, 0), QRectF(side + middle, 0, side, 0)

    def _head(self, painter: QPainter) -> None:
        painter.setPen(color(self._theme, "text2"))
        for column, name in zip(self._columns(), ("Bids", "Price", "Asks"), strict=True):
            painter.drawText(_cell(column, 0, HEAD), _ALIGN[name], name)
        painter.setPen(color(self._theme, "line"))
        painter.drawLine(0, HEAD - 1, self.width(), HEAD - 1)

    def _row(self, painter: QPainter, top: int, row: Row, share: float, is_bid: bool, instrument: Instrument) -> None:
        left, middle, right = self._columns()
        role, side, other = ("up", left, right) if is_bid else ("down", right, left)
        if row.own is not None:
            painter.fillRect(QRectF(0, top, self.width(), ROW), blend(self._theme, "gold", "bg1", 0.10))
        if row.size:
            width = max(2.0, share * side.width())
            x = side.right() - width if is_bid else side.left()
            painter.fillRect(QRectF(x, top + 1, width, ROW - 2), blend(self._theme, role, "bg1", 0.30))
            painter.setPen(color(self._theme, "text0"))
            painter.drawText(_cell(side, top, ROW), _ALIGN["Bids" if is_bid else "Asks"], fmt.lots(row.size, instrument))
        painter.setPen(color(self._theme, "gold" if row.own is not None else role))
        painter.drawText(_cell(middle, top, ROW), _ALIGN["Price"], fmt.price(row.price, instrument))
        if row.own is not None:
            painter.drawText(_cell(other, top, ROW), _ALIGN["Asks" if is_bid else "Bids"], _own(row, instrument))

    def _spread(self, painter: QPainter, top: int) -> None:
        painter.fillRect(QRectF(0, top, self.width(), ROW), color(self._theme, "bg2"))
        painter.setPen(color(self._theme, "text1"))
        painter.drawText(QRectF(0, top, self.width(), ROW), Qt.AlignmentFlag.AlignCenter, self.spread())

    def spread(self) -> str:
        """The spread in price and in hundredths of a per cent of the middle; "" while a side is empty."""
        asks, bids = [row for row in self.asks if row.size], [row for row in self.bids if row.size]
        if self._instrument is None or not asks or not bids:
            return ""
        wide, middle = asks[0].price - bids[0].price, (asks[0].price + bids[0].price) / 2
        return f"spread {fmt.price(wide, self._instrument)} ({fmt.number(wide / middle * 10_000, 2)} bp)"

    def lines(self) -> list[list[str]]:
        """What is painted, as text: bids, price, asks, one's own."""
        instrument = self._instrument
        if instrument is None:
            return []
        found, is_bid = [], False
        for row in self.visible():
            if row is None:
                is_bid = True
                found.append(["", self.spread(), "", ""])
                continue
            size, own = fmt.lots(row.size, instrument) if row.size else "", "" if row.own is None else _own(row, instrument)
            found.append([size if is_bid else "", fmt.price(row.price, instrument), "" if is_bid else size, own])
        return found


class DepthPanel(QWidget):
    """The ladder of one instrument, or why there is none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Depth")
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.ladder = LadderView(theme)
        self.empty = Empty(theme, "format-align-center", _NO_FEED)
        self._layout = QStackedLayout(self)
        self._layout.setContentsMargins(UNIT, 0, UNIT, 0)
        self._layout.addWidget(self.empty)
        self._layout.addWidget(self.ladder)
        self._said: tuple[Depth | None, tuple[Order, ...]] | None = None

    def show_book(self, instrument: Instrument, book: Depth | None, orders: Sequence[Order], has_feed: bool) -> None:
        """The book of this frame, None where none is known; `orders` are one's own working in the instrument."""
        if book is None:
            self._said = None
            self.empty.set_sentence(_NOT_KNOWN.format(symbol=instrument.symbol) if has_feed else _NO_FEED)
            self._layout.setCurrentWidget(self.empty)
            return
        said = (book, tuple(orders))
        if said != self._said:
            self._said = said
            self.ladder.show_rows(instrument, *rows(book, orders))
            self._layout.setCurrentWidget(self.ladder)

    def set_theme(self, theme: Theme) -> None:
        self.empty.set_theme(theme)
        self.ladder.set_theme(theme)

    def state(self) -> dict[str, Any]:
        is_known = self._layout.currentWidget() is self.ladder
        return {
            "name": self.accessibleName(),
            "rows": self.ladder.lines() if is_known else [],
            "empty": "" if is_known else self.empty.sentence.text(),
        }


_ALIGN = {
    "Bids": Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
    "Price": Qt.AlignmentFlag.AlignCenter,
    "Asks": Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
}


def _cell(column: QRectF, top: int, height: int) -> QRectF:
    return QRectF(column.x() + UNIT, top, column.width() - 2 * UNIT, height)


def _own(row: Row, instrument: Instrument) -> str:
    own = row.own
    return "" if own is None else f"{fmt.lots(own.quantity, instrument)}{' stop' if own.is_stop else ''}"
