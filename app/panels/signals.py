"""Signal cards and what became of earlier signals."""

from __future__ import annotations

from app.panels.base import Surroundings, View
from app.picture import Picture
from engine.domain.intents import AcceptCard, FlipCard, ResizeCard, SetMode, VetoCard
from widgets.cards.queue import CardQueue

RECENT = 200


class SignalsView(View):
    """The queue of cards."""

    widget: CardQueue

    def __init__(self, around: Surroundings) -> None:
        self.widget = CardQueue(around.theme)
        self.widget.set_display(around.display)
        self.widget.intent.connect(around.bridge.submit)
        self.widget.mode_wanted.connect(lambda mode: around.bridge.submit(SetMode(mode)))
        around.bridge.refused.connect(self._refused)
        self._mode = ""
        self._first = True

    def show(self, picture: Picture) -> None:
        view = picture.view
        if view.mode != self._mode:
            self._mode = view.mode
            self.widget.set_mode(view.mode)
        self.widget.update_cards(view.cards, view.at)
        if picture.frame.records or self._first:
            self._first = False
            signals = list(picture.chronicle.signals.values())[-RECENT:]
            self.widget.update_signals(signals)

    def _refused(self, intent: object, _sentence: str) -> None:
        if isinstance(intent, AcceptCard | VetoCard | FlipCard | ResizeCard):
            self.widget.reopen(intent.signal)
