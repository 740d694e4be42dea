"""The watchlist: what is followed, what it costs now, how the day goes; and the search for more."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QEvent, QObject, QStringListModel, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import QCompleter, QLabel, QLineEdit, QWidget

from engine.core.clock import SECOND, Nanos
from engine.domain.instrument import INSTRUMENTS, Instrument, money
from engine.domain.market import Quote, Ticks
from widgets import format as fmt
from widgets.empty import Empty
from widgets.style import sign_role, table_font
from widgets.tables.cells import of, price_column
from widgets.tables.column import Column, text_column
from widgets.tables.glance import Glance
from widgets.tables.model import KeyedTableModel
from widgets.tables.painting import PADDING
from widgets.tables.panel import TablePanel
from widgets.tables.spark import paint_spark
from widgets.theme import UNIT, Theme

_NO_DOUBTS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class WatchRow:
    """An instrument followed. `reference` is the mid price (ticks) its change is measured from, `closes` its recent bars.

    `age` is how old the quote is, where it is too old to be trusted; `doubt` why it is not to be traded on.
    """

    symbol: str
    at: Nanos = 0
    bid: Ticks | None = None
    ask: Ticks | None = None
    reference: float | None = None
    closes: tuple[float, ...] = ()
    age: str = ""
    doubt: str = ""

    @property
    def spread(self) -> Ticks | None:
        return None if self.bid is None or self.ask is None else self.ask - self.bid

    @property
    def change(self) -> float | None:
        """Change of the mid price since the reference, as a fraction."""
        if self.bid is None or self.ask is None or not self.reference:
            return None
        return (self.bid + self.ask) / 2 / self.reference - 1


def _change(row: WatchRow) -> str:
    return row.age or (fmt.DASH if row.change is None else fmt.signed(row.change * 100, 2))


def _since(row: WatchRow, display: fmt.Display) -> str:
    told = f"Last quote {fmt.moment_with_zone(row.at, display.zone)}" if row.at else "No quote yet"
    told += f", {row.age} old" if row.age and row.at else ""
    return f"{told}\n{row.doubt[:1].upper()}{row.doubt[1:]}." if row.doubt else told


def columns() -> tuple[Column, ...]:
    """The table's columns."""
    return (
        text_column("symbol", "Symbol", lambda row: row.symbol, 72, why=lambda row, _d: of(row).name),
        price_column("bid", "Bid", lambda row: row.bid, flash=True, why=_since, width=58),
        price_column("ask", "Ask", lambda row: row.ask, flash=True, why=_since, width=58),
        Column("change", "Chg%", lambda row: row.change, lambda row, _d: _change(row), width=46,
               tint=lambda row: sign_role(row.change or 0), why=_since),
        Column("spread", "Spr", lambda row: row.spread, lambda row, _d: fmt.DASH if row.spread is None else str(row.spread),
               width=30, tint=lambda _row: "text1", why=lambda _r, _d: "Spread in ticks"),
        Column("spark", "Day", lambda row: row.change, lambda row, _d: _change(row), width=36, numeric=False, paint=paint_spark),
    )  # fmt: skip


RANK = ("symbol", "bid", "ask", "change", "spread", "spark")
"""Where the panel is narrow, the last of these give way."""


def terms(instrument: Instrument) -> str:
    """What one lot is, a line for each term."""
    return (
        f"{instrument.name}\n1 lot = {instrument.contract_size:,} {instrument.unit}\ntick {instrument.tick_size} = "
        f"{money(round(instrument.tick_value / instrument.lot_step)):,.2f} {instrument.currency} a lot\n"
        f"step {instrument.lot_step} lot = {fmt.units(1, instrument)}"
    )


class Watchlist(TablePanel):
    """Followed instruments. `selected` names the one chosen; `added` and `removed` say what the list should be remembered as,
    `terms_wanted` whose terms are to be looked at."""

    selected = Signal(str)
    added = Signal(str)
    removed = Signal(str)
    terms_wanted = Signal(str)

    def __init__(self, theme: Theme, symbols: Iterable[str] = (), parent: QWidget | None = None) -> None:
        model = KeyedTableModel(columns(), lambda row: row.symbol)
        empty = Empty(theme, "format-list-bulleted", "Nothing is watched yet. Search for an instrument above.", "Search")
        super().__init__(model, theme, "Watchlist", empty, parent)
        self.rows: dict[str, WatchRow] = {}
        self._widths: dict[str, int] = {}
        self._metrics = QFontMetricsF(table_font())
        self.stale_after = 60 * SECOND
        self.search = self._search_box()
        self.add_button("", "Stop watching the selected instrument", self.remove_selected, "Del", "minus")
        self._add_action("Terms, sessions and costs…", self._ask_terms, "F2")
        self.glance = Glance(theme)
        self.glance.hide()
        self.layout().addWidget(self.glance)
        self.detail = QLabel(wordWrap=True)
        self.detail.setFont(table_font())
        self.detail.setProperty("role", "hint")
        self.detail.setContentsMargins(2 * UNIT, UNIT, 2 * UNIT, UNIT)
        self.layout().addWidget(self.detail)
        self.filled.connect(self.search.setFocus)
        self.table.chosen.connect(self._choose)
        for symbol in symbols:
            self._follow(symbol)
        self._show()
        self._fit()
        self.table.horizontalHeader().viewport().installEventFilter(self)

    def _search_box(self) -> QLineEdit:
        box = QLineEdit(placeholderText="Add instrument (Ins)", clearButtonEnabled=True)
        box.setAccessibleName("Add instrument")
        box.setToolTip("Type a symbol or a name, Enter adds it to the list (Ins)")
        names = [f"{i.symbol}  {i.name}" for i in INSTRUMENTS.values()]
        completer = QCompleter(QStringListModel(names, box), box)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.activated[str].connect(lambda text: self.add(text), Qt.ConnectionType.QueuedConnection)
        completer.highlighted[str].connect(lambda text: self._describe(text.split()[0]))
        box.setCompleter(completer)
        box.returnPressed.connect(lambda: self.add(box.text()))
        self.bar.addWidget(box, 1)
        self._add_action("Add instrument", box.setFocus, "Ins")
        return box

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Give each column what its texts need, in order of rank, unless the user chose columns or widths.

        Done when the panel or its instruments change, not with every quote; a column never shrinks.
        """
        if self.table.hand_picked:
            return
        room = self.width()
        for name in RANK:
            at = next(n for n, column in enumerate(self.model.columns) if column.name == name)
            self._widths[name] = max(self._widths.get(name, 0), self._needed(at))
            room -= self._widths[name]
            self.table.setColumnWidth(at, self._widths[name])
            self.table.setColumnHidden(at, room < 0)

    def _needed(self, at: int) -> int:
        if self.model.columns[at].paint is not None:
            return self.model.columns[at].width
        advance, header = self._metrics.horizontalAdvance, self.model.columns[at].header(self.model.display)
        texts = [self.model.text(number, at) for number in range(self.model.rowCount())]
        return math.ceil(max(advance(header) + PADDING, *map(advance, texts), 0)) + 2 * PADDING

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A width dragged by hand is kept; the last column follows the panel's and tells nothing."""
        if event.type() == QEvent.Type.MouseButtonRelease:
            header = self.table.horizontalHeader()
            shown = [n for n in map(header.logicalIndex, range(header.count())) if not header.isSectionHidden(n)]
            widths = {self.model.columns[at].name: header.sectionSize(at) for at in shown[:-1]}
            self.table.hand_picked |= any(self._widths[name] != width for name, width in widths.items())
        return super().eventFilter(watched, event)

    # --- the list ---

    def add(self, text: str) -> None:
        """Follow the instrument whose symbol `text` starts with, or whose name holds it; says so when there is none."""
        wanted = text.strip().casefold()
        if not wanted:
            return
        symbol = _find(wanted)
        if symbol is None:
            self.complain(f"No instrument matches {text.strip()!r}; listed are {', '.join(INSTRUMENTS)}.")
            return
        self.search.clear()
        self.say("")
        if symbol not in self.rows:
            self._follow(symbol)
            self._show()
            self._fit()
            self.added.emit(symbol)
        self.table.select_key(symbol)

    def remove_selected(self) -> None:
        """Stop following the selected instrument."""
        row = self.table.current()
        if row is not None:
            del self.rows[row.symbol]
            self._show()
            self.removed.emit(row.symbol)

    def _ask_terms(self) -> None:
        row = self.table.current()
        if row is not None:
            self.terms_wanted.emit(row.symbol)

    def select(self, symbol: str) -> None:
        """Mark the row of `symbol`."""
        self.table.select_key(symbol)

    def _follow(self, symbol: str) -> None:
        self.rows[symbol] = WatchRow(symbol)

    def _show(self) -> None:
        self.model.update(list(self.rows.values()))
        self._show_glance()

    def _show_glance(self) -> None:
        row = self.table.current()
        if row is None:
            self.glance.hide()
        else:
            self.glance.show_row(self.rows[row.symbol], of(row))

    def _choose(self, symbol: str | None) -> None:
        if symbol is not None:
            self._describe(symbol)
            self._show_glance()
            self.selected.emit(symbol)

    def _describe(self, symbol: str) -> None:
        if symbol in INSTRUMENTS:
            self.detail.setText(terms(INSTRUMENTS[symbol]))

    # --- the market ---

    def update_quotes(self, quotes: Iterable[Quote], now: Nanos, doubts: Mapping[str, str] = _NO_DOUBTS) -> None:
        """The last quotes of this frame; what is older than `stale_after`, or in `doubts` by symbol, is drawn dim, with its age
        or the reason."""
        changed = first = False
        for symbol, row in self.rows.items():
            if row.doubt != (doubt := doubts.get(symbol, "")):
                self.rows[symbol], changed = replace(row, doubt=doubt), True
        for quote in quotes:
            row = self.rows.get(quote.symbol)
            if row is not None and (row.at != quote.at or row.bid != quote.bid or row.ask != quote.ask):
                self.rows[quote.symbol] = replace(row, at=quote.at, bid=quote.bid, ask=quote.ask)
                changed, first = True, first or row.bid is None
        if self._tell_ages(now) or changed:
            self._show()
        if first:
            self._fit()
        self.table.set_dim(frozenset(row.symbol for row in self.rows.values() if row.age or row.doubt))

    def _tell_ages(self, now: Nanos) -> bool:
        """Note the age of quotes that are too old; True when one changed."""
        changed = False
        for symbol, row in self.rows.items():
            late = row.at > 0 and now - row.at > self.stale_after
            age = fmt.age(now - row.at).removesuffix(" ago") if late else ""
            if age != row.age:
                self.rows[symbol] = replace(row, age=age)
                changed = True
        return changed

    def set_day(self, symbol: str, reference: float | None, closes: Iterable[float] = ()) -> None:
        """What the day's change of `symbol` is measured from (ticks) and the recent closes for its line (any unit)."""
        if symbol in self.rows:
            self.rows[symbol] = replace(self.rows[symbol], reference=reference, closes=tuple(map(float, closes)))
            self._show()
            self._fit()

    def set_theme(self, theme: Theme) -> None:
        super().set_theme(theme)
        self.glance.set_theme(theme)

    def state(self) -> dict[str, Any]:
        return {**super().state(), "glance": self.glance.state(), "detail": self.detail.text()}


def _find(wanted: str) -> str | None:
    first = wanted.split()[0]
    starts = [symbol for symbol in INSTRUMENTS if symbol.casefold() == first]
    starts += [symbol for symbol in INSTRUMENTS if symbol.casefold().startswith(first)]
    starts += [symbol for symbol, i in INSTRUMENTS.items() if wanted in i.name.casefold() or first in symbol.casefold()]
    return starts[0] if starts else None
