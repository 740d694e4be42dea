"""What of a position came from elsewhere, and what its owner chose to do about its protection. A fold over facts."""

from __future__ import annotations

from enum import Enum

from engine.domain import facts as f
from engine.domain.instrument import Steps
from engine.domain.market import Symbol
from engine.domain.order import Role
from engine.portfolio.register import OrderRegister


class Choice(str, Enum):
    """Attach a default stop, leave it as it is, or close it at the market."""

    ATTACH = "attach"
    LEAVE = "leave"
    CLOSE = "close"


class Adopted:
    """Lot steps that were adopted from the venue and wait for their owner's choice, or were left without a stop by it."""

    def __init__(self, register: OrderRegister) -> None:
        self._register = register
        self._held: dict[Symbol, Steps] = {}
        self._foreign: dict[Symbol, Steps] = {}
        self._left: dict[Symbol, Steps] = {}

    def units(self, symbol: Symbol) -> Steps:
        """How many lot steps of the position are not for the terminal to cover by itself."""
        return abs(self._foreign.get(symbol, 0))

    def undecided(self, symbol: Symbol) -> Steps:
        """How many of them wait for a choice."""
        return max(0, self.units(symbol) - self._left.get(symbol, 0))

    def apply(self, fact: f.Fact) -> None:
        """Takes in fills of external orders, changes of positions, and choices."""
        match fact:
            case f.OrderFilled() if self._register[fact.order].role is Role.EXTERNAL:
                self._add(fact.symbol, fact.quantity if fact.side == "buy" else -fact.quantity)
            case f.PositionAdopted():
                self._add(fact.symbol, fact.quantity - self._held.get(fact.symbol, 0))
                self._within(fact.symbol, fact.quantity)
            case f.PositionChanged():
                self._within(fact.symbol, fact.quantity)
            case f.ProtectionChosen(symbol=symbol, choice=Choice.ATTACH.value):
                self._foreign.pop(symbol, None)
                self._left.pop(symbol, None)
            case f.ProtectionChosen(symbol=symbol, choice=Choice.LEAVE.value):
                self._left[symbol] = self.units(symbol)
            case _:
                pass

    def _add(self, symbol: Symbol, signed: Steps) -> None:
        self._foreign[symbol] = self._foreign.get(symbol, 0) + signed

    def _within(self, symbol: Symbol, held: Steps) -> None:
        """No more than is held, and nothing that points the other way."""
        self._held[symbol] = held
        foreign = self._foreign.pop(symbol, 0)
        if foreign * held > 0:
            self._foreign[symbol] = max(-abs(held), min(abs(held), foreign))
        self._left[symbol] = min(self._left.get(symbol, 0), self.units(symbol))
