"""The signals panel: the cards that wait, and what became of the last ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QSplitter, QVBoxLayout, QWidget

from engine.core.clock import Nanos
from engine.domain.views import CardView, SignalView
from widgets.cards.card import SignalCard
from widgets.cards.recent import columns
from widgets.empty import Empty
from widgets.format import Display
from widgets.tables.model import KeyedTableModel
from widgets.tables.view import DeskTable
from widgets.theme import UNIT, Theme

ROOM_FOR_RECENT = 90
"""Pixels below which the list of recent signals is not worth showing."""
_SENTENCES = {
    "AUTO": "In AUTO signals are traded as they come. Switch to CONFIRM to decide on each.",
    "CONFIRM": "No signal waits. Each new one appears here until you decide or it expires.",
    "MANUAL": "In MANUAL signals are only listed below. Switch to CONFIRM to decide on each.",
}


class CardQueue(QWidget):
    """Waiting cards, the oldest on top, and the list of recent signals. `intent` carries every decision.

    `mode_wanted` asks for CONFIRM from the empty state; `focus_freed` comes when the card that had the focus was the last.
    """

    intent = Signal(object)
    mode_wanted = Signal(str)
    focus_freed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setAccessibleName("Signals")
        self.setProperty("surface", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.cards: dict[str, SignalCard] = {}
        self._split_by_hand = False
        self.empty = Empty(theme, "cards-outline", _SENTENCES["CONFIRM"], "Switch to CONFIRM")
        self.empty.acted.connect(lambda: self.mode_wanted.emit("CONFIRM"))
        self.model = KeyedTableModel(columns(), lambda row: row.signal.signal)
        self.recent = DeskTable(self.model, theme, "Recent signals")
        self.recent.set_compact(True)
        self.recent.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.recent.sort_by("time", descending=True)
        self._column = QVBoxLayout()
        self._lay_out()
        self.set_mode("CONFIRM")

    def _lay_out(self) -> None:
        inner = QWidget()
        inner.setProperty("surface", "panel")
        self._column.setContentsMargins(UNIT, UNIT, UNIT, UNIT)
        self._column.setSpacing(UNIT)
        self._column.addWidget(self.empty, 1)
        self._column.addStretch()
        inner.setLayout(self._column)
        self.scroll = QScrollArea(widgetResizable=True)
        self.scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.scroll.setWidget(inner)
        self.below = QWidget()
        foot = QVBoxLayout(self.below)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(0)
        title = QLabel("Recent signals")
        title.setProperty("role", "hint")
        title.setContentsMargins(2 * UNIT, UNIT, 0, UNIT)
        foot.addWidget(title)
        foot.addWidget(self.recent, 1)
        self.split = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False)
        self.split.addWidget(self.scroll)
        self.split.addWidget(self.below)
        self.split.splitterMoved.connect(lambda _at, _number: self._on_split())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.split)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def _share_room(self) -> None:
        """The first card has the room it needs, the list of recent signals what is left; below a few rows it hides."""
        first = next(iter(self.cards.values()), self.empty)
        needed = first.sizeHint().height() + 2 * UNIT
        left = self.height() - needed
        self.below.setVisible(left >= ROOM_FOR_RECENT)
        if not self._split_by_hand:
            self.split.setSizes([needed, max(0, left)])

    def _on_split(self) -> None:
        self._split_by_hand = True

    def set_mode(self, mode: str) -> None:
        """The empty state says what the mode does with signals."""
        if self.empty.sentence.text() == _SENTENCES[mode] and self.empty.button.isHidden() == (mode == "CONFIRM"):
            return
        self.empty.set_sentence(_SENTENCES[mode])
        self.empty.button.setVisible(mode != "CONFIRM")
        self._share_room()

    def update_cards(self, cards: Sequence[CardView], now: Nanos) -> None:
        """The cards of this frame, and the session's time for their countdowns."""
        wanted = {card.signal.signal: card for card in cards}
        for signal in [signal for signal in self.cards if signal not in wanted]:
            self._drop(signal)
        for signal, card in wanted.items():
            shown = self.cards.get(signal)
            if shown is None:
                self._add(card, now)
            else:
                shown.update_card(card, now)

    def _add(self, card: CardView, now: Nanos) -> None:
        widget = SignalCard(card, self.theme)
        widget.intent.connect(partial(self._hold_focus, card.signal.signal))
        widget.intent.connect(self.intent)
        widget.count_down(now)
        self.cards[card.signal.signal] = widget
        self.empty.hide()
        self._share_room()
        self._column.insertWidget(self._column.count() - 1, widget)
        widget.show()  # at once, so that it can take the focus in the same frame

    def _drop(self, signal: str) -> None:
        widget = self.cards.pop(signal)
        focused = self.window().focusWidget()
        had_focus = focused is not None and (focused is widget or widget.isAncestorOf(focused))
        self._column.removeWidget(widget)
        widget.hide()
        widget.deleteLater()
        if had_focus and self.cards:
            self.focus_first()
        elif had_focus:
            self.focus_freed.emit()
        self.empty.setVisible(not self.cards)
        self._share_room()

    def _hold_focus(self, signal: str, _intent: object) -> None:
        """The buttons of an answered card are disabled: the focus stays on the card until it goes."""
        self.cards[signal].setFocus(Qt.FocusReason.OtherFocusReason)

    def focus_first(self) -> None:
        """Put the focus on the oldest card, so that A, V, F and R answer it."""
        first = next(iter(self.cards.values()), None)
        if first is not None:
            first.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.scroll.ensureWidgetVisible(first)

    def reopen(self, signal: str) -> None:
        """The answer to this card was refused; it may be answered again."""
        if signal in self.cards:
            self.cards[signal].reopen()

    def update_signals(self, signals: Sequence[SignalView]) -> None:
        """The recent signals; the same tuple as last time costs nothing."""
        self.model.update(signals)

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.empty.set_theme(theme)
        self.recent.set_theme(theme)
        for card in self.cards.values():
            card.set_theme(theme)

    def set_display(self, display: Display) -> None:
        self.model.set_display(display)

    def save_state(self) -> dict[str, Any]:
        return {"recent": self.recent.save_state(), "split": self.split.sizes() if self._split_by_hand else None}

    def restore_state(self, state: dict[str, Any]) -> None:
        self.recent.restore_state(state.get("recent", {}))
        if state.get("split"):
            self._split_by_hand = True
            self.split.setSizes([int(size) for size in state["split"]])

    def state(self) -> dict[str, Any]:
        return {
            "name": self.accessibleName(),
            "cards": [card.state() for card in self.cards.values()],
            "recent": self.recent.state(),
            "empty": None if self.cards else self.empty.state(),
        }
