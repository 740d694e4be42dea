"""The watchlist."""

from __future__ import annotations

from app.bars import BarLog
from app.panels.base import Surroundings, View
from app.picture import Picture
from app.state import remembered
from engine.host import Opening
from widgets.tables.watchlist import Watchlist


class WatchView(View):
    """Followed instruments; the session's own is always among them."""

    widget: Watchlist

    def __init__(self, around: Surroundings) -> None:
        self._memory = remembered("watchlist")
        own = around.bridge.request.instrument.symbol
        symbols = [own, *(s for s in self._memory.get("symbols", []) if s != own)]
        self.widget = Watchlist(around.theme, symbols)
        self.widget.set_display(around.display)
        self.widget.added.connect(self._save)
        self.widget.removed.connect(self._save)
        self.widget.select(own)
        self._own = own
        self._bars: BarLog | None = None

    def open(self, opening: Opening) -> None:
        self._bars = BarLog(opening.before)

    def show(self, picture: Picture) -> None:
        view = picture.view
        self.widget.update_quotes(view.quotes, view.at)
        if self._bars is None or not picture.frame.bars:
            return
        self._bars.extend(picture.frame.bars)
        before, closes = self._bars.before_day, self._bars.day
        tick = float(picture.instrument.tick_size)
        self.widget.set_day(self._own, None if before is None else before / tick, closes)

    def _save(self, _symbol: str) -> None:
        self._memory.set("symbols", list(self.widget.rows))
