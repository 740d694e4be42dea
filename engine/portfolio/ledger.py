"""The ledger: positions, realised profit, costs and equity, in whole cash units. Its state is the sum of facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.domain import facts as f
from engine.domain.instrument import Cash, Instrument, Steps
from engine.domain.market import Symbol, Ticks
from engine.rules.costs import notional
from engine.rules.positions import book


@dataclass(slots=True)
class Holding:
    """What is held of one instrument: signed `quantity`, `basis` (its signed cost), and what it brought so far.

    `trade_realised` and `trade_costs` are those of the trade at hand.
    """

    tick_value: Cash
    quantity: Steps = 0
    basis: Cash = 0
    realised: Cash = 0
    costs: Cash = 0
    trade: int = 0
    trade_realised: Cash = 0
    trade_costs: Cash = 0


class Ledger:
    """One account's holdings. `apply` takes facts; everything else only reads.

    equity = opening + realised - costs + unrealised, to the unit.
    """

    def __init__(self, instruments: Mapping[Symbol, Instrument]) -> None:
        self._instruments = instruments
        self.account = ""
        self.currency = ""
        self.opening: Cash = 0
        self.realised: Cash = 0
        self.costs: Cash = 0
        self.trades = 0
        self.holdings: dict[Symbol, Holding] = {}
        self.open: dict[Symbol, Holding] = {}

    @property
    def cash(self) -> Cash:
        """What the account would hold if every position were worth its cost."""
        return self.opening + self.realised - self.costs

    def position(self, symbol: Symbol) -> Steps:
        """Signed quantity held; 0 when flat."""
        holding = self.open.get(symbol)
        return holding.quantity if holding else 0

    def unrealised(self, symbol: Symbol, mark: Ticks) -> Cash:
        """Open profit of `symbol` at `mark` (bid for a long, ask for a short)."""
        holding = self.open.get(symbol)
        if holding is None:
            return 0
        return holding.quantity * mark * holding.tick_value - holding.basis

    def change(self, fill: f.OrderFilled) -> f.PositionChanged:
        """What `fill` makes of the position; nothing is changed yet."""
        before = self._holding(fill.symbol)
        signed = fill.quantity if fill.side == "buy" else -fill.quantity
        value = notional(fill.price, signed, before.tick_value)
        quantity, basis, realised = book(before.quantity, before.basis, signed, value)
        opens = before.quantity == 0 or before.quantity * quantity < 0
        trade = self.trades + 1 if opens else before.trade
        return f.PositionChanged(fill.symbol, fill.execution, quantity, basis, realised, trade)

    def apply(self, fact: f.Fact) -> None:
        """Takes a fact into the books; facts that are not about money are passed over."""
        match fact:
            case f.PositionChanged():
                self._position(fact)
            case f.OrderFilled():
                self._cost(fact.symbol, fact.commission)
            case f.FinancingCharged():
                self._cost(fact.symbol, fact.amount)
            case f.AccountOpened():
                self.account, self.currency, self.opening = fact.account, fact.currency, fact.balance
            case _:
                pass

    def _position(self, fact: f.PositionChanged) -> None:
        holding = self._holding(fact.symbol)
        holding.quantity, holding.basis, holding.trade = fact.quantity, fact.basis, fact.trade
        holding.realised += fact.realised
        holding.trade_realised += fact.realised
        self.realised += fact.realised
        self.trades = max(self.trades, fact.trade)
        if fact.quantity:
            self.open[fact.symbol] = holding
        else:
            self.open.pop(fact.symbol, None)

    def _cost(self, symbol: Symbol, amount: Cash) -> None:
        holding = self._holding(symbol)
        if not holding.quantity:  # the first fill of a trade pays before the position is there
            holding.trade_realised = holding.trade_costs = 0
        self.costs += amount
        holding.costs += amount
        holding.trade_costs += amount

    def _holding(self, symbol: Symbol) -> Holding:
        holding = self.holdings.get(symbol)
        if holding is None:
            holding = self.holdings[symbol] = Holding(self._instruments[symbol].tick_value)
        return holding
