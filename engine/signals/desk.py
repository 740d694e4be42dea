"""The override desk: the owner's standing orders and the cards that wait for a word. Its state is the sum of facts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from engine.core.clock import Nanos
from engine.domain import facts as f
from engine.domain.market import Symbol
from engine.domain.order import Side


class Mode(str, Enum):
    """AUTO trades every signal, CONFIRM asks first, MANUAL only shows them."""

    AUTO = "AUTO"
    CONFIRM = "CONFIRM"
    MANUAL = "MANUAL"


class Answer(Enum):
    GO = "go"
    WAIT = "wait"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Card:
    """A signal that waits, untouched, since `at` until `expires`."""

    signal: f.SignalEmitted
    at: Nanos
    expires: Nanos


class Desk:
    """Mode, waiting cards, and the signals a card may still be decided on."""

    def __init__(self) -> None:
        self.mode = Mode.AUTO
        self.cards: dict[str, Card] = {}
        self.signals = 0
        self._last: dict[tuple[Symbol, str], Nanos] = {}
        self.explanations: dict[str, f.SignalExplained] = {}
        self._fresh: f.SignalEmitted | None = None

    def apply(self, fact: f.Fact, at: Nanos) -> None:
        match fact:
            case f.ModeChanged():
                self.mode = Mode(fact.mode)
            case f.SignalEmitted():
                self.signals += 1
                self._last[fact.symbol, fact.side] = fact.bar
                self._fresh = fact
            case f.CardOpened():
                assert self._fresh is not None
                self.cards[fact.signal] = Card(self._fresh, at, fact.expires)
            case f.SignalExplained():
                if fact.signal in self.cards:
                    self.explanations[fact.signal] = fact
            case f.CardDecided():
                self.cards.pop(fact.signal, None)
                self.explanations.pop(fact.signal, None)
            case _:
                pass

    def ask(self) -> Answer:
        """What the owner wants done with a signal."""
        return {Mode.AUTO: Answer.GO, Mode.CONFIRM: Answer.WAIT, Mode.MANUAL: Answer.DROP}[self.mode]

    def waits(self, symbol: Symbol, side: Side) -> bool:
        """True while a card of this side waits already."""
        return any(card.signal.symbol == symbol and card.signal.side == side.value for card in self.cards.values())

    def last(self, symbol: Symbol, side: Side) -> Nanos | None:
        """Open time of the bar of the last signal of this side."""
        return self._last.get((symbol, side.value))

    def due(self, at: Nanos) -> list[Card]:
        """Cards whose time is over."""
        return [card for card in self.cards.values() if card.expires <= at] if self.cards else []

    def next_expiry(self) -> Nanos | None:
        return min(card.expires for card in self.cards.values()) if self.cards else None
