"""What is done by itself when a limit trips: once, and on record."""

from __future__ import annotations

from collections.abc import Mapping

from engine.domain import facts as f
from engine.domain.market import Quote, Symbol
from engine.execution.manager import Emit, OrderManager
from engine.portfolio.ledger import Ledger
from engine.risk.exposure import mark
from engine.risk.guard import STATES, Guard, Trip
from engine.risk.stakes import Stakes


class Actions:
    """Carries out what a trip asks for, in the order it is configured."""

    def __init__(
        self, emit: Emit, manager: OrderManager, guard: Guard, ledger: Ledger, stakes: Stakes, quotes: Mapping[Symbol, Quote]
    ) -> None:
        self._emit = emit
        self._manager = manager
        self._guard = guard
        self._ledger = ledger
        self._stakes = stakes
        self._quotes = quotes

    def carry_out(self, trip: Trip) -> None:
        if not trip.is_usual:
            self._emit(f.LimitTripped(trip.limit, trip.actions, trip.reason))
        for action in trip.actions:
            if action in STATES:
                self._change_state(STATES[action], trip)
            elif action == "cancel_entries":
                self._manager.cancel_entries(trip.reason)
            elif action == "close_worst":
                self._close(self._worst())
            elif action == "flatten":
                self._manager.cancel_entries(trip.reason)
                for symbol in tuple(self._ledger.open):
                    self._close(symbol)

    def _change_state(self, state: str, trip: Trip) -> None:
        if self._guard.demanded(state):
            self._emit(f.TradingStateChanged(state, trip.limit, trip.reason))

    def _worst(self) -> Symbol | None:
        """The position that loses most; where none loses, the one with most at stake."""

        def badness(symbol: Symbol) -> tuple[int, int]:
            at = mark(self._ledger.position(symbol), self._quotes[symbol])
            return max(0, -self._ledger.unrealised(symbol, at)), self._stakes.of(symbol).risk

        return max((symbol for symbol in self._ledger.open if symbol in self._quotes), key=badness, default=None)

    def _close(self, symbol: Symbol | None) -> None:
        """Closes what is not being closed already."""
        if symbol is not None and symbol in self._quotes and (kept := self._stakes.of(symbol).quantity):
            self._manager.close(symbol, abs(kept))
