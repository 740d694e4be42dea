"""The editor of instruments, over the books' versions of them; reading and storing happen off the window's thread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLayout, QVBoxLayout, QWidget

from app.faults import LOG
from app.panels.base import Surroundings, View
from app.picture import Picture
from engine.core.clock import Nanos
from engine.core.errors import NiceGoldError
from engine.domain.definition import Definition
from engine.domain.instrument import instrument_of
from engine.domain.market import Quote
from widgets.theme import Theme

if TYPE_CHECKING:
    from widgets.instruments.view import InstrumentsView


class Holder(QWidget):
    """Stands in the window from the start; `shown` when it is first looked at."""

    shown = Signal()

    def minimumSizeHint(self) -> QSize:
        """What is in it scrolls: the window may be as small as without it."""
        return QSize(0, 0)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()


class InstrumentsPanel(QObject, View):
    """Lists, edits and stores instruments. `begun` when the owner wants a session on what is stored.

    The editor is built when it is first looked at, so that the start of the window pays nothing for it.
    """

    begun = Signal()
    widget: Holder

    def __init__(self, around: Surroundings) -> None:
        super().__init__()
        self._around = around
        request = around.bridge.request
        self._url, self._session = request.db, (request.instrument.key, request.instrument.definition)
        self._quotes: Iterable[Quote] = ()
        self._at: Nanos | None = None
        self._key = request.instrument.key
        self._theme = around.theme
        self.view: InstrumentsView | None = None
        self.widget = Holder()
        self.widget.shown.connect(self._look)

    def show(self, picture: Picture) -> None:
        """Notes the last quotes and the market's time, for figures that depend on a price and closures that come next."""
        self._quotes, self._at = picture.view.quotes, picture.view.at

    def choose(self, symbol: str) -> None:
        """Looks at an instrument, once the list is there."""
        self._key = symbol if self._session[0].partition("@")[0] != symbol else self._session[0]
        if self.view is not None:
            self._around.bridge.keep(self._load())

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if self.view is not None:
            self.view.set_theme(theme)

    def state(self) -> dict[str, object]:
        return self.view.state() if self.view is not None else {}

    def _look(self) -> None:
        if self.view is not None:
            self.view.search()
            return
        from widgets.instruments.view import InstrumentsView

        leverage = self._around.bridge.request.config.limits.leverage
        self.view = view = InstrumentsView(self._theme, self._around.display, leverage)
        column = QVBoxLayout(self.widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        column.addWidget(view)
        view.chosen.connect(lambda key: self._around.bridge.keep(self._show(key)))
        view.drafted.connect(lambda draft: self._around.bridge.keep(self._foresee(draft)))
        view.saved.connect(lambda draft, reason, follows: self._around.bridge.keep(self._save(draft, reason, follows)))
        view.begun.connect(self.begun)
        view.left.connect(lambda: self._around.act("show_chart_panel"))
        self._around.bridge.keep(self._load())

    async def _load(self) -> None:
        """Shows the list, and the instrument that is looked at once it is read."""
        from engine.services.instruments import listed

        assert self.view is not None
        try:
            found = await asyncio.to_thread(listed, self._url)
        except NiceGoldError as error:
            self._complain(str(error))
            return
        self.view.show_list(found, self._key, self._session)
        await self._show(self._key)

    async def _show(self, key: str) -> None:
        from engine.services.instruments import history, in_force_of

        assert self.view is not None
        self._key = key
        try:
            versions = await asyncio.to_thread(history, key, self._url)
        except NiceGoldError as error:
            self._complain(str(error))
            return
        current = in_force_of(versions)
        if key == self._key:
            self.view.show_instrument(versions, current.version, self._price(current.definition))

    def _price(self, definition: Definition) -> Decimal | None:
        """The middle of the last quote; where there is none, the level the simulated market is drawn to."""
        for quote in self._quotes:
            if quote.symbol == definition.symbol:
                return instrument_of(quote.symbol).price((quote.bid + quote.ask) // 2)
        return Decimal(str(definition.simulated.level)) if definition.simulated else None

    async def _foresee(self, draft: Definition) -> None:
        from engine.services.instruments import next_closures, next_rolls

        assert self.view is not None
        try:
            coming = await asyncio.to_thread(lambda: (next_closures(draft, at=self._at), next_rolls(draft, at=self._at)))
        except NiceGoldError as error:
            self._complain(str(error))
            return
        self.view.show_coming(draft.key, *coming)

    async def _save(self, draft: Definition, reason: str, follows: int) -> None:
        from engine.services.instruments import save

        assert self.view is not None
        try:
            added = await asyncio.to_thread(save, self._url, draft, reason, None, follows)
        except NiceGoldError as error:
            self._complain(str(error))
            return
        LOG.say(f"{added.key} version {added.version} stored: {added.reason}", source="instruments")
        self.view.show_stored(added.key)
        await self._load()

    def _complain(self, sentence: str) -> None:
        LOG.say(sentence, "warning", "instruments")
        if self.view is not None:
            self.view.complain(sentence)
