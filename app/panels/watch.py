"""The watchlist."""

from __future__ import annotations

from app.bars import BarLog
from app.panels.base import Surroundings, View
from app.picture import Picture
from app.state import remembered
from app.trust import doubts
from engine.domain.instrument import instrument_of
from engine.domain.market import Symbol
from engine.host import Opening
from widgets.tables.watchlist import Watchlist


class WatchView(View):
    """Followed instruments; those the session trades are always among them."""

    widget: Watchlist

    def __init__(self, around: Surroundings) -> None:
        self._memory = remembered("watchlist")
        own = around.focus.symbols
        symbols = [*own, *(s for s in self._memory.get("symbols", []) if s not in own)]
        self.widget = Watchlist(around.theme, symbols)
        self.widget.set_display(around.display)
        self.widget.added.connect(self._save)
        self.widget.removed.connect(self._save)
        self.widget.select(around.focus.symbol)
        self.widget.selected.connect(around.focus.choose)
        around.focus.changed.connect(self.widget.select)
        self._bars: dict[Symbol, BarLog] = {}

    def open(self, opening: Opening) -> None:
        self._bars = {symbol: BarLog(before) for symbol, before in opening.before.items()}

    def show(self, picture: Picture) -> None:
        view = picture.view
        self.widget.update_quotes(view.quotes, view.at, doubts(view))
        for symbol, fresh in picture.frame.bars.items():
            bars = self._bars[symbol]
            bars.extend(fresh)
            tick = float(instrument_of(symbol).tick_size)
            self.widget.set_day(symbol, None if bars.before_day is None else bars.before_day / tick, bars.day)

    def _save(self, _symbol: str) -> None:
        self._memory.set("symbols", list(self.widget.rows))
