"""The instrument the window looks at: chosen in the watchlist or the ticket, shown by the chart."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from engine.domain.market import Symbol


class Focus(QObject):
    """One of the session's `symbols`; `changed(symbol)` when another is chosen."""

    changed = Signal(str)

    def __init__(self, symbols: tuple[Symbol, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.symbols = symbols
        self.symbol = symbols[0]

    def choose(self, symbol: Symbol) -> None:
        """Looks at `symbol`; one that the session does not trade has nothing to show and changes nothing."""
        if symbol in self.symbols and symbol != self.symbol:
            self.symbol = symbol
            self.changed.emit(symbol)
